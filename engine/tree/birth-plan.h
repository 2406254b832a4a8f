/* SPDX-License-Identifier: MIT
 * Who is born from whom, and when, so that every task ends up with its parent, session and group.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/pie/restorer.h"
#include "engine/restore.h"

#define BIRTH_BY_COORDINATOR ((size_t)-1)

/*
 * A session is made by its leader and inherited by birth only; a group by a task of the session
 * that has its number. Leaders that were dead at the dump are played by helpers: they exist only
 * until every task is in its group. Who inherited its session from a task that bore it indirectly,
 * and came to its parent as an orphan, is born from a helper of that task and becomes an orphan
 * again (engine/tree/adopt.h).
 */
/* The pid namespaces below the root's that it is in, outermost first, and its numbers there. */
struct birth_place {
	size_t nr;
	uint32_t ns[RESTORER_TIDS];
	pid_t pid[RESTORER_TIDS];
};

struct birth {
	struct rtask *task; /* NULL: a helper */
	pid_t pid;
	struct birth_place place;
	pid_t own_pgid; /* pgid as its own pid namespace has it; 0: its leader is outside, so it is
			   born into the group */
	pid_t sid;      /* its own pid: setsid(); another: inherited from who bears it */
	pid_t pgid;     /* to be joined or, when it is pid, made; 0: as inherited */
	size_t by;      /* index of who forks it */
	size_t parent;  /* index of the parent it gets; `by`'s parent when `sibling` */
	bool sibling;   /* born with CLONE_PARENT */
	bool early;     /* before `by` makes its own session */
	bool orphan;    /* its bearer, a helper, ends, and `parent` adopts it */
	bool any_pid;   /* a helper whose number does not matter; pid is a proposal */
};

/* How the pid namespace of a task follows from that of who bears it. */
enum birth_into {
	BIRTH_SAME,  /* it is the same */
	BIRTH_NEW,   /* a new one, as its pid 1 */
	BIRTH_ENTER, /* one further in, that is there already */
};

struct birth_plan {
	struct birth *items; /* one per task, in their order, then the helpers */
	size_t nr, cap;
};

/**
 * @param tasks      parents before children, tasks[0] the root
 * @param shell_job  the root's session or group may be the caller's
 * @return 0; -EINVAL for a foreign session or group without shell_job, naming the pid; -ENOTSUP
 *         for a tree that cannot be built by births alone. slot and memory_of of every task are set
 */
int birth_plan_make(struct rtask *const *tasks, size_t nr, bool shell_job, struct birth_plan *out,
		    struct error *err);
void birth_plan_fini(struct birth_plan *plan);
enum birth_into birth_into(const struct birth_plan *plan, const struct birth *b);
/** The index of the pid 1 of a namespace below the root's; plan->nr: there is none */
size_t birth_init(const struct birth_plan *plan, uint32_t ns);
/** What a task knows another as; 0: it cannot see that. */
pid_t birth_seen_as(const struct birth *seen, const struct birth *by);
/** Has a task to be in its group before it bears others, as they could not join it? */
bool birth_hands_on_group(const struct birth_plan *plan, size_t index);
/** Is the task one that exits before the others run? */
bool birth_is_mortal(const struct birth *b);
