/* SPDX-License-Identifier: MIT
 * What the kernel tells about the unix sockets of this network namespace: sock_diag(7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct unix_info {
	uint32_t ino, peer;  /* peer 0: none, or one that was not accepted yet, or is gone */
	uint8_t type, state; /* SOCK_*; TCP_ESTABLISHED, TCP_LISTEN, TCP_CLOSE */
	uint8_t shutdown;    /* bits: 1 receive, 2 send */
	uint32_t wqueue;     /* bytes the peer has not read; of a listening one: its backlog */
	bool has_file;       /* bound to a path, even if that is gone */
	uint32_t
	    *pending; /* inodes of clients waiting to be accepted, in order; of a listening one */
	size_t nr_pending;
	size_t name_len;
	char name[108]; /* as bound: a path with its NUL, or NUL and an abstract name */
};

struct unix_list {
	struct unix_info *items; /* sorted by ino */
	size_t nr, cap;
};

/** Ask for all of them at once. @param out  release with unix_list_fini() */
int unix_list_read(struct unix_list *out, struct error *err);
/** NULL: none. */
const struct unix_info *unix_list_find(const struct unix_list *list, uint32_t ino);
/** The listening socket where client `ino` waits to be accepted; NULL: it does not. */
const struct unix_info *unix_list_listener(const struct unix_list *list, uint32_t ino);
void unix_list_fini(struct unix_list *list);
