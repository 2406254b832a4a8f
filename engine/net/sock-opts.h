/* SPDX-License-Identifier: MIT
 * Options every socket has, getsockopt(SOL_SOCKET), both directions: socket(7).
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/files/file.h"
#include "sockets.pb-c.h"

/** Read the options of a socket, and whose it is. @param out  allocated, freed with the entry it
 * goes to */
int sock_opts_dump(const struct dump *d, const struct open_file *f, SkOptsEntry **out,
		   struct error *err);
/** Is the entry there, and can it be set? */
int sock_opts_check(const SkOptsEntry *opts, struct error *err);
/** Set them on a new socket; buffer sizes need CAP_NET_ADMIN when above the system's maximum.
 * @param id  of the file */
int sock_opts_restore(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		      struct error *err);
