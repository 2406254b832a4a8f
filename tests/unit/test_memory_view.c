/* SPDX-License-Identifier: MIT
 * Memory by address over the sets of the corpus: every stored page is in exactly one place.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "convert/diff/diff.h"
#include "convert/memory/report.h"
#include "convert/memory/select.h"
#include "images/memory-view.h"
#include "images/page-store.h"
#include "tests/unit/corpus.h"

static bool set_open(const char *set, struct source **src, struct checkpoint **cp)
{
	char path[512];
	struct error err;
	if (!corpus_find(set, path))
		return false;
	assert_int_equal(source_open(path, src, &err), 0);
	assert_int_equal(checkpoint_open(*src, cp, &err), 0);
	return true;
}

static uint64_t pages_in_store(struct source *src, uint32_t pid)
{
	auto_page_store ps = NULL;
	struct page_run run;
	uint64_t nr = 0;
	assert_int_equal(page_store_open(src, pid, &ps, NULL), 0);
	while (page_store_next(ps, &run, NULL) == 1)
		nr += run.nr_pages;
	return nr;
}

/* A private mapping of a segment shows pages of both: then only a lower bound is known. */
static uint64_t pages_in_view(struct memory_view *mv, bool *mixed)
{
	const struct area *areas;
	uint64_t nr = 0;
	size_t nr_areas = memory_view_areas(mv, &areas);
	for (size_t i = 0; i < nr_areas; i++) {
		if (!areas[i].private && areas[i].has_segment)
			continue;
		*mixed |= areas[i].has_segment;
		struct memory_run run;
		for (uint64_t at = areas[i].vma->start; at < areas[i].vma->end; at = run.end) {
			assert_int_equal(memory_view_run(mv, &areas[i], at, &run, NULL), 0);
			assert_int_equal(run.start, at);
			assert_true(run.end > at && run.end <= areas[i].vma->end);
			if (run.state != PG_HOLE && run.state != PG_FILE && run.state != PG_GUARD)
				nr += (run.end - run.start) / 4096;
		}
	}
	return nr;
}

static void runs_cover_every_page_of_the_map(void **state)
{
	static const char *const sets[] = { "a1", "a2", "a3", "a11", "a13", "a10/full2", "a4" };
	(void)state;
	unsigned seen = 0;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		auto_source src = NULL;
		auto_checkpoint cp = NULL;
		if (!set_open(sets[i], &src, &cp))
			continue;
		for (size_t p = 0; p < checkpoint_nr_processes(cp); p++) {
			auto_memory_view mv = NULL;
			const struct process *proc = checkpoint_process(cp, p);
			int rc = memory_view_open(cp, proc, NULL, &mv, NULL);
			if (rc == -ENOENT)
				continue;
			assert_int_equal(rc, 0);
			bool mixed = false;
			uint64_t in_view = pages_in_view(mv, &mixed);
			uint64_t in_store = pages_in_store(src, proc->pid);
			assert_true(mixed ? in_view >= in_store : in_view == in_store);
			seen++;
		}
	}
	if (!seen)
		skip();
}

static void shared_bytes_are_the_same_in_every_process(void **state)
{
	(void)state;
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	if (!set_open("a3", &src, &cp))
		skip();
	char first[4096], other[4096];
	unsigned nr = 0;
	for (size_t p = 0; p < checkpoint_nr_processes(cp); p++) {
		auto_memory_view mv = NULL;
		const struct area *areas;
		if (memory_view_open(cp, checkpoint_process(cp, p), NULL, &mv, NULL) < 0)
			continue;
		size_t nr_areas = memory_view_areas(mv, &areas);
		for (size_t i = 0; i < nr_areas; i++) {
			if (areas[i].kind != AREA_SYSV)
				continue;
			uint8_t known = 0;
			assert_int_equal(memory_view_read(mv, areas[i].vma->start,
							  nr ? other : first, 4096, &known, NULL),
					 0);
			assert_int_equal(known, 1);
			if (nr++)
				assert_memory_equal(first, other, 4096);
		}
	}
	assert_true(nr > 1);
}

static void string_of_a_process_is_its_command_line(void **state)
{
	(void)state;
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	if (!set_open("a13", &src, &cp))
		skip();
	auto_memory_view mv = NULL;
	char text[64];
	assert_int_equal(memory_view_open(cp, checkpoint_process(cp, 0), NULL, &mv, NULL), 0);
	ssize_t len =
	    memory_view_string(mv, memory_view_mm(mv)->mm_arg_start, text, sizeof(text), NULL);
	assert_true(len > 0);
	assert_non_null(strstr(text, "redis-server"));
	assert_int_equal(memory_view_string(mv, 0x10, text, sizeof(text), NULL), 0);
	assert_string_equal(text, "");
}

static void view_opened_in_steps_is_the_same(void **state)
{
	(void)state;
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	if (!set_open("a3", &src, &cp))
		skip();
	const struct process *p = checkpoint_process(cp, 0);
	auto_memory_view whole = NULL;
	auto_memory_view mv = NULL;
	const struct area *a, *b;
	int rc;
	assert_int_equal(memory_view_open(cp, p, NULL, &whole, NULL), 0);
	assert_int_equal(memory_view_begin(cp, p, NULL, &mv, NULL), 0);
	while ((rc = memory_view_step(mv, NULL)) > 0)
		;
	assert_int_equal(rc, 0);
	size_t nr = memory_view_areas(whole, &a);
	assert_int_equal(memory_view_areas(mv, &b), nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(a[i].vma->start, b[i].vma->start);
		assert_int_equal(a[i].kind, b[i].kind);
	}
	uint64_t stored;
	assert_int_equal(memory_view_stored(mv, &stored, NULL), 0);
	assert_true(stored > 0);
	/* given up in the middle */
	auto_memory_view left = NULL;
	assert_int_equal(memory_view_begin(cp, p, NULL, &left, NULL), 0);
}

/* Of long work the user sees how far it is: all that is gone over counts. */
static void searches_and_comparisons_count_what_they_read(void **state)
{
	(void)state;
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	auto_memory_view mv = NULL;
	auto_memory_ranges all = { 0 };
	struct doc *doc;
	struct progress searched, compared;
	const struct memory_query query = { 0 };
	const struct diff_options how = { 1u << DIFF_PAGES, true, false, &compared };
	struct memory_report report = { 0 };
	if (!set_open("a13", &src, &cp))
		skip();
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(doc_open(fd, "/dev/null", DOC_TEXT, &doc, NULL), 0);
	assert_int_equal(memory_view_open(cp, checkpoint_process(cp, 0), NULL, &mv, NULL), 0);
	assert_int_equal(memory_select(mv, &query, &all, NULL), 0);
	report.doc = doc;
	assert_int_equal(memory_report_process(&report, 1, "x", mv, &all, &searched, NULL), 0);
	memory_report_begin(&report, "strings");
	assert_int_equal(memory_strings(mv, &all, 4, &report, NULL), 0);
	doc_end(doc);
	assert_true(searched.total > 0);
	assert_int_equal(searched.done, searched.total);
	progress_start(&compared, "comparing", 0);
	assert_int_equal(diff_checkpoints(cp, cp, &how, doc, NULL), 0);
	assert_true(compared.done >= searched.total);
	doc_close(doc, NULL);
	close(fd);
}

static void memory_query_tells_exact_from_at_least(void **state)
{
	VmaEntry vma = VMA_ENTRY__INIT;
	struct area area = { .vma = &vma, .path = "/usr/lib/libc.so.6" };
	struct memory_query query = { .prot = "r" };
	(void)state;
	vma.prot = 5; /* r-x */
	assert_true(memory_query_fits(&query, &area));
	query.prot = "r--";
	assert_false(memory_query_fits(&query, &area));
	query.prot = "r-x";
	assert_true(memory_query_fits(&query, &area));
	query.file = "libc.*";
	assert_true(memory_query_fits(&query, &area));
	query.file = "/lib/*";
	assert_false(memory_query_fits(&query, &area));
	query.prot = "rq";
	assert_true(memory_query_check(&query, NULL) < 0);
	query.prot = "r-";
	assert_true(memory_query_check(&query, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_query_tells_exact_from_at_least),
		cmocka_unit_test(runs_cover_every_page_of_the_map),
		cmocka_unit_test(shared_bytes_are_the_same_in_every_process),
		cmocka_unit_test(string_of_a_process_is_its_command_line),
		cmocka_unit_test(view_opened_in_steps_is_the_same),
		cmocka_unit_test(searches_and_comparisons_count_what_they_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
