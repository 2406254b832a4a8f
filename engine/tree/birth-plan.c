/* SPDX-License-Identifier: MIT
 * Planning of births: pure, from the numbers in pstree.img.
 */
#include "engine/tree/birth-plan.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/array.h"

#define ANY_FIRST 300 /* the kernel's first when numbers start over, RESERVED_PIDS */
#define NOBODY    ((size_t)-1)

bool birth_is_mortal(const struct birth *b)
{
	return !b->task || !rtask_is_living(b->task);
}

static bool same_places(const struct birth_place *a, const struct birth_place *b, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (a->ns[i] != b->ns[i])
			return false;
	return true;
}

enum birth_into birth_into(const struct birth_plan *plan, const struct birth *b)
{
	size_t nr = b->by == BIRTH_BY_COORDINATOR ? 0 : plan->items[b->by].place.nr;
	if (b->place.nr == nr)
		return BIRTH_SAME;
	return b->place.pid[b->place.nr - 1] == 1 ? BIRTH_NEW : BIRTH_ENTER;
}

size_t birth_init(const struct birth_plan *plan, uint32_t ns)
{
	size_t i = 0;
	for (; i < plan->nr; i++) {
		const struct birth_place *p = &plan->items[i].place;
		if (p->nr && p->ns[p->nr - 1] == ns && p->pid[p->nr - 1] == 1)
			break;
	}
	return i;
}

pid_t birth_seen_as(const struct birth *seen, const struct birth *by)
{
	size_t nr = by->place.nr;
	if (!nr)
		return seen->pid;
	bool inside = seen->place.nr >= nr && seen->place.ns[nr - 1] == by->place.ns[nr - 1];
	return inside ? seen->place.pid[nr - 1] : 0;
}

static bool inherits_group(const struct birth *b)
{
	return b->place.nr && b->pgid && !b->own_pgid;
}

bool birth_hands_on_group(const struct birth_plan *plan, size_t index)
{
	for (size_t i = 0; i < plan->nr; i++)
		if (plan->items[i].by == index && inherits_group(&plan->items[i]))
			return true;
	return false;
}

/* No session or group: 0 is one that was led from outside of the pid namespace. */
enum { NONE = -1 };

struct planner {
	struct birth_plan *plan;
	pid_t outer_sid, outer_pgid; /* the root's, when outside the tree; NONE: it is inside */
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
		return p->outer_sid;
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
	place->exit_signal = b.task ? b.task->exit_signal : SIGCHLD;
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

enum led { LED_ITSELF, LED_GROUP, LED_SESSION };

/* The numbers of a task, or of who leads its group or session, as far in as they are known. */
static struct birth_place place_of(const struct rtask *t, enum led led)
{
	struct birth_place place = { 0 };
	for (size_t i = 0; t && i < t->nr_levels; i++) {
		const struct pid_level *l = &t->levels[i];
		pid_t pid = led == LED_GROUP     ? l->pgid
			    : led == LED_SESSION ? l->sid
						 : (pid_t)l->tids[0];
		if (!pid)
			break;
		place.ns[place.nr] = l->ns;
		place.pid[place.nr++] = pid;
	}
	return place;
}

/* What the last of these namespaces calls it. */
static pid_t own_number(const struct birth_place *place, pid_t pid)
{
	return place->nr ? place->pid[place->nr - 1] : pid;
}

static size_t add_session_helper(struct planner *p, size_t parent, const struct rtask *of,
				 struct error *err)
{
	pid_t sid = of->sid;
	struct birth b = { .pid = sid,
			   .place = place_of(of, LED_SESSION),
			   .sid = sid,
			   .pgid = sid,
			   .by = parent,
			   .parent = parent };
	b.own_pgid = own_number(&b.place, sid);
	return add(p, b, err) ? p->plan->nr - 1 : NOBODY;
}

/* Is `above` an ancestor of `of` in the tree as it will be? */
static bool is_ancestor(const struct planner *p, size_t above, size_t of)
{
	while (of != BIRTH_BY_COORDINATOR && of != above)
		of = p->plan->items[of].parent;
	return of == above;
}

/* A number that nobody has in a namespace below the root's. */
static pid_t unused_inside(const struct birth_plan *plan, size_t level, uint32_t ns)
{
	pid_t last = 0;
	for (size_t i = 0; i < plan->nr; i++) {
		const struct birth *b = &plan->items[i];
		if (b->place.nr <= level || b->place.ns[level] != ns)
			continue;
		last = b->place.pid[level] > last ? b->place.pid[level] : last;
		for (size_t k = 0; b->task && k < b->task->nr_threads; k++) {
			pid_t tid = (pid_t)b->task->levels[level].tids[k];
			last = tid > last ? tid : last;
		}
	}
	return last + 1;
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

void birth_choose_unused(const struct birth_plan *plan, struct birth *b)
{
	b->pid = unused_pid(plan);
	for (size_t k = 0; k < b->place.nr; k++)
		b->place.pid[k] = unused_inside(plan, k, b->place.ns[k]);
}

void birth_choose_next(struct birth *b, int code)
{
	b->pid = code == EINVAL ? ANY_FIRST : b->pid + 1;
	for (size_t k = 0; k < b->place.nr; k++)
		b->place.pid[k] = code == EINVAL ? ANY_FIRST : b->place.pid[k] + 1;
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
	struct birth helper = { .place = p->plan->items[leader].place,
				.any_pid = true,
				.sid = b->sid,
				.by = leader,
				.parent = leader };
	birth_choose_unused(p->plan, &helper);
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
		leader = add_session_helper(p, b->parent, b->task, err);
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
	p->outer_sid = foreign_sid ? root->sid : NONE;
	p->outer_pgid = foreign_pgid ? root->pgid : NONE;
	struct birth b = { .task = root,
			   .pid = root->pid,
			   .sid = root->sid,
			   .pgid = foreign_pgid ? 0 : root->pgid,
			   .own_pgid = foreign_pgid ? 0 : root->pgid,
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
			   .place = place_of(t, LED_ITSELF),
			   .by = parent,
			   .parent = parent };
	b.own_pgid = !b.pgid ? 0 : t->nr_levels ? t->levels[t->nr_levels - 1].pgid : b.pgid;
	return add(p, b, err) ? 0 : -ENOMEM;
}

/* Every group needs a task of its number in the same session. */
static int plan_group(struct planner *p, size_t i, struct error *err)
{
	const struct birth member = p->plan->items[i];
	if (!member.pgid || member.pgid == member.pid || inherits_group(&member))
		return 0;
	if (leads_session(&member))
		return error_set(err, EBADMSG, "pid %d leads a session, but is in group %d",
				 member.pid, member.pgid);
	size_t leader = find(p->plan, member.pgid);
	if (leader == NOBODY) {
		struct birth helper = { .pid = member.pgid,
					.place = place_of(member.task, LED_GROUP),
					.sid = member.sid,
					.pgid = member.pgid,
					.by = i,
					.parent = i };
		helper.own_pgid = own_number(&helper.place, member.pgid);
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

static int refuse_place(const struct birth *b, const char *why, struct error *err)
{
	return error_set(err, ENOTSUP,
			 "pid %d, in a pid namespace inside of another: %s: not supported", b->pid,
			 why);
}

/* Is its pid 1 born with it, and where this one has it? */
static bool has_init(const struct birth_plan *plan, const struct birth *b)
{
	const struct birth *init = &plan->items[birth_init(plan, b->place.ns[b->place.nr - 1])];
	return init != plan->items + plan->nr && birth_into(plan, init) == BIRTH_NEW &&
	       init->place.nr == b->place.nr && same_places(&b->place, &init->place, b->place.nr) &&
	       (birth_into(plan, b) == BIRTH_ENTER || init == b);
}

/* Who is born from whom has to be possible between their pid namespaces, too. */
static int check_place(const struct birth_plan *plan, const struct birth *b, struct error *err)
{
	static const struct birth nobody = { 0 };
	const struct birth *by = b->by == BIRTH_BY_COORDINATOR ? &nobody : &plan->items[b->by];
	if (b->place.nr < by->place.nr || !same_places(&b->place, &by->place, by->place.nr))
		return refuse_place(b, "who bears it is not around it", err);
	enum birth_into into = birth_into(plan, b);
	if (into == BIRTH_NEW && (!b->task || b->place.nr != by->place.nr + 1))
		return refuse_place(b, "its pid 1 comes from further outside", err);
	if (into != BIRTH_SAME && !has_init(plan, b))
		return refuse_place(b, "that has no pid 1, or several", err);
	if (b->sibling && by->place.nr && own_number(&by->place, by->pid) == 1)
		return refuse_place(b, "its session is led by a pid 1, which is not its parent",
				    err);
	if (inherits_group(b) && by->pgid != b->pgid)
		return refuse_place(
		    b, "its group is led from outside, and its parent has left that", err);
	if (b->task && b->task->children_apart && b->task->children_ns && !b->task->children_dead &&
	    birth_init(plan, b->task->children_ns) == plan->nr)
		return refuse_place(b, "its children are born where no pid 1 is", err);
	return 0;
}

static int check_places(const struct birth_plan *plan, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < plan->nr; i++)
		rc = check_place(plan, &plan->items[i], err);
	return rc;
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
		rc = check_places(out, err);
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
