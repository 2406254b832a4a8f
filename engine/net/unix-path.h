/* SPDX-License-Identifier: MIT
 * Names of unix sockets in the file system: where a bound one lies, binding there again.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "engine/files/file.h"
#include "engine/net/unix-diag.h"

struct unix_path {
	char dir[PATH_MAX]; /* what a relative name is relative to; "" for an absolute one */
	struct stat st;     /* of the socket's file */
	bool deleted;       /* the name leads there no more */
	char *renamed;      /* where its file is instead, to be freed; NULL: nowhere */
	int mnt_id;         /* of the mount it is on; -1: none of the tree's */
};

/** Where the file of a bound socket is. Needs CAP_NET_ADMIN (SIOCUNIXFILE, Linux 4.11). */
int unix_path_find(const struct dump *d, const struct open_file *f, const struct unix_info *info,
		   struct unix_path *out, struct error *err);

/**
 * Bind to a name as stored; a socket that lies at its path is replaced. With `deleted`, the path
 * is what it was before.
 */
int unix_path_bind(struct restore *r, int fd, const UnixSkEntry *sk, struct error *err);
/** Connect to a socket of this process, bound to whatever, deleted or not. */
int unix_path_connect(int fd, int to, struct error *err);
/** Send to a datagram socket of this process, bound to whatever. @return bytes; -errno */
ssize_t unix_path_send(int fd, int to, const struct msghdr *msg, struct error *err);
/** Connect to a name as stored: of a socket outside of the tree. */
int unix_path_connect_name(struct restore *r, int fd, const UnixSkEntry *sk, struct error *err);
