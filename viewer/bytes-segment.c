/* SPDX-License-Identifier: MIT
 * Bytes of a shared segment: of a memfd, also when nobody has it mapped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/page.h"
#include "images/page-store.h"
#include "viewer/app.h"
#include "viewer/bytes.h"

struct segment {
	struct bytes base;
	struct page_store *store; /* NULL: no page was ever touched */
	uint64_t size;
};

static struct segment *segment_of(struct bytes *b)
{
	return (struct segment *)b;
}

static int segment_read(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
			struct error *err)
{
	struct segment *s = segment_of(b);
	size_t inside = at >= s->size ? 0 : s->size - at < len ? (size_t)(s->size - at) : len;
	memset(buf, 0, len);
	if (known) {
		memset(known, 1, inside);
		memset(known + inside, 0, len - inside);
	}
	return s->store && inside ? page_store_read(s->store, at, buf, inside, NULL, err) : 0;
}

static bool segment_stretch(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	*start = 0;
	*end = segment_of(b)->size;
	return at < *end;
}

static bool segment_below(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	(void)at;
	return segment_stretch(b, 0, start, end);
}

static bool segment_data(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	struct segment *s = segment_of(b);
	struct page_run run;
	struct error err;
	while (s->store && at < s->size) {
		int rc = page_store_find(s->store, at, &run, &err);
		if (rc < 0)
			bytes_trouble(b, &err);
		if (rc <= 0 || run.addr >= s->size)
			return false;
		uint64_t stop = run.addr + run.nr_pages * PAGE;
		if (run.kind == PAGE_PRESENT || run.kind == PAGE_PARENT) {
			*start = run.addr > at ? run.addr : at;
			*end = stop < s->size ? stop : s->size;
			return true;
		}
		at = stop;
	}
	return false;
}

static void segment_about(struct bytes *b, uint64_t at, struct strbuf *out)
{
	strbuf_printf(out, "byte %" PRIu64 " of %" PRIu64, at, segment_of(b)->size);
}

static void segment_command(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out)
{
	(void)start;
	(void)end;
	strbuf_printf(out, "show -x %s%s", source_is_archive(b->app->src) ? "{}:" : "{}/",
		      b->image);
}

static const char *segment_entry(struct bytes *b, uint64_t at, size_t *entry)
{
	(void)at;
	*entry = SIZE_MAX;
	return b->image;
}

static void segment_close(struct bytes *b)
{
	page_store_close(segment_of(b)->store);
	free(b);
}

static const struct bytes_ops segment_bytes = {
	.read = segment_read,
	.stretch = segment_stretch,
	.stretch_below = segment_below,
	.data = segment_data,
	.about = segment_about,
	.command = segment_command,
	.entry = segment_entry,
	.close = segment_close,
};

int bytes_of_segment(struct app *app, const struct process *p, uint64_t shmid, uint64_t size,
		     const char *title, struct bytes **out, struct error *err)
{
	struct segment *s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	int rc = page_store_open_shmem(app->src, shmid, &s->store, err);
	if (rc < 0 && rc != -ENOENT) {
		free(s);
		return rc;
	}
	s->base = (struct bytes){ .ops = &segment_bytes, .app = app, .process = p };
	s->size = size;
	snprintf(s->base.image, sizeof(s->base.image), "pagemap-shmem-%" PRIu64 ".img", shmid);
	snprintf(s->base.title, sizeof(s->base.title), "%s", title);
	*out = &s->base;
	return 0;
}
