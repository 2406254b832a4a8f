/* SPDX-License-Identifier: MIT
 * Memory into files and hexadecimal dumps.
 */
#include "convert/memory/extract.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"

#define PIECE (1u << 20)

struct extract {
	struct memory_view *mv;
	int fd;
	const char *name;
	bool sparse;
	unsigned char *buf;
	uint64_t *missing;
};

static bool is_zero(const struct memory_run *run)
{
	return run->state == PG_HOLE || run->state == PG_ZERO || run->state == PG_GUARD ||
	       run->state == PG_LAZY;
}

static int skip(const struct extract *x, uint64_t len, struct error *err)
{
	if (x->sparse) {
		if (lseek(x->fd, (off_t)len, SEEK_CUR) < 0)
			return error_sys(err, "%s: seek", x->name);
		return 0;
	}
	memset(x->buf, 0, PIECE);
	int rc = 0;
	for (; rc == 0 && len; len -= len < PIECE ? len : PIECE)
		rc = fd_write_full(x->fd, x->buf, len < PIECE ? len : PIECE);
	return rc < 0 ? error_code(err, rc, "write %s", x->name) : 0;
}

static int copy_piece(const struct extract *x, uint64_t addr, size_t len, struct error *err)
{
	uint8_t known[PIECE / PAGE + 2];
	int rc = memory_view_read(x->mv, addr, x->buf, len, known, err);
	if (rc < 0)
		return rc;
	size_t pages = (addr + len - 1) / PAGE - addr / PAGE + 1;
	for (size_t i = 0; i < pages; i++)
		*x->missing += known[i] ? 0 : PAGE;
	rc = fd_write_full(x->fd, x->buf, len);
	return rc < 0 ? error_code(err, rc, "write %s", x->name) : 0;
}

static int copy_run(const struct extract *x, const struct memory_run *run,
		    struct progress *progress, struct error *err)
{
	int rc = 0;
	if (run->state == PG_LAZY)
		*x->missing += run->end - run->start;
	if (is_zero(run))
		return skip(x, run->end - run->start, err);
	for (uint64_t addr = run->start; rc == 0 && addr < run->end;) {
		size_t len = PIECE;
		if (len > run->end - addr)
			len = (size_t)(run->end - addr);
		rc = copy_piece(x, addr, len, err);
		progress_add(progress, len);
		addr += len;
	}
	return rc;
}

static int for_each_run(struct memory_view *mv, const struct memory_range *range, uint64_t *addr,
			struct memory_run *run, struct error *err)
{
	if (*addr >= range->end)
		return 0;
	int rc = memory_view_run(mv, memory_view_find(mv, *addr), *addr, run, err);
	if (rc < 0)
		return rc;
	if (run->end > range->end)
		run->end = range->end;
	if (memory_view_hole(mv, run))
		run->state = PG_ZERO;
	*addr = run->end;
	return 1;
}

int memory_extract(struct memory_view *mv, const struct memory_ranges *ranges, int fd,
		   const char *name, struct progress *progress, uint64_t *missing,
		   struct error *err)
{
	auto_free unsigned char *buf = io_buffer(PIECE);
	off_t begin = lseek(fd, 0, SEEK_CUR);
	struct extract x = { mv, fd, name, begin >= 0, buf, missing };
	*missing = 0;
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ranges->nr; i++) {
		struct memory_run run;
		uint64_t addr = ranges->items[i].start;
		int rc;
		while ((rc = for_each_run(mv, &ranges->items[i], &addr, &run, err)) > 0) {
			rc = copy_run(&x, &run, progress, err);
			if (rc < 0)
				return rc;
		}
		if (rc < 0)
			return rc;
	}
	if (x.sparse && ftruncate(fd, lseek(fd, 0, SEEK_CUR)) < 0 && errno != EINVAL)
		return error_sys(err, "%s: set the length", name);
	return 0;
}

/* What is not bytes of the checkpoint is said in words. */
static const char *words_for(const struct memory_run *run, bool known)
{
	switch (run->state) {
	case PG_LAZY:
		return "still with the process when the set was made";
	case PG_GUARD:
		return "guard: touching it was a fault";
	case PG_FILE:
		return known ? NULL : "as in the mapped file: give --sysroot";
	case PG_HOLE:
		return known ? NULL : "not in the checkpoint";
	default:
		return NULL;
	}
}

static int dump_run(struct memory_view *mv, const struct memory_run *run, unsigned char *buf,
		    struct hexdump *l, struct error *err)
{
	uint8_t known[PIECE / PAGE + 2];
	for (uint64_t addr = run->start; addr < run->end;) {
		size_t len = PIECE;
		if (len > run->end - addr)
			len = (size_t)(run->end - addr);
		int rc = memory_view_read(mv, addr, buf, len, known, err);
		if (rc < 0)
			return rc;
		const char *words = words_for(run, known[0]);
		if (words) {
			fprintf(l->to, "%016" PRIx64 "-%016" PRIx64 "  %s\n", addr, run->end,
				words);
			l->have_last = false;
			return 0;
		}
		if (run->state == PG_HOLE || run->state == PG_ZERO) {
			hexdump_bytes(l, addr, buf,
				      len < 2 * HEXDUMP_LINE ? len : 2 * HEXDUMP_LINE);
			return 0; /* the rest is the same */
		}
		hexdump_bytes(l, addr, buf, len);
		addr += len;
	}
	return 0;
}

int memory_hexdump(struct memory_view *mv, const struct memory_ranges *ranges, struct hexdump *h,
		   struct error *err)
{
	auto_free unsigned char *buf = io_buffer(PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ranges->nr; i++) {
		struct memory_run run;
		uint64_t addr = ranges->items[i].start;
		int rc;
		h->have_last = h->have_last && i && ranges->items[i - 1].end == addr;
		while ((rc = for_each_run(mv, &ranges->items[i], &addr, &run, err)) > 0) {
			rc = dump_run(mv, &run, buf, h, err);
			if (rc < 0)
				return rc;
		}
		if (rc < 0)
			return rc;
		fprintf(h->to, "%016" PRIx64 "\n", ranges->items[i].end);
	}
	return 0;
}
