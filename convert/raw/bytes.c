/* SPDX-License-Identifier: MIT
 * Dumps of payloads and raw images.
 */
#include "convert/raw/bytes.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "images/page-store.h"
#include "images/payload.h"

enum { PIECE = 65536 };

typedef ssize_t take_bytes(struct image_reader *r, void *buf, size_t len, struct error *err);

/* Reads may be short anywhere, lines are full up to the last one. */
static int dump(struct image_reader *r, take_bytes *take, uint64_t *at, struct hexdump *h,
		struct error *err)
{
	unsigned char buf[PIECE];
	size_t have = 0;
	ssize_t n;
	while ((n = take(r, buf + have, PIECE - have, err)) > 0) {
		have += (size_t)n;
		size_t lines = have - have % HEXDUMP_LINE;
		hexdump_bytes(h, *at, buf, lines);
		*at += lines;
		have -= lines;
		for (size_t i = 0; i < have; i++)
			buf[i] = buf[lines + i];
	}
	if (n < 0)
		return (int)n;
	hexdump_bytes(h, *at, buf, have);
	*at += have;
	fprintf(h->to, "%016" PRIx64 "\n", *at);
	return 0;
}

static int parts_dump(struct image_reader *r, uint64_t *end, struct hexdump *h, struct error *err)
{
	struct payload_part part;
	int rc;
	while ((rc = image_payload_next(r, &part, err)) > 0) {
		if (!part.len)
			continue;
		*end = payload_part_address(part.msg, *end);
		h->have_last = false;
		rc = dump(r, image_payload_read, end, h, err);
		if (rc < 0)
			break;
	}
	return rc;
}

int image_hexdump(struct image_reader *r, const uint64_t *entries, size_t nr_entries,
		  struct hexdump *h, struct error *err)
{
	uint64_t end = 0;
	int rc = 1;
	if (!image_reader_type(r)->entry)
		return dump(r, image_read_raw, &end, h, err);
	uint64_t nr = 0;
	for (; rc > 0; nr++) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		bool wanted = rc > 0 && image_entry_wanted(entries, nr_entries, nr);
		int bad = wanted ? parts_dump(r, &end, h, err) : 0;
		if (bad < 0)
			return bad;
	}
	if (rc == 0)
		rc = image_entries_seen(r, entries, nr_entries, nr - 1, err);
	if (rc == 0 && !end)
		return error_set(err, ENOENT, "%s: no bytes follow %s", image_reader_name(r),
				 entries ? "these entries" : "its entries");
	return rc;
}

static int run_dump(struct page_store *pages, const struct page_run *run, struct hexdump *h,
		    struct error *err)
{
	unsigned char buf[PIECE];
	uint64_t end = run->addr + run->nr_pages * PAGE;
	if (run->kind == PAGE_ZERO || run->kind == PAGE_LAZY) {
		fprintf(h->to, "%016" PRIx64 "-%016" PRIx64 "  %s\n", run->addr, end,
			run->kind == PAGE_ZERO ? "zeros" : "not in the checkpoint");
		h->have_last = false;
		return 0;
	}
	for (uint64_t at = run->addr; at < end;) {
		size_t len = end - at < PIECE ? (size_t)(end - at) : PIECE;
		int rc = page_store_read(pages, at, buf, len, NULL, err);
		if (rc < 0)
			return rc;
		hexdump_bytes(h, at, buf, len);
		at += len;
	}
	return 0;
}

int pages_hexdump(struct source *src, const char *name, struct hexdump *h, struct error *err)
{
	const struct image_type *type = image_type_by_filename(name);
	auto_page_store pages = NULL;
	struct page_run run;
	uint64_t number = image_number(type, name), end = 0;
	int rc = type->id == IMG_SHMEM_PAGEMAP
		     ? page_store_open_shmem(src, number, &pages, err)
		     : page_store_open(src, (uint32_t)number, &pages, err);
	while (rc >= 0 && (rc = page_store_next(pages, &run, err)) > 0) {
		h->have_last = h->have_last && run.addr == end;
		rc = run_dump(pages, &run, h, err);
		end = run.addr + run.nr_pages * PAGE;
	}
	if (rc == 0)
		fprintf(h->to, "%016" PRIx64 "\n", end);
	return rc;
}
