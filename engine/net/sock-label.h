/* SPDX-License-Identifier: MIT
 * Labels that SELinux gives sockets: fdinfo_entry.xattr_security_selinux.
 */
#pragma once

#include "base/error.h"
#include "files.pb-c.h"

/** @param fd  a socket's @return 0, also where there is none */
int sock_label_dump(int fd, FdinfoEntry *e, struct error *err);
/** Sockets that this thread makes from here on have that label. @param label  NULL: its own again
 */
int sock_label_set(const char *label, struct error *err);
