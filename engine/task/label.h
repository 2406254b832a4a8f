/* SPDX-License-Identifier: MIT
 * Labels of security modules (SELinux, AppArmor, Smack): images of ours have none, so a task that
 * would come back with another one is refused.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * Read a label as attr/current has it.
 * @param proc  directory
 * @param path  "self", or "task/TID" below /proc/PID
 * @param out   empty where no security module gives labels
 */
int label_read(int proc, const char *path, struct strbuf *out, struct error *err);

/**
 * May the thread get the label of who restores it? It may when it has none, is not confined, or has
 * the same as this program.
 * @param proc_fd  /proc/PID; @param own  this program's: label_read()
 * @return 0; -ENOTSUP naming the thread and its label
 */
int label_check(int proc_fd, pid_t tid, const struct strbuf *own, struct error *err);
