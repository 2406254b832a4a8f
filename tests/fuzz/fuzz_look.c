/* SPDX-License-Identifier: MIT
 * A byte that picks a command, and a set (set.h). Whatever the images say, what only looks at them
 * comes to its end, with all that is to be said or with a reason.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "convert/codec/image.h"
#include "convert/diff/diff.h"
#include "convert/export/export.h"
#include "convert/inspect/inspect.h"
#include "convert/memory/map.h"
#include "convert/memory/report.h"
#include "convert/report/report.h"
#include "convert/stack/stack.h"
#include "images/damage.h"
#include "images/reader.h"
#include "tests/fuzz/look-names.h"
#include "tests/fuzz/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct look {
	struct source *src;
	struct checkpoint *cp;
	struct doc *doc;
	int null; /* takes all that is written */
};

static int look_inspect(const struct look *l, struct error *err)
{
	const struct inspect_options options = { .sections = INSPECT_ALL };
	return inspect_checkpoint(l->cp, &options, l->doc, err);
}

static int look_table(const struct look *l, struct error *err)
{
	inspect_table_begin(l->doc);
	return inspect_table_row(l->cp, l->doc, err);
}

static int look_diff(const struct look *l, struct error *err)
{
	const struct diff_options how = { (1u << NR_DIFF_SECTIONS) - 1, true, true, NULL };
	int rc = diff_checkpoints(l->cp, l->cp, &how, l->doc, err);
	if (rc > 0)
		abort(); /* from itself */
	return rc;
}

static int look_export(const struct look *l, struct error *err)
{
	auto_row_writer w = NULL;
	int rc = ndjson_writer_open(l->null, "/dev/null", &w, err);
	if (rc == 0)
		rc = export_checkpoint(l->cp, 1, w, err);
	return rc;
}

static int look_report(const struct look *l, struct error *err)
{
	return report_write(l->cp, NULL, l->null, "/dev/null", err);
}

static int memory_of(const struct look *l, const struct process *p, struct error *err)
{
	auto_memory_view mv = NULL;
	auto_memory_ranges all = { 0 };
	auto_map_totals totals = { 0 };
	struct progress progress;
	const struct memory_query query = { 0 };
	struct memory_report report = { .doc = l->doc, .max = 1000 };
	int rc = memory_view_open(l->cp, p, NULL, &mv, err);
	if (rc == 0)
		rc = memory_select(mv, &query, &all, err);
	if (rc < 0)
		return rc;
	map_table_begin(l->doc);
	ssize_t nr = map_write(mv, p->pid, &all, &totals, l->doc, err);
	doc_end(l->doc);
	if (nr < 0)
		return (int)nr;
	map_totals_write(&totals, l->doc);
	memory_report_begin(&report, "strings");
	rc = memory_report_process(&report, p->pid, "x", mv, &all, &progress, err);
	if (rc == 0)
		rc = memory_strings(mv, &all, 4, &report, err);
	doc_end(l->doc);
	return rc;
}

static int look_memory(const struct look *l, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < checkpoint_nr_processes(l->cp); i++)
		rc = memory_of(l, checkpoint_process(l->cp, i), err);
	return rc < 0 ? rc : 0;
}

static int look_stack(const struct look *l, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(l->cp); i++) {
		const struct process *p = checkpoint_process(l->cp, i);
		auto_message CoreEntry *leader = NULL;
		auto_stack stack = NULL;
		rc = process_core(l->cp, p->pid, &leader, err);
		if (rc == 0)
			rc = stack_open(l->cp, p, leader, NULL, &stack, err);
		for (size_t k = 0; rc == 0 && k < p->entry->n_threads; k++) {
			const uint32_t tid = process_thread(p, k);
			auto_message CoreEntry *core = NULL;
			auto_stack_thread thread = { 0 };
			if (process_core(l->cp, tid, &core, NULL) == 0)
				stack_walk(stack, tid, core, &thread, NULL);
		}
	}
	return rc;
}

static int look_decode(const struct look *l, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(l->src, &members, err);
	const struct image_json how = { 0 };
	for (ssize_t i = 0; i < nr; i++) {
		auto_image_reader r = NULL;
		auto_json_out out = { .fd = -1 };
		if (image_open(l->src, members[i].name, &r, err) < 0 ||
		    json_out_init(&out, l->null, "/dev/null", false, err) < 0)
			continue;
		image_to_json(r, &how, &out, err);
	}
	return 0;
}

static int (*const looks[])(const struct look *l, struct error *err) = {
	look_inspect, look_table,  look_diff,  look_export,
	look_report,  look_memory, look_stack, look_decode,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "set";
	struct fuzz_set set = { .base = { .ops = &fuzz_set_ops, .name = name } };
	struct look l = { .src = &set.base };
	struct error err = { 0 };
	auto_damage_list damage = { 0 };
	auto_checkpoint cp = NULL;
	if (!size)
		return 0;
	if (data[0] & 0x40)
		source_pass_damage(&set.base, &damage);
	fuzz_set_fill(&set, look_names, nr_look_names, data + 1, size - 1);
	l.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc = checkpoint_open(&set.base, &cp, &err);
	if (rc == 0)
		rc = doc_open(l.null, "/dev/null", data[0] & 0x80 ? DOC_JSON : DOC_TEXT, &l.doc,
			      &err);
	l.cp = cp;
	if (rc == 0)
		rc = looks[data[0] % (sizeof(looks) / sizeof(looks[0]))](&l, &err);
	if (rc < 0 && !err.code)
		abort();
	doc_close(l.doc, NULL);
	close(l.null);
	return 0;
}
