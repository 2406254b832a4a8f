/* SPDX-License-Identifier: MIT
 * Who can be born late: a task without children of its own that has its parent's descriptors,
 * directories, namespaces, session and group, and whose memory differs in few pages. What its
 * restorer and its parent's read lies in one shared mapping, so bearing it copies none of that.
 */
#include "engine/tree/late.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/files/file.h"
#include "engine/mem/arena.h"
#include "engine/mem/late.h"
#include "engine/mem/mem.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/ns.h"
#include "engine/pie/restorer.h"
#include "engine/task/core.h"
#include "engine/tree/become.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/stage.h"
#include "engine/tree/taken-ids.h"

struct late_births {
	struct arena *arena;
	struct restore_shared *shared; /* where the children see it */
	uint64_t blob;
	struct restorer_args **args; /* in the arena */
	uint32_t nr;
};

struct births { /* indexes in the plan */
	size_t *items;
	size_t nr, cap;
};

static bool bears_any(const struct restore *r, size_t index)
{
	for (size_t i = 0; i < r->plan->nr; i++)
		if (r->plan->items[i].by == index || r->plan->items[i].parent == index)
			return true;
	return false;
}

static bool same_namespaces(const TaskKobjIdsEntry *a, const TaskKobjIdsEntry *b)
{
	for (int kind = 0; kind < NS_KINDS; kind++)
		if (ns_id_of(a, (enum ns_kind)kind) != ns_id_of(b, (enum ns_kind)kind))
			return false;
	return !a->has_children_time_ns_id && !b->has_children_time_ns_id;
}

/* Is its place in the tree what fork(2) gives a child of that task? */
static bool is_plain_birth(const struct restore *r, size_t index, size_t by)
{
	const struct birth *b = &r->plan->items[index], *p = &r->plan->items[by];
	return b->by == by && b->parent == by && b->task && !birth_is_mortal(b) && !b->sibling &&
	       !b->early && !b->orphan && !b->any_pid && b->task->memory_of == p->task &&
	       b->sid != b->pid && b->sid == p->sid && b->pgid != b->pid && b->pgid == p->pgid &&
	       birth_into(r->plan, b) == BIRTH_SAME && !p->task->children_apart &&
	       !b->task->children_apart && !bears_any(r, index);
}

static bool could_be_late(const struct restore *r, size_t index, size_t by)
{
	if (!is_plain_birth(r, index, by))
		return false;
	const struct rtask *t = r->plan->items[index].task, *p = r->plan->items[by].task;
	return !t->users_at_birth && t->ids && p->ids && !t->files_of && !t->fs_of &&
	       same_namespaces(t->ids, p->ids) && files_are_parents(r, t, p) &&
	       task_state_is_parents(t, p) && pid_is_free(rtask_own_tid(t, 0));
}

/* @return NULL: there is no memory for it, so nobody is born late */
static struct late_births *births_new(struct restore *r, const struct rtask *parent,
				      const struct births *chosen)
{
	struct error err;
	size_t shared = stage_shared_size(r), list = chosen->nr * sizeof(struct restorer_args *);
	size_t size = shared + become_blob_size() + list + become_args_size(r, parent);
	for (size_t i = 0; i < chosen->nr; i++)
		size +=
		    become_args_size(r, r->plan->items[chosen->items[i]].task) + mem_late_size();
	struct late_births *l = calloc(1, sizeof(*l));
	if (!l || arena_new(&r->busy, &r->own, size, true, &l->arena, &err) < 0)
		return NULL;
	l->shared = arena_alloc(l->arena, shared, PAGE);
	l->blob = become_copy_blob(l->arena);
	l->args = arena_alloc(l->arena, list, 8);
	/* of length 0: a second mapping of what is shared */
	bool mapped = l->shared && mremap(r->shared, 0, shared, MREMAP_MAYMOVE | MREMAP_FIXED,
					  l->shared) != MAP_FAILED;
	return mapped && l->blob && l->args ? l : NULL;
}

/* @return 1: it will be born late; 0: no; -errno, which is no failure either */
static int prepare(struct restore *r, struct late_births *l, struct mem_late *memory, size_t index,
		   struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	struct rtask *t = b->task;
	struct restorer_args *args = arena_alloc(l->arena, sizeof(*args), 64);
	if (!args)
		return error_set(err, ENOMEM, "the arena is full");
	t->arena = l->arena;
	int rc = mem_late_fill(memory, r, t, args, err);
	if (rc <= 0)
		return rc;
	t->late = true;
	args->parent = birth_seen_as(&r->plan->items[b->by], b);
	args->pid_is_real = !ns_restores(r, NS_PID) && !b->place.nr;
	rc = become_fill_args(r, t, l->shared, l->blob, args, err);
	if (rc < 0)
		return rc;
	l->args[l->nr++] = args;
	return 1;
}

static void give_up(struct rtask *t)
{
	t->late = false;
	t->arena = NULL;
	for (size_t i = 0; i < t->vmas.nr; i++)
		t->vmas.items[i].premapped = 0;
}

static int prepare_all(struct restore *r, struct late_births *l, const struct births *chosen,
		       struct error *err)
{
	struct mem_late memory;
	struct error why;
	int rc = mem_late_init(&memory, err);
	for (size_t i = 0; rc == 0 && i < chosen->nr; i++)
		if (prepare(r, l, &memory, chosen->items[i], &why) <= 0)
			give_up(r->plan->items[chosen->items[i]].task);
	mem_late_fini(&memory);
	return rc;
}

static int choose(const struct restore *r, size_t by, struct births *out, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		if (!could_be_late(r, i, by))
			continue;
		size_t *slot = array_add(out);
		if (!slot)
			return error_set(err, ENOMEM, "out of memory");
		*slot = i;
	}
	return 0;
}

/* Somebody looks at tasks in /proc before those would be there. */
static bool are_awaited(const struct restore *r)
{
	return files_any_live(r) || (r->mounts && r->mounts->autofs);
}

int late_plan(struct restore *r, size_t index, struct error *err)
{
	struct births chosen = { 0 };
	int rc = are_awaited(r) ? 0 : choose(r, index, &chosen, err);
	r->late = rc == 0 && chosen.nr ? births_new(r, r->plan->items[index].task, &chosen) : NULL;
	if (r->late)
		rc = prepare_all(r, r->late, &chosen, err);
	if (r->late)
		log_debug("pid %d: its restorer bears %u of its children",
			  r->plan->items[index].pid, r->late->nr);
	free(chosen.items);
	return rc;
}

uint32_t late_count(const struct restore *r)
{
	return r->late ? r->late->nr : 0;
}

uint64_t late_share_arena(struct restore *r, struct rtask *t)
{
	t->arena = r->late->arena;
	r->shared = r->late->shared;
	return r->late->blob;
}

void late_fill_args(const struct restore *r, struct restorer_args *args)
{
	if (!r->late)
		return;
	args->children = r->late->args;
	args->nr_children = r->late->nr;
}
