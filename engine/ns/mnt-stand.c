/* SPDX-License-Identifier: MIT
 * Trees whose tasks are in several mount namespaces: where whose paths mean something.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/files/file.h"
#include "engine/ns/mnt-attach.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/root.h"

int mntns_adopt(struct restore *r, pid_t builder, struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	if (!tree || tree->spaces.nr < 2)
		return 0;
	for (size_t i = 0; i < tree->spaces.nr; i++) {
		char path[48];
		snprintf(path, sizeof(path), "%d/fd/%d", builder, tree->numbers[i]);
		int fd = procfs_open(path, O_RDONLY);
		if (fd < 0)
			return error_sys(err, "open /proc/%s", path);
		fd = files_keep(r, fd, err);
		if (fd < 0)
			return fd;
		tree->spaces.items[i].fd = fd;
		if (tree->spaces.items[i].id == tree->root_ns)
			tree->standing = (int)i;
	}
	return 0;
}

static int stand(struct mnt_tree *tree, int where, struct error *err)
{
	int before = tree->standing;
	if (where == before)
		return before;
	int rc = mnt_enter(tree->spaces.items[where].fd, err);
	if (rc < 0)
		return rc;
	tree->standing = where;
	return before;
}

static int place_of(const struct mnt_tree *tree, uint32_t ns)
{
	const struct mnt_space *space = mnt_tree_space(tree, ns);
	return space ? (int)(space - tree->spaces.items) : tree->standing;
}

int mntns_stand(struct restore *r, int mnt_id, struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	if (!tree || tree->spaces.nr < 2)
		return 0;
	const struct mnt *m = mnt_id >= 0 ? mnt_tree_find(tree, (uint32_t)mnt_id) : NULL;
	return stand(tree, place_of(tree, m ? m->ns : tree->root_ns), err);
}

int mntns_stand_back(struct restore *r, int before, struct error *err)
{
	if (!r->mounts || r->mounts->spaces.nr < 2)
		return 0;
	int rc = stand(r->mounts, before, err);
	return rc < 0 ? rc : 0;
}

int mntns_join(const struct restore *r, const struct rtask *t, struct error *err)
{
	const struct mnt_tree *tree = r->mounts;
	if (!tree || tree->spaces.nr < 2 || !t->ids)
		return 0;
	const struct mnt_space *space = mnt_tree_space(tree, ns_id_of(t->ids, NS_MNT));
	return space ? mnt_enter(space->fd, err) : 0;
}

/* What a path leads to: from each mount to the one on it whose place comes first on the way. */
static const struct mnt *find_by_path(const struct mnt_tree *tree, const char *path)
{
	const struct mnt_space *space = mnt_tree_space(tree, tree->root_ns);
	const struct mnt *m = space ? space->root : NULL, *next = m;
	while (next) {
		m = next;
		next = NULL;
		for (size_t i = 0; i < tree->nr; i++) {
			const struct mnt *c = tree->items[i];
			if (c->parent == m && mnt_below(path, c->e->mountpoint) &&
			    (!next || mnt_below(next->e->mountpoint, c->e->mountpoint)))
				next = c;
		}
	}
	return m;
}

bool mntns_is_late(const struct restore *r, int mnt_id, const char *path)
{
	const struct mnt_tree *tree = r->mounts;
	const struct mnt *m = NULL;
	if (tree && mnt_id >= 0)
		m = mnt_tree_find(tree, (uint32_t)mnt_id);
	if (tree && !m && path[0] == '/')
		m = find_by_path(tree, path);
	return m && m->late;
}
