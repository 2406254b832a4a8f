/* SPDX-License-Identifier: MIT
 * Names that exist for a moment only.
 */
#include "engine/files/passing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

#define CHOICES 1000
#define TRIES   2

static int remove_name(const char *path, bool dir)
{
	return unlinkat(AT_FDCWD, path, dir ? AT_REMOVEDIR : 0);
}

int passing_note(struct passing_names *names, const char *path, bool dir, struct error *err)
{
	char *copy = strdup(path);
	struct passing_name *name = copy ? array_add(names) : NULL;
	if (!name) {
		free(copy);
		remove_name(path, dir);
		return error_set(err, ENOMEM, "out of memory");
	}
	*name = (struct passing_name){ .path = copy, .dir = dir };
	return 0;
}

int passing_parents(struct passing_names *names, const char *path, struct error *err)
{
	char part[PATH_MAX];
	if (strlen(path) >= sizeof(part))
		return error_set(err, ENAMETOOLONG, "%.100s…", path);
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) == 0) {
			int rc = passing_note(names, part, true, err);
			if (rc < 0)
				return rc;
		} else if (errno != EEXIST) {
			return error_sys(err, "%s is gone and cannot be made for a moment", part);
		}
	}
	return 0;
}

int passing_choose(const char *wanted, char *out, struct error *err)
{
	struct stat st;
	int len = snprintf(out, PATH_MAX, "%s", wanted);
	for (int i = 0; len < PATH_MAX && i < CHOICES; i++) {
		if (lstat(out, &st) < 0)
			return errno == ENOENT ? 0 : error_sys(err, "stat %s", out);
		len = snprintf(out, PATH_MAX, "%s.%d.%d", wanted, getpid(), i);
	}
	return error_set(
	    err, EEXIST,
	    "%s: another file has this name now, and there is no other: move that away", wanted);
}

/* What a file system over the network refuses once it may do when it is asked again. */
static int remove_surely(const struct passing_name *name, struct error *err)
{
	for (int try = 0; try < TRIES; try++)
		if (remove_name(name->path, name->dir) == 0 || errno == ENOENT)
			return 0;
	return error_sys(err, "cannot remove %s again: do that", name->path);
}

int passing_remove(struct passing_names *names, struct error *err)
{
	int rc = 0;
	while (names->nr) {
		struct passing_name *name = &names->items[--names->nr];
		int gone = remove_surely(name, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : gone;
		free(name->path);
	}
	free(names->items);
	*names = (struct passing_names){ 0 };
	return rc;
}
