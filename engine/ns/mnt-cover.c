/* SPDX-License-Identifier: MIT
 * Mounts that hide others.
 */
#include "engine/ns/mnt-cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/array.h"

static bool is_listed(const struct mnt_covers *covers, const struct mnt *m)
{
	for (size_t i = 0; i < covers->nr; i++)
		if (covers->items[i] == m)
			return true;
	return false;
}

/* What is mounted on the very root of a mount. */
static const struct mnt *find_lid(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->items[i]->parent == m && !*mnt_place(tree->items[i]))
			return tree->items[i];
	return NULL;
}

/* One, after those that are stacked on it. */
static int list(const struct mnt_tree *tree, const struct mnt *m, struct mnt_covers *out,
		struct error *err)
{
	size_t first = out->nr;
	for (const struct mnt *at = m; at; at = find_lid(tree, at)) {
		const struct mnt **slot = array_add(out);
		if (!slot)
			return error_set(err, ENOMEM, "out of memory");
		memmove(&out->items[first + 1], &out->items[first],
			(out->nr - first - 1) * sizeof(*out->items));
		out->items[first] = at;
	}
	return 0;
}

/* Those on one mount whose place is on the way to a path, the first on the way first. */
static int list_on(const struct mnt_tree *tree, const struct mnt *on, const struct mnt *but,
		   const char *path, struct mnt_covers *out, struct error *err)
{
	for (;;) {
		const struct mnt *next = NULL;
		for (size_t i = 0; i < tree->nr; i++) {
			const struct mnt *c = tree->items[i];
			if (c == but)
				continue;
			if (c->parent != on || is_listed(out, c) ||
			    !mnt_below(path, c->e->mountpoint))
				continue;
			if (!next || mnt_below(next->e->mountpoint, c->e->mountpoint))
				next = c;
		}
		if (!next)
			return 0;
		int rc = list(tree, next, out, err);
		if (rc < 0)
			return rc;
	}
}

int mnt_covers_find(const struct mnt_tree *tree, const struct mnt *m, const char *path,
		    struct mnt_covers *out, struct error *err)
{
	int rc = 0;
	/* from the root down, so that each place can be seen when its turn comes */
	for (unsigned depth = 0; rc == 0 && depth < m->depth; depth++) {
		const struct mnt *below = m;
		while (below->depth > depth + 1)
			below = below->parent;
		rc = list_on(tree, below->parent, below, below->e->mountpoint, out, err);
	}
	return rc < 0 ? rc : list_on(tree, m, NULL, path, out, err);
}

void mnt_covers_fini(struct mnt_covers *covers)
{
	free(covers->items);
	*covers = (struct mnt_covers){ 0 };
}

int mnt_covers_drop(const struct mnt_covers *covers, struct error *err)
{
	for (size_t i = 0; i < covers->nr; i++) {
		const char *place = covers->items[i]->e->mountpoint;
		if (umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_sys(err, "take off %s", place);
	}
	return 0;
}
