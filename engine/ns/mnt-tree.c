/* SPDX-License-Identifier: MIT
 * The tree of mounts: who is on whom.
 */
#include "engine/ns/mnt-tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/ns/mnt-autofs.h"

struct mnt_tree *mnt_tree_new(void)
{
	struct mnt_tree *tree = calloc(1, sizeof(*tree));
	if (tree)
		tree->workshop = tree->yard = -1;
	return tree;
}

static void mnt_free(struct mnt *m)
{
	if (!m)
		return;
	if (m->e)
		mnt_entry__free_unpacked(m->e, NULL);
	fd_close(m->fd);
	fd_close(m->place);
	free(m->type);
	free(m);
}

void mnt_tree_free(struct mnt_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->nr; i++)
		mnt_free(tree->items[i]);
	for (size_t i = 0; i < tree->spaces.nr; i++)
		fd_close(tree->spaces.items[i].fd);
	for (size_t i = 0; i < tree->sources.nr; i++) {
		fd_close(tree->sources.items[i]->fd);
		istream_close(tree->sources.items[i]->content);
		free(tree->sources.items[i]);
	}
	for (size_t i = 0; i < tree->groups.nr; i++) {
		fd_close(tree->groups.items[i]->fd);
		free(tree->groups.items[i]);
	}
	if (tree->inits)
		munmap(tree->inits, (tree->sources.nr + 1) * sizeof(int));
	if (tree->numbers)
		munmap(tree->numbers, tree->spaces.nr * sizeof(int));
	autofs_set_free(tree->autofs);
	fd_close(tree->workshop);
	fd_close(tree->yard);
	for (size_t i = 0; i < tree->moved.nr; i++)
		fd_close(tree->moved.items[i].fd);
	free(tree->moved.items);
	free(tree->order);
	free(tree->items);
	free(tree->spaces.items);
	free(tree->sources.items);
	free(tree->groups.items);
	free(tree);
}

static bool has_dots(const char *path)
{
	for (const char *p = path; (p = strchr(p, '/')) != NULL;) {
		p++;
		size_t len = strcspn(p, "/");
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return true;
	}
	return false;
}

/* Paths the kernel writes: absolute, nothing twice, no dots. */
static bool is_plain(const char *path)
{
	size_t len = strlen(path);
	if (path[0] != '/' || len >= PATH_MAX || strstr(path, "//") || has_dots(path))
		return false;
	return len == 1 || path[len - 1] != '/';
}

static int check_entry(const MntEntry *e, struct error *err)
{
	if (!is_plain(e->mountpoint))
		return error_set(err, EBADMSG, "mount %u: its place \"%.200s\" is no plain path",
				 e->mnt_id, e->mountpoint);
	/* "net:[4026531840]" is one, too */
	if (e->root[0] == '/' && !is_plain(e->root))
		return error_set(
		    err, EBADMSG, "mount %u (%s): its root \"%.200s\" is no plain path%s",
		    e->mnt_id, e->mountpoint, e->root,
		    has_dots(e->root)
			? ": it is of a cgroup above the root of the cgroup namespace; "
			  "unmount it, or leave it out by --skip-mnt, before the dump"
			: "");
	return 0;
}

int mnt_tree_add(struct mnt_tree *tree, uint32_t ns, MntEntry *e, struct error *err)
{
	struct mnt *m = calloc(1, sizeof(*m));
	if (!m) {
		mnt_entry__free_unpacked(e, NULL);
		return error_set(err, ENOMEM, "out of memory");
	}
	*m = (struct mnt){ .e = e, .ns = ns, .fd = -1, .place = -1 };
	m->fs = mnt_fs_by_code(e->fstype);
	struct mnt **slot = array_add(tree);
	if (!slot) {
		mnt_free(m);
		return error_set(err, ENOMEM, "out of memory");
	}
	*slot = m;
	return check_entry(e, err);
}

struct mnt_space *mnt_tree_space(const struct mnt_tree *tree, uint32_t ns)
{
	for (size_t i = 0; i < tree->spaces.nr; i++)
		if (tree->spaces.items[i].id == ns)
			return &tree->spaces.items[i];
	return NULL;
}

const struct mnt *mnt_tree_find(const struct mnt_tree *tree, uint32_t mnt_id)
{
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->items[i]->e->mnt_id == mnt_id)
			return tree->items[i];
	return NULL;
}

const char *mnt_below(const char *path, const char *base)
{
	size_t len = strcmp(base, "/") != 0 ? strlen(base) : 0;
	if (strncmp(path, base, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

const char *mnt_name(const struct mnt *m, char buf[MNT_NAME_MAX])
{
	const char *type = m->type ? m->type : m->fs->name ? m->fs->name : m->e->fsname;
	snprintf(buf, MNT_NAME_MAX, "mount %.300s (%s%.100s%s%.50s)", m->e->mountpoint,
		 type ? "" : "from ", type ? type : m->e->source,
		 mnt_is_fs_root(m) ? "" : ", only ", mnt_is_fs_root(m) ? "" : m->e->root);
	return buf;
}

static struct mnt *find_parent(const struct mnt_tree *tree, const struct mnt *m)
{
	if (m->e->parent_mnt_id == m->e->mnt_id)
		return NULL;
	for (size_t i = 0; i < tree->nr; i++) {
		struct mnt *p = tree->items[i];
		if (p->ns == m->ns && p->e->mnt_id == m->e->parent_mnt_id)
			return p;
	}
	return NULL;
}

static int add_root(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	const struct mnt_space *other = mnt_tree_space(tree, m->ns);
	if (other || strcmp(m->e->mountpoint, "/") != 0)
		return error_set(err, EBADMSG, "%s: what it is mounted on, mount %u, is missing",
				 mnt_name(m, name), m->e->parent_mnt_id);
	struct mnt_space *space = array_add(&tree->spaces);
	if (!space)
		return error_set(err, ENOMEM, "out of memory");
	*space = (struct mnt_space){ .id = m->ns, .root = m, .fd = -1 };
	return 0;
}

static int count_depth(const struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	m->depth = 0;
	for (const struct mnt *p = m->parent; p; p = p->parent)
		if (m->depth++ > tree->nr)
			return error_set(err, EBADMSG, "%s is mounted on itself",
					 mnt_name(m, name));
	if (m->parent && !mnt_place(m))
		return error_set(err, EBADMSG, "%s is not below what it is mounted on, %s",
				 mnt_name(m, name), m->parent->e->mountpoint);
	return 0;
}

/* Where two mounts have one number, nobody could tell whose children there are. */
static int check_twice(const struct mnt_tree *tree, size_t i, struct error *err)
{
	const struct mnt *m = tree->items[i];
	for (size_t k = 0; k < i; k++) {
		const struct mnt *other = tree->items[k];
		if (other->e->mnt_id == m->e->mnt_id)
			return error_set(err, EBADMSG, "two mounts have the number %u: %s and %s",
					 m->e->mnt_id, other->e->mountpoint, m->e->mountpoint);
		if (m->parent && other->parent == m->parent &&
		    !strcmp(other->e->mountpoint, m->e->mountpoint))
			return error_set(err, ENOTSUP,
					 "two mounts, %u and %u, are on one place of the same "
					 "mount: %s; which one is on top cannot be known",
					 other->e->mnt_id, m->e->mnt_id, m->e->mountpoint);
	}
	return 0;
}

int mnt_tree_link(struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *m = tree->items[i];
		m->parent = find_parent(tree, m);
		rc = m->parent ? 0 : add_root(tree, m, err);
	}
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		rc = count_depth(tree, tree->items[i], err);
		if (rc == 0)
			rc = check_twice(tree, i, err);
	}
	return rc;
}
