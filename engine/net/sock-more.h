/* SPDX-License-Identifier: MIT
 * Options of sockets that the format has no fields for, both directions: sk_opts_entry.more. Other
 * readers pass over them.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"
#include "sockets.pb-c.h"

/** Note what differs from a new socket of its kind. @param what  for messages */
int sock_more_dump(int fd, int family, const char *what, SkOptsEntry *opts, struct error *err);
/** Append one more. */
int sock_more_add(SkOptsEntry *opts, int level, int option, const void *value, size_t len,
		  struct error *err);
int sock_more_check(const SkOptsEntry *opts, struct error *err);
/** Of a socket that is neither bound nor filled: all that may be set then. @param id  of the file
 */
int sock_more_begin(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		    struct error *err);
/** Set them; what is set already stays. */
int sock_more_restore(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		      struct error *err);
