/* SPDX-License-Identifier: MIT
 * Births that are planned: of tasks, and of helpers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/pie/restorer.h"

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
	pid_t own_pgid;  /* pgid as its own pid namespace has it; 0: its leader is outside, so it is
			    born into the group */
	int exit_signal; /* what its parent gets when it ends; 0: none */
	pid_t sid;       /* its own pid: setsid(); another: inherited from who bears it */
	pid_t pgid;      /* to be joined or, when it is pid, made; 0: as inherited */
	size_t by;       /* index of who forks it */
	size_t parent;   /* index of the parent it gets; `by`'s parent when `sibling` */
	bool sibling;    /* born with CLONE_PARENT */
	bool early;      /* before `by` makes its own session */
	bool orphan;     /* its bearer, a helper, ends, and `parent` adopts it */
	bool any_pid;    /* a helper whose number does not matter; pid is a proposal */
};

struct birth_plan {
	struct birth *items; /* one per task, in their order, then the helpers */
	size_t nr, cap;
};
