/* SPDX-License-Identifier: MIT
 * Directories of control groups.
 */
#include "engine/ns/cgroup-dirs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "engine/ns/cgroup-fs.h"
#include "images/message.h"

static int children_dump(int dir, const struct cgroup_kept *kept, const char *where,
			 CgroupDirEntry *e, struct error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir list = copy < 0 ? NULL : fdopendir(copy);
	if (!list) {
		fd_close(copy);
		return error_sys(err, "cgroup %s: list it", where);
	}
	int rc = 0;
	while (rc == 0) {
		errno = 0;
		const struct dirent *entry = readdir(list);
		if (!entry)
			return errno ? error_sys(err, "cgroup %s: list it", where) : 0;
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		CgroupDirEntry **grown =
		    realloc(e->children, (e->n_children + 1) * sizeof(*e->children));
		CgroupDirEntry *child = grown ? message_new(&cgroup_dir_entry__descriptor) : NULL;
		e->children = grown ? grown : e->children;
		if (!child)
			return error_set(err, ENOMEM, "out of memory");
		e->children[e->n_children++] = child;
		auto_free char *below = NULL;
		if (asprintf(&below, "%s/%s", where, entry->d_name) < 0)
			below = NULL;
		rc = below ? cgroup_dir_dump(dir, entry->d_name, kept, below, child, err)
			   : error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}

int cgroup_dir_dump(int parent, const char *dir_name, const struct cgroup_kept *kept,
		    const char *where, CgroupDirEntry *e, struct error *err)
{
	auto_fd dir =
	    openat(parent, cgroup_fs_relative(dir_name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "cgroup %s", where);
	e->dir_name = strdup(dir_name);
	if (!e->dir_name)
		return error_set(err, ENOMEM, "out of memory");
	int rc = cgroup_props_dump(dir, kept, where, e, err);
	/* what else is in the root of a hierarchy is not the tree's */
	return rc < 0 || !*dir_name ? rc : children_dump(dir, kept, where, e, err);
}

static const char *hierarchy(const struct cgroup_dirs *d, size_t controller)
{
	return d->entry->controllers[controller]->cnames[0];
}

static int roots_open(struct cgroup_dirs *d, int work_fd, struct error *err)
{
	auto_fd yard = -1;
	int rc = cgroup_yard_open(d->opts->cgroup_yard, work_fd, &yard, err);
	if (rc < 0)
		return rc;
	d->roots = calloc(d->entry->n_controllers + 1, sizeof(*d->roots));
	if (!d->roots)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < d->entry->n_controllers; i++)
		d->roots[i] = -1;
	for (size_t i = 0; i < d->entry->n_controllers; i++) {
		const CgControllerEntry *c = d->entry->controllers[i];
		auto_strbuf name = { 0 };
		for (size_t k = 0; k < c->n_cnames; k++) {
			if (strbuf_printf(&name, "%s%s", k ? "," : "", c->cnames[k]) < 0)
				return error_set(err, ENOMEM, "out of memory");
		}
		d->roots[i] = cgroup_fs_open(name.data, yard, err);
		if (d->roots[i] < 0)
			return d->roots[i];
	}
	return 0;
}

static int made_add(struct cgroup_dirs *d, size_t controller, const char *path, struct error *err)
{
	struct made_dir *made = array_add(&d->made);
	char *copy = made ? strdup(path) : NULL;
	if (!copy) {
		d->made.nr -= made != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	*made = (struct made_dir){ controller, copy };
	return 0;
}

/* Every directory on the way. */
static int path_make(struct cgroup_dirs *d, size_t controller, const char *path, struct error *err)
{
	char part[PATH_MAX];
	int rc = 0;
	for (size_t end = 0; rc == 0 && path[end]; end += path[end] == '/') {
		end += strcspn(path + end, "/");
		if (snprintf(part, sizeof(part), "%.*s", (int)end, path) >= (int)sizeof(part))
			return error_set(err, ENAMETOOLONG, "cgroup %s", path);
		bool made = mkdirat(d->roots[controller], part, 0755) == 0;
		if (!made && errno != EEXIST)
			return error_sys(err, "make cgroup %s:/%s", hierarchy(d, controller), part);
		rc = made ? made_add(d, controller, part, err) : 0;
	}
	return rc;
}

static bool is_there(int root, const char *path)
{
	return faccessat(root, cgroup_fs_relative(path), F_OK, 0) == 0;
}

/* Is it for us to write its properties? By the mode, and only if the tree had it to itself. */
static bool writes_props(const struct cgroup_dirs *d, size_t controller, const char *path)
{
	enum manage_cgroups mode = d->opts->manage_cgroups;
	if (!*path || mode == CGROUPS_NONE)
		return false;
	if (mode == CGROUPS_FULL || mode == CGROUPS_PROPS)
		return true;
	for (size_t i = 0; i < d->made.nr; i++) {
		const struct made_dir *made = &d->made.items[i];
		if (made->controller == controller && !strcmp(made->path, path))
			return true;
	}
	return false;
}

static int dir_make(struct cgroup_dirs *d, size_t controller, const char *path, struct error *err)
{
	enum manage_cgroups mode = d->opts->manage_cgroups;
	bool there = is_there(d->roots[controller], path);
	if (there && *path && mode == CGROUPS_STRICT)
		return error_set(err, EEXIST,
				 "cgroup %s:/%s is there already: remove it, or use another mode "
				 "of --manage-cgroups than strict",
				 hierarchy(d, controller), path);
	if (!there && (mode == CGROUPS_NONE || mode == CGROUPS_PROPS))
		return error_set(err, ENOENT,
				 "cgroup %s:/%s is not there: make it, or use another mode of "
				 "--manage-cgroups than none and props",
				 hierarchy(d, controller), path);
	return there ? 0 : path_make(d, controller, path, err);
}

struct dir_walk {
	struct cgroup_dirs *dirs;
	size_t controller;
	bool make;
	enum cgroup_prop_when when;
};

static int dir_props(const struct dir_walk *w, const char *path, const CgroupDirEntry *e,
		     struct error *err)
{
	auto_free char *where = NULL;
	if (!writes_props(w->dirs, w->controller, path))
		return 0;
	if (asprintf(&where, "%s:/%s", hierarchy(w->dirs, w->controller), path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	auto_fd dir = openat(w->dirs->roots[w->controller], cgroup_fs_relative(path),
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "cgroup %s", where);
	return cgroup_props_restore(dir, where, e, w->when, err);
}

static int dir_walk(const struct dir_walk *w, const char *path, const CgroupDirEntry *e,
		    struct error *err)
{
	int rc = w->make ? dir_make(w->dirs, w->controller, path, err) : 0;
	if (rc == 0)
		rc = dir_props(w, path, e, err);
	for (size_t i = 0; rc == 0 && i < e->n_children; i++) {
		const char *name = e->children[i]->dir_name;
		auto_free char *below = NULL;
		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", name) < 0)
			return error_set(err, ENOMEM, "out of memory");
		rc = dir_walk(w, below, e->children[i], err);
	}
	return rc;
}

static int all_dirs(struct cgroup_dirs *d, bool make, enum cgroup_prop_when when, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->entry->n_controllers; i++) {
		const CgControllerEntry *c = d->entry->controllers[i];
		const struct dir_walk walk = { d, i, make, when };
		for (size_t k = 0; rc == 0 && k < c->n_dirs; k++)
			rc = dir_walk(&walk, c->dirs[k]->dir_name, c->dirs[k], err);
	}
	return rc;
}

int cgroup_dirs_make(struct cgroup_dirs *d, int work_fd, struct error *err)
{
	int rc = roots_open(d, work_fd, err);
	return rc < 0 ? rc : all_dirs(d, true, CGROUP_PROP_FIRST, err);
}

int cgroup_dirs_set(struct cgroup_dirs *d, enum cgroup_prop_when when, struct error *err)
{
	return all_dirs(d, false, when, err);
}

void cgroup_dirs_undo(struct cgroup_dirs *d)
{
	while (d->made.nr > 0) {
		const struct made_dir *made = &d->made.items[--d->made.nr];
		if (unlinkat(d->roots[made->controller], made->path, AT_REMOVEDIR) < 0)
			log_warn("remove cgroup %s:/%s: %m", hierarchy(d, made->controller),
				 made->path);
		free(made->path);
	}
}

void cgroup_dirs_fini(struct cgroup_dirs *d)
{
	for (size_t i = 0; d->roots && i < d->entry->n_controllers; i++)
		fd_close(d->roots[i]);
	for (size_t i = 0; i < d->made.nr; i++)
		free(d->made.items[i].path);
	free(d->made.items);
	free(d->roots);
}
