/* SPDX-License-Identifier: MIT
 * Options every socket has, getsockopt(SOL_SOCKET), both directions: socket(7).
 */
#pragma once

#include "base/error.h"
#include "sockets.pb-c.h"

/**
 * Read the options of a socket.
 * @param family  AF_*; not all have the same options
 * @param what  whose it is, for messages; @param out  allocated, freed with the entry it goes to
 */
int sock_opts_dump(int fd, int family, const char *what, SkOptsEntry **out, struct error *err);
/** Is the entry there, and can it be set? */
int sock_opts_check(const SkOptsEntry *opts, struct error *err);
/** Set them on a new socket; buffer sizes need CAP_NET_ADMIN when above the system's maximum. */
int sock_opts_restore(int fd, const SkOptsEntry *opts, struct error *err);
