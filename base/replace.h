/* SPDX-License-Identifier: MIT
 * A file that appears under its name only when it is complete: written beside it, then renamed.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct replace {
	int fd;     /* to write to */
	char *path; /* the target, links resolved; NULL: written in place (a device, a pipe) */
	char *temp; /* beside it */
};

/** Start. A target that is no regular file is opened as it is. @return 0 or -errno. */
int replace_open(const char *path, struct replace *out, struct error *err);
/** Give it its name, with the permissions of what it replaces. */
int replace_commit(struct replace *r, struct error *err);
/** Close; an uncommitted file is removed and the target stays as it was. */
void replace_close(struct replace *r);
#define auto_replace __attribute__((cleanup(replace_close))) struct replace

/**
 * The name links lead to (a name that does not exist yet stays as it is), and one beside it as
 * mkstemp(3) wants it. @param target, temp  owned by the caller
 */
int replace_names(const char *path, char **target, char **temp, struct error *err);
/** The permissions that the umask leaves of `most`. */
mode_t mode_of_new(mode_t most);
