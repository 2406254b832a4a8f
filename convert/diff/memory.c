/* SPDX-License-Identifier: MIT
 * What differs between the memories of two processes: areas by address, then bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/diff/change.h"
#include "images/memory-view.h"

enum { WINDOW = 1024 * 1024, HEX_LINES = 16, HEX_BYTES = 16 };

struct memory_pair {
	struct diff *d;
	uint32_t pid;
	struct memory_view *mv[2];
	unsigned char *buf[2]; /* WINDOW bytes each */
	uint8_t known[2][WINDOW / PAGE + 1];
};

static void area_text(const struct area *area, char *out, size_t size)
{
	const VmaEntry *vma = area->vma;
	snprintf(out, size, "%c%c%c%c %s%s%s", vma->prot & PROT_READ ? 'r' : '-',
		 vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
		 area->private ? 'p' : 's', area_kind_names[area->kind], *area->path ? " " : "",
		 area->path);
}

static void range_text(uint64_t start, uint64_t end, char *out, size_t size)
{
	snprintf(out, size, "%" PRIx64 "-%" PRIx64, start, end);
}

static void area_only(const struct memory_pair *m, const struct area *area, int side)
{
	char object[40], text[4200];
	range_text(area->vma->start, area->vma->end, object, sizeof(object));
	area_text(area, text, sizeof(text));
	diff_change(m->d, DIFF_MEMS, m->pid, object, NULL, side ? NULL : text, side ? text : NULL);
}

static int area_compare(const struct memory_pair *m, const struct area *a, const struct area *b,
			struct error *err)
{
	/* numbers that each dump makes up; what they stand for is in the path */
	static const char *const numbers[] = { "shmid", "fd", NULL };
	char object[40];
	range_text(a->vma->start, a->vma->end, object, sizeof(object));
	if (!a->unknown && !b->unknown && strcmp(a->path, b->path))
		diff_change(m->d, DIFF_MEMS, m->pid, object, "path", a->path, b->path);
	return diff_messages(m->d, DIFF_MEMS, m->pid, object, &a->vma->base, &b->vma->base, numbers,
			     err);
}

static int areas_compare(const struct memory_pair *m, struct error *err)
{
	static const char *const skip[] = { "vmas", "exe_file_id", NULL };
	const struct area *a, *b;
	size_t nr_a = memory_view_areas(m->mv[0], &a), nr_b = memory_view_areas(m->mv[1], &b);
	int rc = diff_messages(m->d, DIFF_MEMS, m->pid, "mm", &memory_view_mm(m->mv[0])->base,
			       &memory_view_mm(m->mv[1])->base, skip, err);
	for (size_t i = 0, k = 0; rc == 0 && (i < nr_a || k < nr_b);) {
		bool only_a = k == nr_b || (i < nr_a && a[i].vma->start < b[k].vma->start);
		bool only_b = i == nr_a || (k < nr_b && b[k].vma->start < a[i].vma->start);
		if (only_a || only_b)
			area_only(m, only_a ? &a[i] : &b[k], only_b);
		else
			rc = area_compare(m, &a[i], &b[k], err);
		i += !only_b;
		k += !only_a;
	}
	return rc;
}

/* Lines of HEX_BYTES that differ, of one page. */
static void page_hexdump(const struct memory_pair *m, uint64_t addr, const unsigned char *a,
			 const unsigned char *b)
{
	unsigned lines = 0;
	for (size_t at = 0; at < PAGE && lines < HEX_LINES; at += HEX_BYTES) {
		char object[40], text[2][HEX_BYTES * 2 + 1];
		if (!memcmp(a + at, b + at, HEX_BYTES))
			continue;
		for (size_t i = 0; i < HEX_BYTES; i++) {
			snprintf(text[0] + 2 * i, 3, "%02x", a[at + i]);
			snprintf(text[1] + 2 * i, 3, "%02x", b[at + i]);
		}
		snprintf(object, sizeof(object), "%" PRIx64, addr + at);
		diff_change(m->d, DIFF_PAGES, m->pid, object, "bytes", text[0], text[1]);
		lines++;
	}
}

struct page_counts {
	uint64_t changed, unknown;
	uint64_t first; /* address of the first changed page */
};

/* @return 1 when it is damage of that side, noted: nothing is to be compared; rc */
static int side_pass(const struct memory_pair *m, int side, int rc, const struct error *why,
		     struct error *err)
{
	return memory_view_passes(m->mv[side], rc, why) ? 1 : error_set(err, rc, "%s", why->text);
}

/* @return 0; 1 it cannot be compared; -errno */
static int window_compare(struct memory_pair *m, uint64_t addr, size_t len,
			  struct page_counts *counts, struct error *err)
{
	for (int side = 0; side < 2; side++) {
		struct error why;
		int rc =
		    memory_view_read(m->mv[side], addr, m->buf[side], len, m->known[side], &why);
		if (rc < 0)
			return side_pass(m, side, rc, &why, err);
	}
	if (!memcmp(m->buf[0], m->buf[1], len) && !memcmp(m->known[0], m->known[1], len / PAGE))
		return 0;
	for (size_t at = 0; at < len; at += PAGE) {
		size_t page = at / PAGE;
		if (!m->known[0][page] || !m->known[1][page]) {
			counts->unknown += m->known[0][page] != m->known[1][page];
			continue;
		}
		if (!memcmp(m->buf[0] + at, m->buf[1] + at, PAGE))
			continue;
		if (!counts->changed++)
			counts->first = addr + at;
		if (m->d->how->hexdump)
			page_hexdump(m, addr + at, m->buf[0] + at, m->buf[1] + at);
	}
	return 0;
}

static bool same_without_reading(const struct memory_run *a, const struct memory_run *b)
{
	bool zero_a = a->state == PG_HOLE || a->state == PG_ZERO;
	bool zero_b = b->state == PG_HOLE || b->state == PG_ZERO;
	return (zero_a && zero_b) || (a->state == PG_FILE && b->state == PG_FILE);
}

/* [start, end) lies in one area on each side, and is compared up to what is passed over. */
static int range_compare(struct memory_pair *m, const struct area *a, const struct area *b,
			 uint64_t start, uint64_t end, struct page_counts *counts,
			 struct error *err)
{
	while (start < end && !doc_failed(m->d->doc)) {
		const struct area *areas[] = { a, b };
		struct memory_run runs[2];
		uint64_t to = end;
		int rc;
		for (int side = 0; side < 2; side++) {
			struct error why;
			rc = memory_view_run(m->mv[side], areas[side], start, &runs[side], &why);
			if (rc < 0)
				return side_pass(m, side, rc, &why, err);
			if (memory_view_hole(m->mv[side], &runs[side]))
				runs[side].state = PG_ZERO;
			to = runs[side].end < to ? runs[side].end : to;
		}
		if (!same_without_reading(&runs[0], &runs[1])) {
			if (to - start > WINDOW)
				to = start + WINDOW;
			rc = window_compare(m, start, (size_t)(to - start), counts, err);
			if (rc != 0)
				return rc;
			progress_add(m->d->how->progress, to - start);
		}
		start = to;
	}
	return 0;
}

static void counts_report(const struct memory_pair *m, uint64_t start, uint64_t end,
			  const struct page_counts *counts)
{
	char object[40], text[64];
	range_text(start, end, object, sizeof(object));
	if (counts->changed) {
		snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 ", first at %" PRIx64,
			 counts->changed, (end - start) / PAGE, counts->first);
		diff_change(m->d, DIFF_PAGES, m->pid, object, "pages changed", "", text);
	}
	if (counts->unknown) {
		snprintf(text, sizeof(text), "%" PRIu64, counts->unknown);
		diff_change(m->d, DIFF_PAGES, m->pid, object, "pages only one side has", "", text);
	}
}

static int pages_compare(struct memory_pair *m, struct error *err)
{
	const struct area *a, *b;
	size_t nr_a = memory_view_areas(m->mv[0], &a), nr_b = memory_view_areas(m->mv[1], &b);
	for (size_t i = 0, k = 0; i < nr_a && k < nr_b;) {
		uint64_t start =
		    a[i].vma->start > b[k].vma->start ? a[i].vma->start : b[k].vma->start;
		uint64_t end = a[i].vma->end < b[k].vma->end ? a[i].vma->end : b[k].vma->end;
		if (start < end) {
			struct page_counts counts = { 0 };
			int rc = range_compare(m, &a[i], &b[k], start, end, &counts, err);
			if (rc < 0)
				return rc;
			counts_report(m, start, end, &counts);
		}
		bool next_a = a[i].vma->end <= b[k].vma->end;
		bool next_b = b[k].vma->end <= a[i].vma->end;
		i += next_a;
		k += next_b;
	}
	return 0;
}

static int pair_compare(struct memory_pair *m, struct error *err)
{
	int rc = diff_wants(m->d, DIFF_MEMS) ? areas_compare(m, err) : 0;
	if (rc < 0 || !m->d->how->pages || !diff_wants(m->d, DIFF_PAGES))
		return rc;
	m->buf[0] = io_buffer(WINDOW);
	m->buf[1] = io_buffer(WINDOW);
	if (!m->buf[0] || !m->buf[1])
		return error_set(err, ENOMEM, "out of memory");
	return pages_compare(m, err);
}

static int view_open(struct diff *d, int side, const struct process *p, struct memory_view **out,
		     struct error *err)
{
	struct error why;
	int rc = memory_view_open(d->cp[side], p, NULL, out, &why);
	if (rc < 0 && rc != -ENOENT)
		return error_set(err, rc, "%s", why.text);
	return 0; /* NULL: a zombie has none; its state says so */
}

int diff_memory(struct diff *d, const struct process_pair *pair, struct error *err)
{
	auto_memory_view a = NULL;
	auto_memory_view b = NULL;
	if (!diff_wants(d, DIFF_MEMS) && !(d->how->pages && diff_wants(d, DIFF_PAGES)))
		return 0;
	auto_free struct memory_pair *m = calloc(1, sizeof(*m));
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	int rc = view_open(d, 0, pair->a, &a, err);
	if (rc == 0)
		rc = view_open(d, 1, pair->b, &b, err);
	if (rc < 0 || !a || !b || memory_view_cut(a) || memory_view_cut(b))
		return rc;
	*m = (struct memory_pair){ .d = d, .pid = pair->a->pid, .mv = { a, b } };
	rc = pair_compare(m, err);
	free(m->buf[0]);
	free(m->buf[1]);
	return rc;
}
