/* SPDX-License-Identifier: MIT
 * An autofs as a directory. Going into one of its directories asks the daemon, which stands still;
 * a descriptor that stands for a path (O_PATH) does not, nor does "." from there.
 */
#include "engine/ns/mnt-names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "images/message.h"

#define DEPTH_MAX 40

static int add(AutofsEntry *e, const char *path, mode_t mode, const char *target, struct error *err)
{
	AutofsName *name = message_new(&autofs_name__descriptor);
	AutofsName **more = realloc(e->names, (e->n_names + 1) * sizeof(*more));
	if (more)
		e->names = more;
	if (!name || !more) {
		free(name);
		return error_set(err, ENOMEM, "out of memory");
	}
	e->names[e->n_names++] = name;
	name->path = strdup(path);
	name->has_mode = true;
	name->mode = mode & 07777;
	name->target = target ? strdup(target) : NULL;
	if (!name->path || (target && !name->target))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int collect_dir(int dir, const char *path, unsigned depth, AutofsEntry *e,
		       struct error *err);

static int collect_one(int dir, const char *name, const char *path, unsigned depth, AutofsEntry *e,
		       struct error *err)
{
	char target[PATH_MAX] = "";
	struct stat st;
	auto_fd fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", path);
	if (S_ISLNK(st.st_mode) && readlinkat(fd, "", target, sizeof(target) - 1) < 0)
		return error_sys(err, "read the link %s", path);
	int rc = add(e, path, st.st_mode, S_ISLNK(st.st_mode) ? target : NULL, err);
	return rc < 0 || !S_ISDIR(st.st_mode) ? rc : collect_dir(fd, path, depth, e, err);
}

static int collect_dir(int dir, const char *path, unsigned depth, AutofsEntry *e, struct error *err)
{
	char below[PATH_MAX];
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	if (own < 0 && errno == ENOENT) /* what an empty one says */
		return 0;
	auto_dir list = own < 0 ? NULL : fdopendir(own);
	if (!list || depth > DEPTH_MAX)
		return error_sys(err, "read the directory /%s", path);
	struct dirent *de;
	while (rc == 0 && (de = readdir(list)) != NULL) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", de->d_name) >=
		    (int)sizeof(below))
			return error_set(err, ENAMETOOLONG, "%s/%s", path, de->d_name);
		rc = collect_one(own, de->d_name, below, depth + 1, e, err);
	}
	return rc;
}

int mnt_names_collect(int dir, AutofsEntry *e, struct error *err)
{
	return collect_dir(dir, "", 0, e, err);
}

/* Restore. */

/* No way leads out of where it is to be. */
static bool is_inside(const char *path)
{
	for (size_t len; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (!len || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
	}
	return true;
}

int mnt_names_check(const AutofsEntry *e, struct error *err)
{
	for (size_t i = 0; i < e->n_names; i++)
		if (!*e->names[i]->path || !is_inside(e->names[i]->path))
			return error_set(err, EBADMSG, "a name in it is \"%.200s\"",
					 e->names[i]->path);
	return 0;
}

static int make_one(int dir, const AutofsName *name, struct error *err)
{
	mode_t mode = name->has_mode ? name->mode & 07777 : 0755;
	int rc = name->target ? symlinkat(name->target, dir, name->path)
			      : mkdirat(dir, name->path, mode);
	return rc < 0 && errno != EEXIST ? error_sys(err, "make %s", name->path) : 0;
}

/* What something is mounted on: images of CRIU do not have it by itself. */
static int make_way(int dir, char *path, struct error *err)
{
	for (char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		AutofsName name = { .path = path };
		int rc = make_one(dir, &name, err);
		if (rc < 0 || !slash)
			return rc;
		*slash = '/';
	}
}

int mnt_names_make(const struct mnt_tree *tree, const struct mnt_source *s, const AutofsEntry *e,
		   int dir, struct error *err)
{
	char way[2 * PATH_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->n_names; i++)
		rc = make_one(dir, e->names[i], err);
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		const struct mnt *m = tree->items[i], *on = m->parent;
		if (!on || on->source != s)
			continue;
		const char *inside = on->e->root + 1, *place = mnt_place(m);
		snprintf(way, sizeof(way), "%s%s%s", inside, *inside && *place ? "/" : "", place);
		rc = *way ? make_way(dir, way, err) : 0;
	}
	return rc;
}
