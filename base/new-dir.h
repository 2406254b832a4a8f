/* SPDX-License-Identifier: MIT
 * A directory that appears under its name only when it is complete: filled beside it, then
 * renamed, or exchanged with the one that is there.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/** A directory and all that is in it. @return 0; -1 with errno set */
int remove_tree(const char *path);

/** Is nothing in it? @return 1, 0 or -errno */
int dir_is_empty(int dirfd, const char *path);

struct new_dir {
	int fd;     /* to make files in */
	char *path; /* the target */
	char *temp; /* beside it; NULL once it has its name */
	bool replaces;
};

/**
 * Start.
 * @param replace  there is a directory of this name, whose place and permissions the new one
 *                 takes; else there must be none, or an empty one
 * @return 0; -EEXIST; -errno
 */
int new_dir_open(const char *path, bool replace, struct new_dir *out, struct error *err);
/** Give it its name (temp is NULL then, also when what it replaces could not be removed). */
int new_dir_commit(struct new_dir *dir, struct error *err);
/** Close; one without its name is removed with all that is in it. */
void new_dir_close(struct new_dir *dir);
#define auto_new_dir __attribute__((cleanup(new_dir_close))) struct new_dir
