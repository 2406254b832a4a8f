/* SPDX-License-Identifier: MIT
 * A mixed tree under watch: start it, ask it, look at it from outside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/live/rounds/mixed.h"

#define LOOK_SIZE (256u << 10)

struct tree {
	const char *dir; /* of its files */
	struct mixed *mixed;
	int port; /* of the peer, which outlives trees */
	pid_t peer;
};

/** @return NULL or why not */
const char *tree_start(struct tree *t);
void tree_kill(struct tree *t);
/** End the peer as well. */
void tree_fini(struct tree *t);

/** Let it check all it has, and see every thread get on. @return NULL or what is wrong */
const char *tree_check(struct tree *t);

/** True while any of its processes is there, a zombie too. */
bool tree_exists(const struct tree *t);
/** Wait until none is. @return false when some still is after `ms` */
bool tree_ends(const struct tree *t, int ms);

/**
 * Everything /proc says of it that does not change by itself: maps, descriptors, signal masks,
 * timers, locks, parents. Which of them are left out says a second line: numbers of inodes, that
 * a restored tree has others of.
 * @param buf  of LOOK_SIZE; @param inodes  false leaves numbers of inodes out
 */
void tree_look(const struct tree *t, bool inodes, char *buf);

/** @return "-LINE +LINE" where two looks differ, or NULL */
const char *look_differs(const char *before, const char *after);

/** Memory its processes have resident, in KiB. */
long tree_rss_kib(const struct tree *t);
