/* SPDX-License-Identifier: MIT
 * Which network namespace a socket is in, both directions. What is done with it is done from there.
 */
#pragma once

#include "engine/files/file.h"
#include "engine/ns/ns.h"

struct sock_visit {
	struct ns_visit visit; /* row is NULL: no other one was entered */
	uint32_t before;
};

/**
 * Find it, f->net_ns, and enter it until sock_ns_leave(), where it is another one than the engine
 * is in.
 * @return 0; -ENOTSUP: it cannot be dumped with the tree
 */
int sock_ns_enter(struct dump *d, struct open_file *f, struct sock_visit *visit, struct error *err);
int sock_ns_leave(struct dump *d, struct sock_visit *visit, struct error *err);

/**
 * A network namespace that a descriptor of the tree leads to; one that no task is in becomes one of
 * the tree's, locked as the others are.
 * @param what  the descriptor, for messages. @param out  its number in images
 */
int sock_ns_held(struct dump *d, int fd, const char *what, uint32_t *out, struct error *err);

/** The number of the network namespace of a socket or TUN descriptor. @return 0: none is told */
uint32_t sock_ns_of(const FileEntry *e);
