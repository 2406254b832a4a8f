/* SPDX-License-Identifier: MIT
 * Pieces of bytes, and matches in them.
 */
#include "viewer/scan.h"

#include <stdlib.h>
#include <string.h>

enum { SCAN_PAGE = 4096 };

int scan_init(struct scan *scan, struct bytes *b, const struct pattern *pattern)
{
	size_t overlap = pattern ? pattern_overlap(pattern) : 0;
	*scan = (struct scan){
		.bytes = b,
		.overlap = overlap,
		.buf = malloc(SCAN_PIECE + overlap + 1),
		.known = malloc(SCAN_PIECE + overlap + 1),
	};
	if (scan->buf && scan->known)
		return 0;
	scan_fini(scan);
	return -ENOMEM;
}

void scan_fini(struct scan *scan)
{
	free(scan->buf);
	free(scan->known);
	scan->buf = scan->known = NULL;
}

/* One by one, as some of them can be read. */
static void pages_load(struct scan *scan)
{
	struct bytes *b = scan->bytes;
	size_t len = scan->len + scan->more, part;
	for (size_t done = 0; done < len; done += part) {
		struct error err;
		part = SCAN_PAGE - (scan->at + done) % SCAN_PAGE;
		part = part < len - done ? part : len - done;
		if (b->ops->read(b, scan->at + done, scan->buf + done, part, scan->known + done,
				 &err) == 0)
			continue;
		bytes_trouble(b, &err);
		memset(scan->buf + done, 0, part);
		memset(scan->known + done, 0, part);
	}
}

void scan_load(struct scan *scan, uint64_t at, uint64_t end)
{
	struct bytes *b = scan->bytes;
	struct error err;
	uint64_t first, last;
	scan->at = at;
	scan->len = end - at < SCAN_PIECE ? (size_t)(end - at) : SCAN_PIECE;
	/* a match may go on in the next run of pages */
	bool inside = b->ops->stretch(b, at, &first, &last) && last > at + scan->len;
	uint64_t behind = inside ? last - at - scan->len : 0;
	scan->more = behind < scan->overlap ? (size_t)behind : scan->overlap;
	if (b->ops->read(b, at, scan->buf, scan->len + scan->more, scan->known, &err) < 0)
		pages_load(scan);
}

bool scan_next(struct scan *scan, struct pattern *pattern, size_t *from, size_t *start, size_t *len,
	       struct error *err)
{
	while (*from < scan->len) {
		int rc = pattern_find(pattern, scan->buf, scan->len + scan->more, *from, start, len,
				      err);
		scan->failed |= rc < 0;
		if (rc <= 0 || *start >= scan->len)
			break;
		*from = *start + (*len ? *len : 1);
		if (!memchr(scan->known + *start, 0, *len ? *len : 1))
			return true;
	}
	*from = scan->len;
	return false;
}
