/* SPDX-License-Identifier: MIT
 * Moments of a dump or restore at which others may act: scripts of --action-script, and who asked
 * by RPC.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "engine/context/options.h"

/* Names, order and environment are CRIU's, so its scripts work. */
enum hook {
	HOOK_PRE_DUMP,              /* nothing is stopped yet */
	HOOK_NETWORK_LOCK,          /* the network namespace of the tree is about to be locked */
	HOOK_NETWORK_UNLOCK,        /* and unlocked: after a failed dump, at the end of a restore */
	HOOK_POST_DUMP,             /* the set is whole, the tree still stopped */
	HOOK_PRE_RESTORE,           /* the set is read, no task is born */
	HOOK_SETUP_NAMESPACES,      /* they are there and empty; pid is of a process in them */
	HOOK_POST_SETUP_NAMESPACES, /* and filled */
	HOOK_ORPHAN_PTS_MASTER,     /* with a terminal's master, by hook_give() */
	HOOK_POST_RESTORE,          /* every task is there, none runs */
	HOOK_PRE_RESUME,            /* the last moment before the tasks run */
	HOOK_POST_RESUME,           /* they run; too late to fail */
	NR_HOOKS,
};

struct hook_listener {
	/** @return 0; negative: no, and what is going on is undone */
	int (*call)(void *ctx, const char *name, pid_t pid, struct error *err);
	/** The same, with a descriptor; NULL: does not want any. */
	int (*give)(void *ctx, const char *name, int fd, struct error *err);
	void *ctx;
};

/**
 * Run the scripts in the order given, then tell the listener.
 * @param images_fd  the scripts get its path as CRTOOLS_IMAGE_DIR
 * @param pid        of the root task (CRTOOLS_INIT_PID), 0 where there is none yet
 * @return 0; negative, naming the script: stop and undo. -EPERM: there are scripts, and it is
 *         another user's dump (opts->owned_only), whose programs must not have our rights
 */
int hook_call(const struct options *opts, enum hook hook, int images_fd, pid_t pid,
	      struct error *err);

/** Hand a descriptor to the listener; without one it is nobody's, and closed in the end. */
int hook_give(const struct options *opts, enum hook hook, int fd, struct error *err);
