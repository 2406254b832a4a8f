/* SPDX-License-Identifier: MIT
 * Windows over stored memory.
 */
#include "convert/memory/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/page.h"

enum { WINDOW = 1 << 20 };

/* The stored stretches of the ranges, one after the other, neighbours joined. */
struct stretches {
	struct memory_view *mv;
	const struct memory_ranges *ranges;
	size_t at;     /* range */
	uint64_t addr; /* where to go on in it; 0: at its start */
};

static bool is_stored(struct memory_view *mv, const struct memory_run *run, struct error *err,
		      int *rc)
{
	if (run->state == PG_STORED || run->state == PG_PARENT)
		return true;
	if (run->state != PG_FILE)
		return false;
	uint8_t known;
	char byte;
	*rc = memory_view_read(mv, run->start, &byte, 1, &known, err);
	return *rc == 0 && known; /* the sysroot has the file */
}

/* The next run that counts of a range. @return 1, 0 at its end, -errno */
static int run_of_range(struct stretches *s, struct memory_run *out, struct error *err)
{
	const struct memory_range *range = &s->ranges->items[s->at];
	uint64_t addr = s->addr > range->start ? s->addr : range->start;
	for (; addr < range->end; addr = out->end) {
		int rc = memory_view_run(s->mv, memory_view_find(s->mv, addr), addr, out, err);
		if (rc < 0)
			return rc;
		if (out->end > range->end)
			out->end = range->end;
		bool hole = memory_view_hole(s->mv, out);
		s->addr = out->end;
		if (!hole && is_stored(s->mv, out, err, &rc))
			return 1;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The next of all; where damage is passed over, the rest of a range behind it. */
static int next_run(struct stretches *s, struct memory_run *out, struct error *err)
{
	for (; s->at < s->ranges->nr; s->at++, s->addr = 0) {
		struct error why;
		int rc = run_of_range(s, out, &why);
		if (rc > 0)
			return rc;
		if (rc < 0 && !memory_view_passes(s->mv, rc, &why))
			return error_set(err, rc, "%s", why.text);
	}
	return 0;
}

static int next_stretch(struct stretches *s, struct memory_run *ahead, bool *have,
			struct memory_range *out, struct error *err)
{
	int rc = *have ? 1 : next_run(s, ahead, err);
	*have = false;
	if (rc <= 0)
		return rc;
	*out = (struct memory_range){ ahead->start, ahead->end };
	while ((rc = next_run(s, ahead, err)) > 0) {
		if (ahead->start != out->end) {
			*have = true;
			return 1;
		}
		out->end = ahead->end;
	}
	return rc < 0 ? rc : 1;
}

struct scan {
	/* len bytes at an address */
	int (*read)(void *from, uint64_t addr, void *buf, size_t len, struct error *err);
	void *from;
	size_t overlap;
	struct progress *progress;
	scan_visit visit;
	void *arg;
	unsigned char *buf;
	unsigned char *fresh; /* in it: what is read comes here, what is kept stands in front */
};

static int scan_init(struct scan *s, struct error *err)
{
	if (s->overlap > SCAN_OVERLAP_MAX)
		return error_set(err, EINVAL, "looking for more than %u bytes at once",
				 SCAN_OVERLAP_MAX);
	size_t front = (s->overlap + PAGE - 1) & ~(size_t)(PAGE - 1);
	s->buf = io_buffer(front + WINDOW);
	if (!s->buf)
		return error_set(err, ENOMEM, "out of memory");
	s->fresh = s->buf + front; /* where a page begins: io_buffer() says why */
	return 0;
}

/* One window; what has to come again is moved in front of the next. @return as a visit; *kept: how
 * much */
static int window_visit(const struct scan *s, struct scan_window *w, bool last, size_t *kept,
			struct error *err)
{
	w->bytes = s->fresh - *kept;
	*kept = last ? 0 : s->overlap < w->len ? s->overlap : w->len;
	w->fresh = w->len - *kept;
	int rc = s->visit(s->arg, w, err);
	if (rc == 0)
		memmove(s->fresh - *kept, w->bytes + w->fresh, *kept);
	return rc;
}

static int scan_stretch(const struct scan *s, const struct memory_range *stretch, struct error *err)
{
	size_t kept = 0;
	for (uint64_t addr = stretch->start; addr < stretch->end;) {
		size_t want = WINDOW;
		if (want > stretch->end - addr)
			want = (size_t)(stretch->end - addr);
		int rc = s->read(s->from, addr, s->fresh, want, err);
		if (rc < 0)
			return rc;
		struct scan_window w = { .addr = addr - kept,
					 .len = kept + want,
					 .first = addr == stretch->start };
		addr += want;
		rc = window_visit(s, &w, addr == stretch->end, &kept, err);
		if (rc != 0)
			return rc;
		progress_add(s->progress, want);
	}
	return 0;
}

static int view_read(void *mv, uint64_t addr, void *buf, size_t len, struct error *err)
{
	return memory_view_read(mv, addr, buf, len, NULL, err);
}

int memory_scan(struct memory_view *mv, const struct memory_ranges *ranges, size_t overlap,
		struct progress *progress, scan_visit visit, void *arg, struct error *err)
{
	struct scan s = { view_read, mv, overlap, progress, visit, arg, NULL, NULL };
	struct stretches stretches = { .mv = mv, .ranges = ranges };
	struct memory_range stretch;
	struct memory_run ahead;
	bool have = false;
	int rc = scan_init(&s, err);
	while (rc == 0 && (rc = next_stretch(&stretches, &ahead, &have, &stretch, err)) > 0) {
		struct error why;
		rc = scan_stretch(&s, &stretch, &why);
		if (rc < 0)
			rc = memory_view_passes(mv, rc, &why) ? 0
							      : error_set(err, rc, "%s", why.text);
	}
	free(s.buf);
	return rc;
}

static int store_read(void *segment, uint64_t addr, void *buf, size_t len, struct error *err)
{
	return page_store_read(segment, addr, buf, len, NULL, err);
}

/* Runs of pages with bytes, neighbours joined. @return 1; 0 at the end; -errno */
static int segment_stretch(struct page_store *segment, struct memory_range *out, struct error *err)
{
	struct page_run run;
	int rc;
	for (uint64_t addr = out->end; (rc = page_store_find(segment, addr, &run, err)) > 0;) {
		uint64_t end = run.addr + run.nr_pages * PAGE;
		addr = end;
		if (run.kind != PAGE_PRESENT && run.kind != PAGE_PARENT)
			continue;
		*out = (struct memory_range){ run.addr, end };
		while ((rc = page_store_find(segment, out->end, &run, err)) > 0 &&
		       run.addr == out->end &&
		       (run.kind == PAGE_PRESENT || run.kind == PAGE_PARENT))
			out->end += run.nr_pages * PAGE;
		return rc < 0 ? rc : 1;
	}
	return rc;
}

int segment_scan(struct page_store *segment, size_t overlap, struct progress *progress,
		 scan_visit visit, void *arg, struct error *err)
{
	struct scan s = { store_read, segment, overlap, progress, visit, arg, NULL, NULL };
	struct memory_range stretch = { 0, 0 };
	int rc = scan_init(&s, err);
	while (rc == 0 && (rc = segment_stretch(segment, &stretch, err)) > 0)
		rc = scan_stretch(&s, &stretch, err);
	free(s.buf);
	return rc;
}

int stream_scan(scan_read read, void *from, size_t overlap, struct progress *progress,
		scan_visit visit, void *arg, struct error *err)
{
	struct scan s = { NULL, NULL, overlap, progress, visit, arg, NULL, NULL };
	uint64_t at = 0;
	size_t kept = 0;
	bool last = false;
	int rc = scan_init(&s, err);
	while (rc == 0 && !last) {
		size_t got = 0;
		while (got < WINDOW && !last) {
			ssize_t n = read(from, s.fresh + got, WINDOW - got, err);
			if (n < 0) {
				free(s.buf);
				return (int)n;
			}
			got += (size_t)n;
			last = n == 0;
		}
		struct scan_window w = { .addr = at - kept, .len = kept + got, .first = at == 0 };
		at += got;
		if (w.len)
			rc = window_visit(&s, &w, last, &kept, err);
		progress_add(progress, got);
	}
	free(s.buf);
	return rc;
}

int memory_scan_size(struct memory_view *mv, const struct memory_ranges *ranges, uint64_t *out,
		     struct error *err)
{
	struct stretches stretches = { .mv = mv, .ranges = ranges };
	struct memory_run run;
	int rc;
	*out = 0;
	while ((rc = next_run(&stretches, &run, err)) > 0)
		*out += run.end - run.start;
	return rc;
}
