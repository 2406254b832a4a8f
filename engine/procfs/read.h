/* SPDX-License-Identifier: MIT
 * The live half: open a file of /proc, read it whole, hand it to its parser.
 */
#pragma once

#include "engine/procfs/procfs.h"

/**
 * @param dirfd  /proc/PID or /proc/PID/task
 * @param path   "stat", "status", or "TID/stat" below task
 * @return 0; -ESRCH when the task is gone; -EPROTO when the text is not understood
 */
int proc_stat_read(int dirfd, const char *path, struct proc_stat *out, struct error *err);
int proc_status_read(int dirfd, const char *path, struct proc_status *out, struct error *err);
/** @param dirfd  /proc/PID */
int proc_mounts_read(int dirfd, struct proc_mounts *out, struct error *err);
int proc_timers_read(int dirfd, struct proc_timers *out, struct error *err);

/**
 * A file that the kernel writes as one record ("cgroup", "stat", numbers; not lists such as
 * "children"), with a NUL behind it.
 * @return its length: all of it, unless the buffer is full; -errno
 */
int proc_record_read(int dirfd, const char *path, char *buf, size_t size, struct error *err);

/** A file that holds one number. @return 0; -ENOENT: this kernel has no such file */
int proc_number_read(int dirfd, const char *path, int base, long long *out, struct error *err);

/** Is the task gone, or a zombie nobody waited for yet? */
bool proc_is_dead(pid_t pid);
/**
 * Alive, but past return: SIGKILL waits for it or it is in exit(2). It holds its pid while its
 * memory is given back, which takes long when there is much of it.
 */
bool proc_is_dying(pid_t pid);

struct proc_ids {
	int *items;
	size_t nr, cap;
};
/** The numbers that are names in a directory such as /proc/PID/task. Appends. */
int proc_ids_of_dir(int dirfd, const char *path, struct proc_ids *out, struct error *err);
/** The numbers in /proc/PID/task/TID/children. Appends; a thread that is gone has none. */
int proc_ids_of_children(int dirfd, const char *path, struct proc_ids *out, struct error *err);
