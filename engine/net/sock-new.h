/* SPDX-License-Identifier: MIT
 * A socket of the engine's that is to be as one of a task.
 */
#pragma once

#include <sys/types.h>

#include "engine/context/restore.h"
#include "sockets.pb-c.h"

struct sock_owner {
	uid_t uid;
	gid_t gid;
};

/**
 * As socket(2), close-on-exec, for who may make none: only some groups may make those of ping(8).
 * @return it, owned by the caller; -1 with errno
 */
int sock_new(int family, int type, int protocol);
/**
 * Sockets that this thread makes or accepts from here on belong to whom these did: packet filters
 * ask the description for its user, and only a user's own share a port (SO_REUSEPORT).
 * @param before  who it was, for sock_owner_end()
 */
void sock_owner_begin(const struct restore *r, const SkOptsEntry *opts, struct sock_owner *before);
void sock_owner_end(const struct sock_owner *before);
