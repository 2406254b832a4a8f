/* SPDX-License-Identifier: MIT
 * Files in /proc of the tasks themselves, their pidfds, namespaces, and files on mounts that are
 * made only then (ns/mnt.h): they can be opened again only when the tasks exist. Until then another
 * descriptor keeps their number; the tasks fetch the real ones when they come to put their
 * descriptors in place.
 */
#pragma once

#include "engine/files/set.h"

/**
 * The first part of a path that is a number, for paths on procfs.
 * @param len  set to the length of the path up to and with it; NULL: not asked
 * @return the number; 0: none
 */
pid_t proc_path_pid(const char *path, size_t *len);

/** Dump: is it of a task of the tree (or of no task)? Refuse what is not. */
int live_proc_check(const struct dump *d, const struct open_file *f, struct error *err);

/** Is it a descriptor that has to wait for the tasks of the set? pidfd.c */
bool pidfd_is_live(const struct restore *r, const FileEntry *e);

/** Restore: mark the items that are such files. */
void live_proc_mark(struct restore *r);
/** Before the first birth: keep a number for it. @return it; -errno */
int live_proc_reserve(struct restore *r, struct file_item *item, struct error *err);
/** When all tasks exist: open them all, in the coordinator. */
int live_proc_open(struct restore *r, struct error *err);
/** In the coordinator, when all tasks exist: this is it. Takes fd. */
int live_proc_fill(struct restore *r, struct file_item *item, int fd, struct error *err);
/** In a task: all of them, from the coordinator. */
int live_proc_fetch(struct restore *r, const struct rtask *t, struct error *err);
