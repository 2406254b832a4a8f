/* SPDX-License-Identifier: MIT
 * The file system of a cgroup hierarchy, wherever it is mounted, or nowhere.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * The root directory of a hierarchy (of this process's cgroup namespace), in a mount that others do
 * not see, or where the unified one is mounted.
 * @param name  as in /proc/PID/cgroup: "cpu,cpuacct", "name=systemd", "" for the unified one
 * @param yard  of cgroup_yard_open()
 * @return descriptor, owned by the caller
 * Source: fsopen(2) and fsmount(2), since Linux 5.2.
 */
int cgroup_fs_open(const char *name, int yard, struct error *err);

/**
 * The directory in which the hierarchies are mounted already (--cgroup-yard), by their names.
 * @param out  descriptor, owned by the caller; -1 when path is NULL: there is none
 */
int cgroup_yard_open(const char *path, int work_fd, int *out, struct error *err);

/**
 * Move a task, or one thread alone, into a group.
 * @param root  of cgroup_fs_open(); @param path  "/…" below it
 * @param id    pid or tid; 0: this process
 */
int cgroup_fs_move(int root, const char *name, const char *path, pid_t id, bool thread,
		   struct error *err);

/** "/" is "." for the calls that take a directory and a path. */
const char *cgroup_fs_relative(const char *path);
