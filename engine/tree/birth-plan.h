/* SPDX-License-Identifier: MIT
 * Who is born from whom, and when, so that every task ends up with its parent, session and group.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/context/birth.h"
#include "engine/context/restore.h"

#define BIRTH_BY_COORDINATOR ((size_t)-1)

/*
 * A session is made by its leader and inherited by birth only; a group by a task of the session
 * that has its number. Leaders that were dead at the dump are played by helpers: they exist only
 * until every task is in its group. Who inherited its session from a task that bore it indirectly,
 * and came to its parent as an orphan, is born from a helper of that task and becomes an orphan
 * again (engine/tree/adopt.h).
 */

/* How the pid namespace of a task follows from that of who bears it. */
enum birth_into {
	BIRTH_SAME,  /* it is the same */
	BIRTH_NEW,   /* a new one, as its pid 1 */
	BIRTH_ENTER, /* one further in, that is there already */
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
/** Numbers that nobody of the images has, in the namespaces that b->place names. */
void birth_choose_unused(const struct birth_plan *plan, struct birth *b);
/** Others, after the kernel refused those. @param code  EINVAL: one was above pid_max */
void birth_choose_next(struct birth *b, int code);
/** Is the task one that exits before the others run? */
bool birth_is_mortal(const struct birth *b);
