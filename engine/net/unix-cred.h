/* SPDX-License-Identifier: MIT
 * Whom a unix socket names as its peer: SO_PEERCRED, SO_PEERGROUPS of unix(7). The kernel notes who
 * listens, connects or makes a pair, and nothing changes that later.
 */
#pragma once

#include "engine/files/file.h"
#include "sockets.pb-c.h"

/** Who is the peer of a socket? @param out  allocated; NULL stays where there is none */
int unix_cred_peer(const struct dump *d, int fd, UnixCredEntry **out, struct error *err);
/** The task that has it: who has connected it, as far as anybody can tell. */
int unix_cred_task(const struct open_file *f, UnixCredEntry **out, struct error *err);
/** Of an image: can there be such a process? NULL is fine. */
int unix_cred_check(const UnixCredEntry *e, struct error *err);

/**
 * Listen, connect or make a pair as somebody: with that user, group and groups, and where the pid
 * is free just now, with that. Other fields of the process stay the restore's.
 * @param who  NULL: as who restores
 * @param act  in a process of its own that shares memory and descriptors
 * @return what act returned
 */
int unix_cred_act(const struct restore *r, const UnixCredEntry *who,
		  int (*act)(void *arg, struct error *err), void *arg, struct error *err);
