/* SPDX-License-Identifier: MIT
 * Facts of processes, kept.
 */
#include "viewer/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/cleanup.h"
#include "convert/describe/process.h"
#include "images/page-store.h"

struct facts {
	struct checkpoint *cp;
	const struct process *first;
	struct process_row *rows;
	size_t nr;
};

int facts_new(struct checkpoint *cp, struct facts **out, struct error *err)
{
	struct facts *facts = calloc(1, sizeof(*facts));
	size_t nr = checkpoint_nr_processes(cp);
	struct process_row *rows = calloc(nr + 1, sizeof(*rows));
	if (!facts || !rows) {
		free(facts);
		free(rows);
		return error_set(err, ENOMEM, "out of memory");
	}
	*facts = (struct facts){ cp, nr ? checkpoint_listed(cp, 0) : NULL, rows, nr };
	*out = facts;
	return 0;
}

void facts_free(struct facts *facts)
{
	if (!facts)
		return;
	for (size_t i = 0; i < facts->nr; i++) {
		free(facts->rows[i].comm);
		free(facts->rows[i].command);
		free(facts->rows[i].error);
	}
	free(facts->rows);
	free(facts);
}

size_t facts_index(const struct facts *facts, const struct process *p)
{
	return (size_t)(p - facts->first);
}

bool facts_known(const struct facts *facts, const struct process *p)
{
	return facts->rows[facts_index(facts, p)].read;
}

static void error_keep(struct process_row *row, const struct error *err)
{
	if (!row->error)
		row->error = strdup(err->text);
}

static void core_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_process_facts told = { 0 };
	auto_strbuf line = { 0 };
	int rc = process_describe(facts->cp, row->process, true, &told, &err);
	if (rc < 0) { /* perhaps only the memory is bad */
		error_keep(row, &err);
		rc = process_describe(facts->cp, row->process, false, &told, &err);
	}
	if (rc < 0)
		return;
	row->comm = strdup(told.comm);
	row->state = told.state;
	row->has_owner = told.has_owner;
	row->uid = told.uid;
	if (process_command_line(&told, &line) == 0 && line.len)
		row->command = take_ptr(line.data);
}

static void memory_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_page_store pages = NULL;
	struct page_run run;
	struct source *src = checkpoint_source(facts->cp);
	int rc = page_store_open(src, row->process->pid, &pages, &err);
	while (rc >= 0 && (rc = page_store_next(pages, &run, &err)) > 0)
		row->stored += run.kind == PAGE_PRESENT ? run.nr_pages * 4096 : 0;
	if (rc < 0 && rc != -ENOENT)
		error_keep(row, &err);
}

static void fds_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_fd_list fds = { 0 };
	int rc = process_fds(facts->cp, row->process, &fds, &err);
	if (rc < 0 && rc != -ENOENT)
		error_keep(row, &err);
	row->nr_fds = (uint32_t)fds.nr;
}

const struct process_row *facts_row(struct facts *facts, const struct process *p)
{
	struct process_row *row = &facts->rows[facts_index(facts, p)];
	if (row->read)
		return row;
	*row = (struct process_row){ .process = p, .read = true, .state = "?" };
	core_read(facts, row);
	memory_read(facts, row);
	fds_read(facts, row);
	row->comm = row->comm ?: strdup("?");
	row->command = row->command ?: strdup("");
	return row;
}
