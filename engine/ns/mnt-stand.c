/* SPDX-License-Identifier: MIT
 * Trees whose tasks are in several mount namespaces: where whose paths mean something.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/ns/mnt-attach.h"
#include "engine/ns/mnt-cover.h"
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

static int enter_space(struct mnt_tree *tree, int where, struct error *err)
{
	if (where == tree->standing)
		return 0;
	int rc = mnt_enter(tree->spaces.items[where].fd, err);
	if (rc == 0)
		tree->standing = where;
	return rc;
}

/* Out of the way, onto the root, where nobody goes. Nothing is shared yet, and no task runs. */
static int move_away(struct mnt_tree *tree, const struct mnt *m, struct error *err)
{
	auto_fd fd = open(m->e->mountpoint, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_sys(err, "move %s away for a moment", m->e->mountpoint);
	struct mnt_moved *moved = array_add(&tree->moved);
	if (!moved)
		return error_set(err, ENOMEM, "out of memory");
	*moved = (struct mnt_moved){ .m = m, .fd = take_fd(fd) };
	return 0;
}

static int move_back(struct mnt_tree *tree, struct error *err)
{
	struct mnt_moved moved = tree->moved.items[--tree->moved.nr];
	int rc = 0;
	if (move_mount(moved.fd, "", AT_FDCWD, moved.m->e->mountpoint, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		rc = error_sys(err, "move %s back", moved.m->e->mountpoint);
	close(moved.fd);
	return rc;
}

static bool is_away(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->moved.nr; i++)
		if (tree->moved.items[i].m == m)
			return true;
	return m->late && !tree->finished;
}

static int uncover(struct mnt_tree *tree, const struct mnt *m, const char *path, struct error *err)
{
	auto_covers covers = { 0 };
	if (!mnt_below(path, m->e->mountpoint))
		return 0;
	int rc = mnt_covers_find(tree, m, path, &covers, err);
	for (size_t i = 0; rc == 0 && i < covers.nr; i++)
		rc = is_away(tree, covers.items[i]) ? 0 : move_away(tree, covers.items[i], err);
	return rc;
}

int mntns_stand(struct restore *r, int mnt_id, const char *path, struct mnt_standing *back,
		struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	if (!tree)
		return 0;
	*back = (struct mnt_standing){ tree->standing, tree->moved.nr, { UINT32_MAX, UINT32_MAX } };
	const struct mnt *m = mnt_id >= 0 ? mnt_tree_find(tree, (uint32_t)mnt_id) : NULL;
	const struct mnt_space *space = mnt_tree_space(tree, m ? m->ns : tree->root_ns);
	int rc = space ? enter_space(tree, (int)(space - tree->spaces.items), err) : 0;
	if (rc == 0 && m)
		rc = uncover(tree, m, path, err);
	if (rc == 0 && m)
		rc = userns_files_as_owner(r, m->source->of->e->user_ns, back->as, err);
	if (rc < 0)
		mntns_stand_back(r, back, NULL);
	return rc;
}

int mntns_stand_back(struct restore *r, struct mnt_standing *back, struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	int rc = 0;
	if (tree)
		userns_files_as(back->as);
	while (rc == 0 && tree && tree->moved.nr > back->moved)
		rc = move_back(tree, err);
	return rc < 0 || !tree ? rc : enter_space(tree, back->before, err);
}

bool mntns_translate(const struct restore *r, int from, const char *path, int to, char *out)
{
	const struct mnt_tree *tree = r->mounts;
	const struct mnt *a = tree && from >= 0 ? mnt_tree_find(tree, (uint32_t)from) : NULL;
	const struct mnt *b = tree && to >= 0 ? mnt_tree_find(tree, (uint32_t)to) : NULL;
	char inside[2 * PATH_MAX];
	if (a == b || !a || !b) {
		snprintf(out, PATH_MAX, "%s", path);
		return a == b || !tree || tree->spaces.nr < 2;
	}
	const char *rest = mnt_below(path, a->e->mountpoint);
	if (!rest || a->e->root_dev != b->e->root_dev)
		return false;
	snprintf(inside, sizeof(inside), "%s%s%s", mnt_is_fs_root(a) ? "" : a->e->root,
		 *rest || mnt_is_fs_root(a) ? "/" : "", rest);
	rest = mnt_below(inside, b->e->root);
	if (!rest)
		return false;
	const char *place = b->e->mountpoint[1] ? b->e->mountpoint : "";
	return snprintf(out, PATH_MAX, "%s%s%s", place, *rest || !*place ? "/" : "", rest) <
	       PATH_MAX;
}

int mntns_of_same(const struct restore *r, int mnt_id, size_t *at)
{
	const struct mnt_tree *tree = r->mounts;
	const struct mnt *m = tree && mnt_id >= 0 ? mnt_tree_find(tree, (uint32_t)mnt_id) : NULL;
	while (m && *at < tree->nr) {
		const MntEntry *e = tree->items[(*at)++]->e;
		if (e->root_dev == m->e->root_dev)
			return (int)e->mnt_id;
	}
	return -1;
}

/* @return NULL: there is no other than that of the root */
static const struct mnt_space *find_nested(const struct restore *r, uint32_t id)
{
	const struct mnt_tree *tree = r->mounts;
	return tree && tree->spaces.nr > 1 ? mnt_tree_space(tree, id) : NULL;
}

bool mntns_is_nested(const struct restore *r, uint32_t id)
{
	return find_nested(r, id) != NULL;
}

int mntns_open_again(const struct restore *r, uint32_t id, int flags, struct error *err)
{
	const struct mnt_space *space = find_nested(r, id);
	if (!space)
		return error_set(err, EBADMSG, "mount namespace %u is not there", id);
	int fd = procfs_reopen(space->fd, flags);
	return fd < 0 ? error_sys(err, "open mount namespace %u", id) : fd;
}

int mntns_enter_own(const struct restore *r, const struct rtask *t, struct error *err)
{
	const struct mnt_space *space = t->ids ? find_nested(r, ns_id_of(t->ids, NS_MNT)) : NULL;
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
