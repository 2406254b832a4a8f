/* SPDX-License-Identifier: MIT
 * Windows over stored memory.
 */
#include "convert/memory/scan.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW (1u << 20)

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

/* The next run that counts. @return 1, 0 at the end, -errno */
static int next_run(struct stretches *s, struct memory_run *out, struct error *err)
{
	while (s->at < s->ranges->nr) {
		const struct memory_range *range = &s->ranges->items[s->at];
		uint64_t addr = s->addr > range->start ? s->addr : range->start;
		if (addr >= range->end) {
			s->at++;
			s->addr = 0;
			continue;
		}
		int rc = memory_view_run(s->mv, memory_view_find(s->mv, addr), addr, out, err);
		if (rc < 0)
			return rc;
		if (out->end > range->end)
			out->end = range->end;
		s->addr = out->end;
		if (is_stored(s->mv, out, err, &rc))
			return 1;
		if (rc < 0)
			return rc;
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
	struct memory_view *mv;
	size_t overlap;
	struct progress *progress;
	scan_visit visit;
	void *arg;
	unsigned char *buf;
};

static int scan_stretch(const struct scan *s, const struct memory_range *stretch, struct error *err)
{
	size_t kept = 0;
	for (uint64_t addr = stretch->start; addr < stretch->end;) {
		size_t want = WINDOW;
		if (want > stretch->end - addr)
			want = (size_t)(stretch->end - addr);
		int rc = memory_view_read(s->mv, addr, s->buf + kept, want, NULL, err);
		if (rc < 0)
			return rc;
		struct scan_window w = { .addr = addr - kept,
					 .bytes = s->buf,
					 .len = kept + want,
					 .first = addr == stretch->start };
		addr += want;
		kept = addr == stretch->end ? 0 : s->overlap < w.len ? s->overlap : w.len;
		w.fresh = w.len - kept;
		rc = s->visit(s->arg, &w, err);
		if (rc != 0)
			return rc;
		memmove(s->buf, s->buf + w.len - kept, kept);
		progress_add(s->progress, want);
	}
	return 0;
}

int memory_scan(struct memory_view *mv, const struct memory_ranges *ranges, size_t overlap,
		struct progress *progress, scan_visit visit, void *arg, struct error *err)
{
	struct scan s = { mv, overlap, progress, visit, arg, NULL };
	struct stretches stretches = { .mv = mv, .ranges = ranges };
	struct memory_range stretch;
	struct memory_run ahead;
	bool have = false;
	if (overlap > SCAN_OVERLAP_MAX)
		return error_set(err, EINVAL, "looking for more than %u bytes at once",
				 SCAN_OVERLAP_MAX);
	s.buf = malloc(WINDOW + overlap);
	if (!s.buf)
		return error_set(err, ENOMEM, "out of memory");
	int rc;
	while ((rc = next_stretch(&stretches, &ahead, &have, &stretch, err)) > 0) {
		rc = scan_stretch(&s, &stretch, err);
		if (rc != 0)
			break;
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
