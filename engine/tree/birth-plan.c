/* SPDX-License-Identifier: MIT
 * Planning of births: pure, from the numbers in pstree.img.
 */
#include "engine/tree/birth-plan.h"

#include <stdlib.h>

#include "base/array.h"

#define NOBODY ((size_t)-1)

bool birth_is_mortal(const struct birth *b)
{
	return !b->task || !rtask_is_living(b->task);
}

struct planner {
	struct birth_plan *plan;
	pid_t outer_sid, outer_pgid; /* the root's, when outside the tree; 0: none */
};

static size_t find(const struct birth_plan *plan, pid_t pid)
{
	for (size_t i = 0; i < plan->nr; i++) {
		if (plan->items[i].pid == pid)
			return i;
	}
	return NOBODY;
}

static bool leads_session(const struct birth *b)
{
	return b->sid == b->pid;
}

/* The session a task is born into: that of who bears it, before or after its setsid(). */
static pid_t birth_sid(const struct planner *p, size_t i)
{
	const struct birth *b = &p->plan->items[i];
	if (b->by == BIRTH_BY_COORDINATOR)
		return p->outer_sid ? p->outer_sid : -1;
	return b->early ? birth_sid(p, b->by) : p->plan->items[b->by].sid;
}

static struct birth *add(struct planner *p, struct birth b, struct error *err)
{
	struct birth *place = array_add(p->plan);
	if (!place) {
		error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	*place = b;
	return place;
}

/*
 * A child of a session leader that is in its parent's older session was born before setsid().
 * Every leader on the way up to that session must then have been born early, too.
 */
static bool born_early(struct planner *p, size_t parent, pid_t sid)
{
	struct birth *items = p->plan->items;
	size_t top = parent;
	while (leads_session(&items[top]) && birth_sid(p, top) != sid) {
		if (items[top].by == BIRTH_BY_COORDINATOR || items[top].sibling)
			return false;
		top = items[top].by;
	}
	if (!leads_session(&items[top]))
		return false;
	for (size_t i = parent; i != top; i = items[i].by)
		items[i].early = true;
	return true;
}

/* The leader of session `sid`, when it has the same parent and so may bear a sibling. */
static size_t find_sibling(const struct planner *p, size_t parent, pid_t sid)
{
	for (size_t i = 0; i < p->plan->nr; i++) {
		const struct birth *b = &p->plan->items[i];
		if (b->parent == parent && b->pid == sid && leads_session(b))
			return i;
	}
	return NOBODY;
}

static size_t add_session_helper(struct planner *p, size_t parent, pid_t sid, struct error *err)
{
	struct birth b = { .pid = sid, .sid = sid, .pgid = sid, .by = parent, .parent = parent };
	return add(p, b, err) ? p->plan->nr - 1 : NOBODY;
}

/* Is `above` an ancestor of `of` in the tree as it will be? */
static bool is_ancestor(const struct planner *p, size_t above, size_t of)
{
	while (of != BIRTH_BY_COORDINATOR && of != above)
		of = p->plan->items[of].parent;
	return of == above;
}

static pid_t unused_pid(const struct birth_plan *plan)
{
	pid_t last = 0;
	for (size_t i = 0; i < plan->nr; i++) {
		const struct birth *b = &plan->items[i];
		last = b->pid > last ? b->pid : last;
		for (size_t k = 0; b->task && k < b->task->nr_threads; k++)
			last = (pid_t)b->task->tids[k] > last ? (pid_t)b->task->tids[k] : last;
	}
	return last + 1;
}

/* The task was born somewhere below the leader of its session and came to its parent, above it,
 * when all in between had ended: a helper stands for those. */
static int bear_orphan(struct planner *p, size_t i, size_t leader, struct error *err)
{
	const struct birth *b = &p->plan->items[i];
	if (!is_ancestor(p, b->parent, leader) || is_ancestor(p, i, leader))
		return error_set(err, ENOTSUP,
				 "pid %d: its session %d is led by a task it cannot come from, "
				 "neither its parent nor below that: not supported",
				 b->pid, b->sid);
	struct birth helper = { .pid = unused_pid(p->plan),
				.any_pid = true,
				.sid = b->sid,
				.by = leader,
				.parent = leader };
	if (!add(p, helper, err))
		return -ENOMEM;
	p->plan->items[i].by = p->plan->nr - 1;
	p->plan->items[i].orphan = true;
	return 0;
}

/* Whom a task that leads no session is born from. */
static int choose_bearer(struct planner *p, size_t i, struct error *err)
{
	struct birth *b = &p->plan->items[i];
	pid_t sid = b->sid;
	if (p->plan->items[b->parent].sid == sid)
		return 0;
	if (born_early(p, b->parent, sid)) {
		b->early = true;
		return 0;
	}
	size_t leader = find_sibling(p, b->parent, sid);
	if (leader == NOBODY && (leader = find(p->plan, sid)) != NOBODY)
		return bear_orphan(p, i, leader, err);
	if (leader == NOBODY)
		leader = add_session_helper(p, b->parent, sid, err);
	if (leader == NOBODY)
		return -ENOMEM;
	b = &p->plan->items[i]; /* the helper may have moved it */
	b->by = leader;
	b->sibling = true;
	return 0;
}

static bool in_tree(struct rtask *const *tasks, size_t nr, pid_t pid)
{
	for (size_t i = 0; i < nr; i++) {
		if (tasks[i]->pid == pid)
			return true;
	}
	return false;
}

static int plan_root(struct planner *p, struct rtask *const *tasks, size_t nr, bool shell_job,
		     struct error *err)
{
	struct rtask *root = tasks[0];
	bool foreign_sid = root->sid != root->pid;
	bool foreign_pgid = root->pgid != root->pid && !in_tree(tasks, nr, root->pgid);
	if ((foreign_sid || foreign_pgid) && !shell_job)
		return error_set(
		    err, EINVAL,
		    TASK_FMT ": its %s %d was outside the dumped tree: restore it with --shell-job "
			     "from a shell, or dump from the leader of the session",
		    RTASK_ARGS(root), foreign_sid ? "session" : "process group",
		    foreign_sid ? root->sid : root->pgid);
	if (foreign_sid && in_tree(tasks, nr, root->sid))
		return error_set(err, EBADMSG, "pid %d: session %d is led by its own descendant",
				 root->pid, root->sid);
	p->outer_sid = foreign_sid ? root->sid : 0;
	p->outer_pgid = foreign_pgid ? root->pgid : 0;
	struct birth b = { .task = root,
			   .pid = root->pid,
			   .sid = root->sid,
			   .pgid = foreign_pgid ? 0 : root->pgid,
			   .by = BIRTH_BY_COORDINATOR,
			   .parent = BIRTH_BY_COORDINATOR };
	return add(p, b, err) ? 0 : -ENOMEM;
}

static int plan_child(struct planner *p, struct rtask *t, struct error *err)
{
	size_t parent = find(p->plan, t->ppid);
	if (parent == NOBODY)
		return error_set(err, EBADMSG, "pid %d: no parent %d", t->pid, t->ppid);
	const struct rtask *bearer = p->plan->items[parent].task;
	if (bearer && !rtask_is_living(bearer))
		return error_set(err, EBADMSG, "pid %d: its parent %d is a zombie", t->pid,
				 t->ppid);
	struct birth b = { .task = t,
			   .pid = t->pid,
			   .sid = t->sid,
			   .pgid = t->pgid == p->outer_pgid ? 0 : t->pgid,
			   .by = parent,
			   .parent = parent };
	return add(p, b, err) ? 0 : -ENOMEM;
}

/* Every group needs a task of its number in the same session. */
static int plan_group(struct planner *p, size_t i, struct error *err)
{
	const struct birth member = p->plan->items[i];
	if (!member.pgid || member.pgid == member.pid)
		return 0;
	if (leads_session(&member))
		return error_set(err, EBADMSG, "pid %d leads a session, but is in group %d",
				 member.pid, member.pgid);
	size_t leader = find(p->plan, member.pgid);
	if (leader == NOBODY) {
		struct birth helper = { .pid = member.pgid,
					.sid = member.sid,
					.pgid = member.pgid,
					.by = i,
					.parent = i };
		return add(p, helper, err) ? 0 : -ENOMEM;
	}
	if (p->plan->items[leader].sid != member.sid)
		return error_set(err, EBADMSG, "pid %d: its group %d is in another session",
				 member.pid, member.pgid);
	if (p->plan->items[leader].pgid != member.pgid)
		return error_set(err, ENOTSUP,
				 "pid %d: task %d, who made its group, has left it: not supported "
				 "yet",
				 member.pid, member.pgid);
	return 0;
}

static bool comes_from_root(const struct birth_plan *plan, size_t i)
{
	for (size_t steps = 0; steps <= plan->nr && i != BIRTH_BY_COORDINATOR; steps++)
		i = plan->items[i].by;
	return i == BIRTH_BY_COORDINATOR;
}

/* A tree that asks one task to be born into two sessions, or two from each other. */
static int check_sessions(const struct planner *p, struct error *err)
{
	for (size_t i = 0; i < p->plan->nr; i++) {
		const struct birth *b = &p->plan->items[i];
		if (!comes_from_root(p->plan, i) ||
		    (!leads_session(b) && birth_sid(p, i) != b->sid))
			return error_set(err, ENOTSUP,
					 "pid %d: how it came into session %d cannot be told: not "
					 "supported yet",
					 b->pid, b->sid);
	}
	return 0;
}

/* A helper's number must not be that of some thread. */
static int check_helpers(const struct birth_plan *plan, struct rtask *const *tasks, size_t nr,
			 struct error *err)
{
	for (size_t i = 0; i < plan->nr; i++) {
		for (size_t k = 0; !plan->items[i].task && k < nr; k++) {
			for (size_t th = 0; th < tasks[k]->nr_threads; th++) {
				if (tasks[k]->tids[th] == (uint32_t)plan->items[i].pid)
					return error_set(err, EBADMSG,
							 "group or session %d has the number of a "
							 "thread of pid %d",
							 plan->items[i].pid, tasks[k]->pid);
			}
		}
	}
	return 0;
}

/* Helpers and zombies load nothing: who is born from one starts with the memory of who bore it. */
static struct rtask *memory_of(const struct birth_plan *plan, size_t i)
{
	size_t by = plan->items[i].by;
	while (by != BIRTH_BY_COORDINATOR && birth_is_mortal(&plan->items[by]))
		by = plan->items[by].by;
	return by == BIRTH_BY_COORDINATOR ? NULL : plan->items[by].task;
}

static void tell_tasks(const struct birth_plan *plan)
{
	for (size_t i = 0; i < plan->nr; i++) {
		struct rtask *t = plan->items[i].task;
		if (!t)
			continue;
		t->slot = i;
		t->memory_of = memory_of(plan, i);
	}
}

int birth_plan_make(struct rtask *const *tasks, size_t nr, bool shell_job, struct birth_plan *out,
		    struct error *err)
{
	struct planner p = { .plan = out };
	*out = (struct birth_plan){ 0 };
	int rc = plan_root(&p, tasks, nr, shell_job, err);
	for (size_t i = 1; rc == 0 && i < nr; i++)
		rc = plan_child(&p, tasks[i], err);
	for (size_t i = 1; rc == 0 && i < nr; i++) {
		if (!leads_session(&out->items[i]))
			rc = choose_bearer(&p, i, err);
	}
	for (size_t i = 0, births = out->nr; rc == 0 && i < births; i++)
		rc = plan_group(&p, i, err);
	if (rc == 0)
		rc = check_sessions(&p, err);
	if (rc == 0)
		rc = check_helpers(out, tasks, nr, err);
	if (rc == 0)
		tell_tasks(out);
	else
		birth_plan_fini(out);
	return rc;
}

void birth_plan_fini(struct birth_plan *plan)
{
	free(plan->items);
	*plan = (struct birth_plan){ 0 };
}
