/* SPDX-License-Identifier: MIT
 * Rows of memory areas and of the environment.
 */
#include <errno.h>
#include <string.h>

#include "convert/export/rows.h"
#include "images/damage.h"
#include "images/process-strings.h"

enum { NR_STATES = PG_GUARD + 1 };

/* Bytes of an area by where they are. */
static int area_count(struct memory_view *mv, const struct area *area, uint64_t bytes[NR_STATES],
		      struct error *err)
{
	uint64_t at = area->vma->start;
	while (at < area->vma->end) {
		struct memory_run run;
		int rc = memory_view_run(mv, area, at, &run, err);
		if (rc < 0)
			return rc;
		bytes[run.state] += run.end - at;
		at = run.end;
	}
	return 0;
}

static int vma_row(struct source *src, struct memory_view *mv, const struct process *p,
		   const struct area *area, struct row_writer *w, struct error *err)
{
	enum { READ = 1, WRITE = 2, EXEC = 4 };
	const VmaEntry *vma = area->vma;
	uint64_t bytes[NR_STATES] = { 0 };
	struct error why;
	int rc = area_count(mv, area, bytes, &why);
	bool known = rc == 0;
	if (rc < 0 && !damage_noted(src, rc, &why))
		return error_set(err, rc, "%s", why.text);
	row_begin(w, TABLE_VMAS);
	row_u64(w, p->pid);
	row_u64(w, vma->start);
	row_u64(w, vma->end);
	row_u64(w, vma->end - vma->start);
	row_strf(w, "%c%c%c", vma->prot & READ ? 'r' : '-', vma->prot & WRITE ? 'w' : '-',
		 vma->prot & EXEC ? 'x' : '-');
	row_bool(w, !area->private);
	row_str(w, area_kind_names[area->kind]);
	row_str(w, *area->path ? area->path : NULL);
	row_optional(w, area->file_id, vma->pgoff);
	row_optional(w, known, bytes[PG_STORED]);
	row_optional(w, known, bytes[PG_ZERO]);
	row_optional(w, known, bytes[PG_PARENT]);
	row_optional(w, known, bytes[PG_LAZY]);
	row_optional(w, area->file_id, area->file_id);
	row_optional(w, area->has_segment, area->segment);
	return row_end(w, err);
}

static int environment_row(const struct process *p, const char *text, struct row_writer *w,
			   struct error *err)
{
	const char *equal = strchr(text, '=');
	if (!*text)
		return 0;
	row_begin(w, TABLE_ENVIRONMENT);
	row_u64(w, p->pid);
	row_bytes(w, text, equal ? (size_t)(equal - text) : strlen(text));
	row_str(w, equal ? equal + 1 : NULL);
	return row_end(w, err);
}

static int environment_rows(struct memory_view *mv, const struct process *p, struct row_writer *w,
			    struct error *err)
{
	auto_strbuf env = { 0 };
	int rc = process_strings(mv, PROCESS_ENVIRONMENT, &env, err);
	if (rc <= 0)
		return rc;
	rc = 0;
	for (size_t at = 0; rc == 0 && at < env.len; at += strlen(env.data + at) + 1)
		rc = environment_row(p, env.data + at, w, err);
	return rc;
}

int export_memory(struct checkpoint *cp, const struct process *p, struct row_writer *w,
		  struct error *err)
{
	auto_memory_view mv = NULL;
	int rc = memory_view_open(cp, p, NULL, &mv, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	const struct area *areas;
	size_t nr = memory_view_areas(mv, &areas);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = vma_row(checkpoint_source(cp), mv, p, &areas[i], w, err);
	if (rc < 0)
		return rc;
	struct error why;
	rc = environment_rows(mv, p, w, &why);
	if (rc < 0 && !damage_noted(checkpoint_source(cp), rc, &why))
		return error_set(err, rc, "%s", why.text);
	return 0;
}
