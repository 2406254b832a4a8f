/* SPDX-License-Identifier: MIT
 * Inside of tree/: a giver, and what it has to give.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/pie/restore-shared.h"
#include "engine/tree/taken-ids.h"

struct kept {
	pid_t number;
	enum { KEPT_NOT, KEPT_HERE, KEPT_GIVEN } state;
	struct pid_wait wait;
};

struct giver {
	size_t level; /* pid namespaces between its own and the root's, and */
	uint32_t ns;  /* its own; 0: the root's */
	pid_t pid;    /* 0: not there */
	struct {
		struct kept *items;
		size_t nr, cap;
	} kept; /* that it is to give */
};

/**
 * In its process: answer whoever asks, until the restore is over.
 * @param alone   nobody but the tree makes processes there
 * @param number  by which it is asked
 */
_Noreturn void giver_serve(struct giver *g, bool alone, struct restore_shared *s, uint32_t number);
