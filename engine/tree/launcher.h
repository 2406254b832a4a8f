/* SPDX-License-Identifier: MIT
 * The process that starts the tree: whole or not at all, also when the coordinator is killed.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "engine/context/restore.h"

struct launcher {
	pid_t pid; /* 0: there is none, this process does its work */
	int line;  /* to it */
};

/** Take all threads over and make their state final, launch_take(). Ends with launcher_end(). */
int launcher_start(struct launcher *l, struct restore *r, struct error *err);
/**
 * Give the network back and let the tree run. Once it is asked, it does that, whatever becomes of
 * us.
 * @return -errno: the tree is to be undone
 */
int launcher_go(struct launcher *l, struct restore *r, struct error *err);
/** It ends; what it has taken over and not let go does, too. */
void launcher_end(struct launcher *l);
