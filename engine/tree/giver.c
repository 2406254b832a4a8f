/* SPDX-License-Identifier: MIT
 * Where givers have to be, who asks them, and their beginning and end. What they do: giving.c
 */
#include "engine/tree/giver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/futex.h"
#include "engine/context/shortage.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid.h"
#include "engine/ns/user.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/tree/birth-clone.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/giving.h"
#include "engine/tree/stage.h"

#define AWAIT_TRIES 600000 /* ms to wait for a pid namespace */
#define WATCH_TRIES 100    /* of these until it looks whether somebody died without a word */

struct givers {
	struct giver *items;
	size_t nr, cap;
};

/* @return from 1; 0: none */
static uint32_t find(const struct restore *r, uint32_t ns)
{
	for (size_t i = 0; r->givers && i < r->givers->nr; i++)
		if (r->givers->items[i].ns == ns)
			return (uint32_t)i + 1;
	return 0;
}

static uint32_t ns_at(const struct birth_place *place, size_t level)
{
	return level ? place->ns[level - 1] : 0;
}

/* May who is in a user namespace choose numbers there? */
static bool may_choose(const struct restore *r, uint32_t users, const struct birth_place *place,
		       size_t level)
{
	uint32_t ns = ns_at(place, level);
	return userns_is_below(r, ns ? userns_owner_id(r, NS_PID, ns) : 0, users);
}

static struct giver *find_or_add(struct restore *r, size_t level, uint32_t ns)
{
	uint32_t number = find(r, ns);
	if (number)
		return &r->givers->items[number - 1];
	struct giver *giver = array_add(r->givers);
	if (giver)
		*giver = (struct giver){ .level = level, .ns = ns };
	return giver;
}

/* @param numbers  of the namespaces from the root's on */
static int plan_for(struct restore *r, uint32_t users, const struct birth_place *place,
		    const pid_t *numbers, struct error *err)
{
	for (size_t level = 0; level <= place->nr; level++) {
		if (may_choose(r, users, place, level))
			continue;
		struct giver *giver = find_or_add(r, level, ns_at(place, level));
		struct kept *kept = giver ? array_add(&giver->kept) : NULL;
		if (!kept)
			return error_set(err, ENOMEM, "out of memory");
		*kept = (struct kept){ .number = numbers[level] };
	}
	return 0;
}

/* Of a task that makes threads when it is there. */
static uint32_t users_of(const struct rtask *t)
{
	return t->ids ? ns_id_of(t->ids, NS_USER) : 0;
}

static bool asks(const struct restore *r, const struct rtask *t)
{
	return rtask_is_living(t) && t->nr_threads > 1 && userns_nested_fd(r, t) >= 0;
}

uint32_t birth_users(const struct restore *r, size_t index)
{
	const struct birth *b = &r->plan->items[index];
	if (birth_into(r->plan, b) == BIRTH_NEW) {
		uint32_t ns = b->place.ns[b->place.nr - 1];
		uint32_t owner = userns_owner_id(r, NS_PID, ns);
		if (owner)
			return owner;
	}
	return b->by == BIRTH_BY_COORDINATOR ? 0 : birth_users(r, b->by);
}

static pid_t number_at(const struct birth *b, size_t level)
{
	return level ? b->place.pid[level - 1] : b->pid;
}

static int plan_threads(struct restore *r, const struct birth *b, struct error *err)
{
	int rc = 0;
	const struct rtask *t = b->task;
	for (size_t i = 1; rc == 0 && i < t->nr_threads; i++) {
		pid_t numbers[RESTORER_TIDS];
		for (size_t level = 0; level <= b->place.nr; level++)
			numbers[level] = (pid_t)(level ? t->levels[level - 1].tids : t->tids)[i];
		rc = plan_for(r, users_of(t), &b->place, numbers, err);
	}
	return rc;
}

static int plan_birth(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	uint32_t users = birth_users(r, index);
	pid_t numbers[RESTORER_TIDS];
	for (size_t level = 0; level <= b->place.nr; level++)
		numbers[level] = number_at(b, level);
	int rc = users ? plan_for(r, users, &b->place, numbers, err) : 0;
	if (b->task)
		b->task->users_at_birth = users;
	return rc == 0 && b->task && asks(r, b->task) ? plan_threads(r, b, err) : rc;
}

int givers_plan(struct restore *r, struct error *err)
{
	int rc = 0;
	r->givers = calloc(1, sizeof(*r->givers));
	if (!r->givers)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < r->plan->nr; i++)
		rc = plan_birth(r, i, err);
	return rc;
}

void givers_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args)
{
	const struct birth_place *place = &r->plan->items[t->slot].place;
	for (size_t level = 0; asks(r, t) && level <= place->nr; level++)
		if (!may_choose(r, users_of(t), place, level))
			args->givers[place->nr - level] = find(r, ns_at(place, level));
}

/* Who asks, in a task. */

static int lock(struct restore_shared *s)
{
	while (__atomic_exchange_n(&s->ids.lock, 1, __ATOMIC_ACQ_REL)) {
		if (restore_is_over(s))
			return -ECANCELED;
		futex_wait(&s->ids.lock, 1, STAGE_LOOK_MS);
	}
	return 0;
}

static int ask(struct restore_shared *s, uint32_t giver, pid_t want, pid_t asker, bool came)
{
	s->ids.want = want;
	s->ids.asker = asker;
	s->ids.leader = came ? want : 0;
	futex_set(&s->ids.turn, giver);
	while (__atomic_load_n(&s->ids.turn, __ATOMIC_ACQUIRE) == giver) {
		if (restore_is_over(s))
			return -ECANCELED;
		futex_wait(&s->ids.turn, giver, STAGE_LOOK_MS);
	}
	return s->ids.result;
}

/* @param by  who asks */
static int ask_all(struct restore *r, uint32_t users, const struct birth *b, const struct birth *by,
		   bool came)
{
	int rc = 0;
	for (size_t level = 0; (came || rc == 0) && level <= b->place.nr; level++) {
		if (may_choose(r, users, &b->place, level))
			continue;
		pid_t asker = level <= by->place.nr ? number_at(by, level) : 0;
		rc = ask(r->shared, find(r, ns_at(&b->place, level)), number_at(b, level), asker,
			 came);
	}
	return rc;
}

pid_t given_birth(struct restore *r, uint32_t users, const struct birth *b, const struct birth *by,
		  uint64_t flags)
{
	pid_t pids[RESTORER_TIDS];
	size_t nr = 0;
	for (size_t level = b->place.nr; may_choose(r, users, &b->place, level); level--)
		pids[nr++] = number_at(b, level);
	struct clone_args ca = {
		.flags = flags,
		/* a sibling takes its bearer's */
		.exit_signal = flags & CLONE_PARENT ? 0 : (uint64_t)b->exit_signal,
		.set_tid = nr ? (uintptr_t)pids : 0,
		.set_tid_size = nr,
	};
	int rc = lock(r->shared);
	if (rc < 0)
		return rc;
	rc = ask_all(r, users, b, by, false);
	pid_t pid = rc < 0 ? rc : (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		return 0;
	if (pid < 0 && rc == 0)
		pid = -errno;
	ask_all(r, users, b, by, true); /* the counter goes back; the child looks itself */
	futex_set(&r->shared->ids.lock, 0);
	return pid;
}

static bool has_numbers(const struct birth *b)
{
	struct proc_status status;
	if (proc_status_read(procfs_fd(), "self/status", &status, NULL) < 0)
		return false;
	bool has = status.ns_pid_depth > (int)b->place.nr;
	for (size_t level = 0; has && level <= b->place.nr; level++) {
		size_t at = (size_t)status.ns_pid_depth - 1 - b->place.nr + level;
		has = status.pids[at] == number_at(b, level);
	}
	proc_status_fini(&status);
	return has;
}

bool given_these(struct restore *r, size_t index)
{
	bool has = has_numbers(&r->plan->items[index]);
	futex_set(&r->shared->slots[index].given, has ? 1 : 2);
	return has;
}

static bool has_ended(int pidfd)
{
	return poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0) > 0;
}

int given_await(struct restore *r, size_t index, pid_t pid)
{
	uint32_t given, *word = &r->shared->slots[index].given;
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool gone = pidfd < 0 && errno == ESRCH;
	while (!(given = __atomic_load_n(word, __ATOMIC_ACQUIRE))) {
		bool ended = gone || has_ended(pidfd);
		if (restore_is_over(r->shared))
			return -ECANCELED;
		if (ended && !__atomic_load_n(word, __ATOMIC_ACQUIRE))
			return -ESRCH;
		futex_wait(word, 0, STAGE_LOOK_MS);
	}
	return given == 2;
}

/* The coordinator. */

/* Where the namespace is; it begins with its pid 1. */
static int open_ns(struct restore *r, const struct giver *g, struct error *err)
{
	char path[32];
	size_t init = g->level ? birth_init(r->plan, g->ns) : r->root->slot;
	const struct restore_slot *slot = &r->shared->slots[init];
	for (int i = 0; !__atomic_load_n(&slot->real, __ATOMIC_ACQUIRE); i++) {
		bool looks = restore_is_over(r->shared) || i % WATCH_TRIES == 0;
		int rc = looks ? stage_check(r, STAGE_BIRTH, err) : 0;
		if (rc < 0)
			return rc;
		if (i == AWAIT_TRIES)
			return error_set(err, ETIMEDOUT,
					 "task %d, pid 1 of a pid namespace, is not born",
					 r->plan->items[init].pid);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	snprintf(path, sizeof(path), "%d/ns/pid", slot->real);
	int fd = procfs_open(path, O_RDONLY);
	return fd < 0 ? error_sys(err, "open /proc/%s of task %d", path, r->plan->items[init].pid)
		      : fd;
}

/* With numbers that nobody of the tree is to have. */
static pid_t bear(struct restore *r, const struct giver *g)
{
	struct birth b = { .exit_signal = SIGCHLD };
	if (g->level)
		b.place = r->plan->items[birth_init(r->plan, g->ns)].place;
	birth_choose_unused(r->plan, &b);
	return birth_clone_any(&b, 0);
}

static int start(struct restore *r, size_t i, struct error *err)
{
	struct giver *g = &r->givers->items[i];
	struct ns_visit visit = { .back = -1 };
	bool here = !g->level && !ns_restores(r, NS_PID);
	auto_fd ns = here ? -1 : open_ns(r, g, err);
	if (!here && ns < 0)
		return ns;
	int rc = ns_visit_if(ns, NS_PID, &visit, err);
	if (rc < 0)
		return rc;
	pid_t pid = bear(r, g);
	if (pid == 0)
		giver_serve(g, g->level || pidns_is_new(r), r->shared, (uint32_t)i + 1);
	rc = pid < 0
		 ? error_sys(err, "start a process that chooses pids%s", shortage_of_tasks(errno))
		 : 0;
	g->pid = pid < 0 ? 0 : pid;
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int givers_start(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->givers->nr; i++)
		rc = start(r, i, err);
	return rc;
}

int givers_check(struct restore *r, struct error *err)
{
	for (size_t i = 0; r->givers && i < r->givers->nr; i++) {
		struct giver *g = &r->givers->items[i];
		if (!g->pid || waitpid(g->pid, NULL, WNOHANG) != g->pid)
			continue;
		g->pid = 0;
		return error_set(err, ECHILD,
				 "the process that chooses pids in pid namespace %u has died "
				 "(killed from outside, or out of memory?)",
				 g->ns);
	}
	return 0;
}

void givers_end(struct restore *r)
{
	for (size_t i = 0; r->givers && i < r->givers->nr; i++) {
		struct giver *g = &r->givers->items[i];
		if (!g->pid)
			continue;
		kill(g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
		g->pid = 0;
	}
}

void givers_free(struct givers *givers)
{
	for (size_t i = 0; givers && i < givers->nr; i++)
		free(givers->items[i].kept.items);
	if (givers)
		free(givers->items);
	free(givers);
}
