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
#include "images/damage.h"

struct facts {
	struct checkpoint *cp;
	struct process_row *rows;
	size_t nr;
	struct memory_view *mv; /* being read; NULL: none */
	const struct process *of;
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
	*facts = (struct facts){ .cp = cp, .rows = rows, .nr = nr };
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
	memory_view_close(facts->mv);
	free(facts->rows);
	free(facts);
}

size_t facts_index(const struct facts *facts, const struct process *p)
{
	return checkpoint_place(facts->cp, p);
}

const struct process_row *facts_peek(const struct facts *facts, const struct process *p)
{
	return &facts->rows[facts_index(facts, p)];
}

/* @return whether that is an error, which is kept then */
static bool error_keep(struct facts *facts, struct process_row *row, int rc,
		       const struct error *err)
{
	if (rc >= 0)
		return false;
	damage_noted(checkpoint_source(facts->cp), rc, err);
	if (!row->error)
		row->error = strdup(err->text);
	return true;
}

/* @return whether something was passed over since the mark, which is kept then */
static bool damage_keep(struct facts *facts, struct process_row *row, size_t mark)
{
	const struct error *damage = damage_since(checkpoint_source(facts->cp), mark);
	return damage && error_keep(facts, row, damage->code, damage);
}

static size_t mark_of(const struct facts *facts)
{
	return damage_mark(checkpoint_source(facts->cp));
}

static void core_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_process_facts told = { 0 };
	size_t mark = mark_of(facts);
	row->state = "?";
	int rc = process_describe_core(facts->cp, row->process, &told, &err);
	if (error_keep(facts, row, rc, &err) || damage_keep(facts, row, mark))
		return;
	row->comm = strdup(told.comm);
	row->state = told.state;
	row->has_owner = told.has_owner;
	row->uid = told.uid;
}

static void fds_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_fd_list fds = { 0 };
	size_t mark = mark_of(facts);
	int rc = process_fds(facts->cp, row->process, &fds, &err);
	row->fds_damaged = error_keep(facts, row, rc == -ENOENT ? 0 : rc, &err);
	row->fds_damaged |= damage_keep(facts, row, mark);
	row->nr_fds = (uint32_t)fds.nr;
}

/* Of its memory, which was opened. */
static void memory_read(struct facts *facts, struct process_row *row)
{
	struct error err;
	auto_process_facts told = { 0 };
	auto_strbuf line = { 0 };
	int rc = memory_view_stored(facts->mv, &row->stored, &err);
	row->memory_damaged = error_keep(facts, row, rc, &err);
	rc = process_describe_strings(facts->mv, &told, &err);
	if (error_keep(facts, row, rc, &err))
		return;
	if (process_command_line(&told, &line) == 0 && line.len)
		row->command = take_ptr(line.data);
}

static bool row_end(struct facts *facts, struct process_row *row)
{
	memory_view_close(facts->mv);
	facts->mv = NULL;
	row->command = row->command ?: strdup("");
	row->read = true;
	return false;
}

static bool row_begin(struct facts *facts, struct process_row *row)
{
	struct error err;
	core_read(facts, row);
	row->comm = row->comm ?: strdup("?");
	fds_read(facts, row);
	size_t mark = mark_of(facts);
	int rc = memory_view_begin(facts->cp, row->process, NULL, &facts->mv, &err);
	row->memory_damaged = error_keep(facts, row, rc == -ENOENT ? 0 : rc, &err);
	row->memory_damaged |= damage_keep(facts, row, mark);
	return rc == 0 ? true : row_end(facts, row); /* a zombie, or a pre-dump, has none */
}

/* Of the one whose memory is being opened. */
static bool row_step(struct facts *facts)
{
	struct process_row *row = &facts->rows[facts_index(facts, facts->of)];
	struct error err;
	int rc = memory_view_step(facts->mv, &err);
	if (rc > 0)
		return true;
	const struct error *cut = rc == 0 ? memory_view_cut(facts->mv) : NULL;
	if (!error_keep(facts, row, rc, &err))
		memory_read(facts, row);
	row->memory_damaged |= rc < 0;
	if (cut)
		row->memory_damaged |= error_keep(facts, row, cut->code, cut);
	return row_end(facts, row);
}

bool facts_step(struct facts *facts, const struct process *p)
{
	struct process_row *row = &facts->rows[facts_index(facts, p)];
	if (row->read)
		return false;
	if (facts->mv) /* one that was begun is not given up: two that are asked for in turn end */
		return row_step(facts) || facts->of != p;
	facts->of = p;
	free(row->comm);
	free(row->error);
	*row = (struct process_row){ .process = p };
	return row_begin(facts, row);
}

const struct process_row *facts_row(struct facts *facts, const struct process *p)
{
	while (facts_step(facts, p))
		;
	return facts_peek(facts, p);
}
