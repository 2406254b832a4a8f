/* SPDX-License-Identifier: MIT
 * The /proc of this program. A restore works in mount namespaces that have none, or another one,
 * so it is opened once and reached through its descriptor. As the log, it is one per process.
 */
#pragma once

#include "base/error.h"

/** The directory itself, for calls that take one. @return -1 without /proc; never to be closed */
int procfs_fd(void);
/** From here on that descriptor is `fd`, a duplicate; the old one is closed. */
void procfs_move(int fd);
/** Open "self/maps" and the like; close-on-exec. @return -1 with errno */
int procfs_open(const char *path, int flags);
/** Open what descriptor `fd` of this process leads to once more. @return -1 with errno */
int procfs_reopen(int fd, int flags);
/**
 * For calls that take no directory: "self/fd/3" is a path from here until procfs_leave().
 * @return a descriptor for that, or -errno
 */
int procfs_enter(struct error *err);
void procfs_leave(int back);
