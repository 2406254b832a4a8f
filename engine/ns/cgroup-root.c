/* SPDX-License-Identifier: MIT
 * Other roots for control groups.
 */
#include "engine/ns/cgroup-root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cgroup_roots_check(const struct options *opts, struct error *err)
{
	for (size_t i = 0; i < opts->cgroup_roots.nr; i++) {
		const char *text = opts->cgroup_roots.items[i];
		const char *path = strchr(text, ':');
		if (*text != '/' && (!path || path[1] != '/'))
			return error_set(err, EINVAL,
					 "--cgroup-root: %s is neither /PATH nor HIERARCHY:/PATH",
					 text);
	}
	return 0;
}

const char *cgroup_root_of(const struct options *opts, char *const *names, size_t nr)
{
	const char *any = NULL;
	for (size_t i = 0; i < opts->cgroup_roots.nr; i++) {
		const char *text = opts->cgroup_roots.items[i];
		const char *colon = *text == '/' ? NULL : strchr(text, ':');
		if (!colon) {
			any = text;
			continue;
		}
		for (size_t k = 0; k < nr; k++) {
			if (strlen(names[k]) == (size_t)(colon - text) &&
			    !strncmp(names[k], text, (size_t)(colon - text)))
				return colon + 1;
		}
	}
	return any;
}

bool cgroup_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return len == 0 || (!strncmp(path, dir, len) && (!path[len] || path[len] == '/'));
}

bool cgroup_has_controller(const CgControllerEntry *c, const char *name)
{
	for (size_t i = 0; i < c->n_cnames; i++) {
		size_t len = strlen(c->cnames[i]);
		if (!strncmp(name, c->cnames[i], len) && (!name[len] || name[len] == ',') &&
		    (len || !*name))
			return true;
	}
	return false;
}

/* Restore. */

static char *path_below(const char *root, const char *rest)
{
	char *out;
	size_t len = strlen(root);
	while (len && root[len - 1] == '/')
		len--;
	return asprintf(&out, "%.*s%s", (int)len, root, rest) < 0 ? NULL : out;
}

static int member_rewrite(CgMemberEntry *m, const CgroupDirEntry *dir, const char *root)
{
	const char *rest = m->path + 1 + strlen(dir->dir_name);
	char *path = path_below(root, *dir->dir_name || !*rest ? rest : m->path);
	if (!path)
		return -ENOMEM;
	/* what is below the root of the namespace stays as it is; one that was above what is
	 * replaced begins there now */
	size_t below = strlen(m->path) - m->cgns_prefix;
	below = below < strlen(rest) ? below : strlen(rest);
	m->cgns_prefix = (uint32_t)(strlen(path) - below);
	free(m->path);
	m->path = path;
	return 0;
}

/* The one that is nearest above a group, or is it. @return NULL: none is */
static CgroupDirEntry *dir_of(const CgControllerEntry *c, const CgMemberEntry *m)
{
	CgroupDirEntry *found = NULL;
	for (size_t i = 0; i < c->n_dirs; i++) {
		CgroupDirEntry *dir = c->dirs[i];
		if (cgroup_is_below(m->path + 1, dir->dir_name) &&
		    (!found || strlen(dir->dir_name) > strlen(found->dir_name)))
			found = dir;
	}
	return found;
}

static bool has_members(const CgroupEntry *e, const CgControllerEntry *c, const CgroupDirEntry *dir)
{
	for (size_t i = 0; i < e->n_sets; i++) {
		const CgSetEntry *set = e->sets[i];
		for (size_t k = 0; k < set->n_ctls; k++)
			if (cgroup_has_controller(c, set->ctls[k]->name) &&
			    dir_of(c, set->ctls[k]) == dir)
				return true;
	}
	return false;
}

/* Where none of the tree was is not to be what the new root is. */
static void dirs_prune(const CgroupEntry *e, CgControllerEntry *c)
{
	for (size_t i = c->n_dirs; i-- > 0;) {
		CgroupDirEntry *dir = c->dirs[i];
		if (has_members(e, c, dir))
			continue;
		cgroup_dir_entry__free_unpacked(dir, NULL);
		c->n_dirs--;
		memmove(&c->dirs[i], &c->dirs[i + 1], (c->n_dirs - i) * sizeof(CgroupDirEntry *));
	}
}

static int members_rewrite(CgMemberEntry **members, size_t nr, const CgControllerEntry *c,
			   const char *root)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const CgroupDirEntry *dir = dir_of(c, members[i]);
		if (dir && cgroup_has_controller(c, members[i]->name))
			rc = member_rewrite(members[i], dir, root);
	}
	return rc;
}

/* Everything that was in one of the directories or below goes to `root`. */
static int controller_rewrite(CgroupEntry *e, CgControllerEntry *c, const char *root)
{
	int rc = 0;
	dirs_prune(e, c);
	for (size_t i = 0; rc == 0 && i < e->n_sets; i++)
		rc = members_rewrite(e->sets[i]->ctls, e->sets[i]->n_ctls, c, root);
	for (size_t i = 0; rc == 0 && i < e->n_namespaces; i++)
		rc = members_rewrite(e->namespaces[i]->roots, e->namespaces[i]->n_roots, c, root);
	for (size_t i = 0; rc == 0 && i < c->n_dirs; i++) {
		char *name = strdup(root + strspn(root, "/"));
		if (!name)
			return -ENOMEM;
		free(c->dirs[i]->dir_name);
		c->dirs[i]->dir_name = name;
	}
	return rc;
}

int cgroup_roots_rewrite(const struct options *opts, CgroupEntry *e, struct error *err)
{
	int rc = cgroup_roots_check(opts, err);
	for (size_t i = 0; rc == 0 && i < e->n_controllers; i++) {
		CgControllerEntry *c = e->controllers[i];
		const char *root = cgroup_root_of(opts, c->cnames, c->n_cnames);
		if (root && controller_rewrite(e, c, root) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}
