/* SPDX-License-Identifier: MIT
 * Groups of processes with one table of descriptors, or one current directory.
 */
#include "engine/tree/share.h"

#include <sched.h>

#include "base/futex.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/stage.h"

static bool same_files(const struct rtask *a, const struct rtask *b)
{
	return a->ids->files_id == b->ids->files_id;
}

static bool same_fs(const struct rtask *a, const struct rtask *b)
{
	return a->ids->fs_id == b->ids->fs_id;
}

/* The first of the tree that has the same one; NULL: nobody before it */
static struct rtask *first_of(const struct restore *r, const struct rtask *t,
			      bool (*same)(const struct rtask *, const struct rtask *))
{
	for (size_t i = 0; i < r->nr_tasks && r->tasks[i] != t; i++)
		if (rtask_is_living(r->tasks[i]) && r->tasks[i]->ids && same(r->tasks[i], t))
			return r->tasks[i];
	return NULL;
}

/* What only threads can share. */
static int check_memory(const struct restore *r, const struct rtask *t, struct error *err)
{
	for (size_t i = 0; i < r->nr_tasks && r->tasks[i] != t; i++) {
		const TaskKobjIdsEntry *a = r->tasks[i]->ids, *b = t->ids;
		if (!a || !rtask_is_living(r->tasks[i]))
			continue;
		if (a->vm_id == b->vm_id || a->sighand_id == b->sighand_id)
			return error_set(
			    err, ENOTSUP,
			    TASK_FMT " and " TASK_FMT " share one %s (clone): not supported yet",
			    RTASK_ARGS(r->tasks[i]), RTASK_ARGS(t),
			    a->vm_id == b->vm_id ? "memory" : "table of signal actions");
	}
	return 0;
}

static int check_bearer(const struct restore *r, const struct rtask *t, const struct rtask *with,
			bool (*same)(const struct rtask *, const struct rtask *), const char *what,
			struct error *err)
{
	size_t by = r->plan->items[t->slot].by;
	const struct rtask *bearer = by == BIRTH_BY_COORDINATOR ? NULL : r->plan->items[by].task;
	if (!with || (bearer && bearer->ids && same(bearer, t)))
		return 0;
	return error_set(err, ENOTSUP,
			 TASK_FMT " shares its %s with " TASK_FMT
				  ", but not with who bears it: not "
				  "supported yet",
			 RTASK_ARGS(t), what, RTASK_ARGS(with));
}

int share_plan(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		struct rtask *t = r->tasks[i];
		if (!rtask_is_living(t) || !t->ids)
			continue;
		t->files_of = first_of(r, t, same_files);
		t->fs_of = first_of(r, t, same_fs);
		rc = check_memory(r, t, err);
		if (rc == 0)
			rc = check_bearer(r, t, t->files_of, same_files, "descriptors", err);
		if (rc == 0)
			rc = check_bearer(r, t, t->fs_of, same_fs, "current directory", err);
	}
	return rc;
}

uint64_t share_flags(const struct restore *r, size_t index)
{
	const struct rtask *t = r->plan->items[index].task;
	return (t && t->files_of ? CLONE_FILES : 0) | (t && t->fs_of ? CLONE_FS : 0);
}

int share_await_files(struct restore *r, const struct rtask *t, struct error *err)
{
	if (!t->files_of)
		return 0;
	uint32_t *ready = &r->shared->slots[t->files_of->slot].files_ready;
	while (!__atomic_load_n(ready, __ATOMIC_ACQUIRE)) {
		if (restore_is_over(r->shared))
			return error_set(err, ECANCELED, "pid %d: the restore has failed", t->pid);
		futex_wait(ready, 0, STAGE_LOOK_MS);
	}
	return 0;
}

void share_files_ready(struct restore *r, const struct rtask *t)
{
	if (share_count(r, t))
		futex_set(&r->shared->slots[t->slot].files_ready, 1);
}

uint32_t share_count(const struct restore *r, const struct rtask *t)
{
	uint32_t nr = 0;
	for (size_t i = 0; i < r->nr_tasks; i++)
		nr += r->tasks[i]->files_of == t;
	return nr;
}
