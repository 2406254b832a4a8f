/* SPDX-License-Identifier: MIT
 * Limits that belong to namespaces, both directions: how much a user namespace may have of what
 * (/proc/sys/user), and the largest pid of a pid namespace (/proc/sys/kernel/pid_max).
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/ns.h"
#include "namespaces.pb-c.h"

/** Those of a user namespace that are not as in new ones, into an entry. */
int limits_user_dump(int users, UsernsEntry *e, struct error *err);
/** Is this what a kernel may be asked to set? @return 0; -EBADMSG */
int limits_user_check(const UsernsEntry *e, struct error *err);
/** In it, once all was made that it may be too little for. */
int limits_user_set(const UsernsEntry *e, bool weak, struct error *err);

/** That of a pid namespace. @return 0 where it is as in new ones, or the host's */
uint32_t limits_pids_read(const struct ns_seen *ns);
/** -EBADMSG for one that no kernel takes. */
int limits_pids_check(uint32_t pid_max, struct error *err);
/** In a process of the namespace. A warning says that it cannot be set. */
void limits_pids_set(uint32_t pid_max);
