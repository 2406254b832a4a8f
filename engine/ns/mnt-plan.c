/* SPDX-License-Identifier: MIT
 * What each mount is cut out of, and the order of propagation groups.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/kernel-dev.h"
#include "engine/ns/mnt-tree.h"

static bool is_device_external(const struct mnt *m)
{
	return m->e->ext_key && !strcmp(m->e->ext_key, MNT_KEY_DEVICE);
}

static bool is_external(const struct mnt *m)
{
	return m->e->ext_key && !is_device_external(m);
}

static bool is_tree_root(const struct mnt_tree *tree, const struct mnt *m)
{
	return !m->parent && m->ns == tree->root_ns;
}

static struct mnt_source *add_source(struct mnt_tree *tree, enum mnt_source_kind kind,
				     const struct mnt *of)
{
	struct mnt_source *s = calloc(1, sizeof(*s));
	struct mnt_source **slot = s ? array_add(&tree->sources) : NULL;
	if (!slot) {
		free(s);
		return NULL;
	}
	*s = (struct mnt_source){ .kind = kind, .of = of, .root = of->e->root, .fd = -1 };
	s->space = -1;
	if (kind == MNT_FROM_NEW) {
		s->root = of->fs->traits & FS_FILE ? of->e->root : "/";
		s->inside = of->fs->traits & FS_INSIDE;
	}
	*slot = s;
	return s;
}

/* The one that has most of the way to the root already. */
static struct mnt_source *find_source(const struct mnt_tree *tree, const struct mnt *m)
{
	struct mnt_source *best = NULL;
	for (size_t i = 0; i < tree->sources.nr; i++) {
		struct mnt_source *s = tree->sources.items[i];
		if (s->of->e->root_dev != m->e->root_dev || !mnt_below(m->e->root, s->root))
			continue;
		if (!best || strlen(s->root) > strlen(best->root))
			best = s;
	}
	return best;
}

static bool can_be_new(const struct mnt *m)
{
	return m->fs->code != FSTYPE__UNSUPPORTED && !is_external(m) &&
	       (mnt_is_fs_root(m) || (m->fs->traits & FS_FILE));
}

/* A mount of the whole of that file system, from which a new one is made. */
static const struct mnt *find_whole(const struct mnt_tree *tree, const struct mnt *m)
{
	if (can_be_new(m))
		return m;
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *other = tree->items[i];
		if (other->e->root_dev == m->e->root_dev && can_be_new(other))
			return other;
	}
	return m->fs->traits & FS_VIRTUAL ? m : NULL;
}

static int refuse(const struct mnt_tree *tree, const struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX], more[200] = "";
	dev_t dev = kernel_dev_decode(m->e->root_dev);
	const char *place = m->e->mountpoint;
	const char *why = mnt_is_fs_root(m) || m->fs->code == FSTYPE__UNSUPPORTED
			      ? "such file systems are not carried"
			      : "the whole of that file system is mounted nowhere in the tree";
	mnt_name(m, name);
	if (m->ns != tree->root_ns)
		return error_set(err, ENOTSUP,
				 "%s, in a mount namespace inside of the tree's: %s; only those of "
				 "the first one can be external",
				 name, why);
	if (major(dev) && mnt_is_fs_root(m))
		snprintf(more, sizeof(more), ", or --external dev[%u/%u]:NAME, or --enable-fs TYPE",
			 major(dev), minor(dev));
	return error_set(err, ENOTSUP,
			 "%s: %s: pass --external mnt[%.200s]:NAME (and --external "
			 "mnt[NAME]:SOURCE at the restore)%s, or leave it out by --skip-mnt %.200s",
			 name, why, place, more, place);
}

static int plan_one(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	m->source = find_source(tree, m);
	if (m->source)
		return 0;
	const struct mnt *whole = find_whole(tree, m);
	if (!whole)
		return refuse(tree, m, err);
	m->source = add_source(tree, MNT_FROM_NEW, whole);
	if (!m->source)
		return error_set(err, ENOMEM, "out of memory");
	m->source->late =
	    whole->e->has_pid_ns || (tree->late_pids && (whole->fs->traits & FS_PIDS));
	return 0;
}

/* A terminal of it is there only while its pair is open. */
static bool is_terminal(const struct mnt *m)
{
	return m->fs->code == FSTYPE__DEVPTS && isdigit((unsigned char)m->e->root[1]);
}

static int by_depth(const void *a, const void *b)
{
	const struct mnt *const *x = a, *const *y = b;
	if ((*x)->depth != (*y)->depth)
		return (*x)->depth < (*y)->depth ? -1 : 1;
	return (*x)->e->mnt_id < (*y)->e->mnt_id ? -1 : 1;
}

static int plan_sources(struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; i < tree->nr; i++) {
		struct mnt *m = tree->items[i];
		if (!is_tree_root(tree, m) && !is_external(m))
			continue;
		m->source = add_source(tree, is_external(m) ? MNT_FROM_EXTERNAL : MNT_FROM_ROOT, m);
		if (!m->source)
			return error_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		rc = tree->items[i]->source ? 0 : plan_one(tree, tree->items[i], err);
	return rc;
}

static struct mnt_group *find_group(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->groups.nr; i++) {
		struct mnt_group *g = tree->groups.items[i];
		if (g->shared == m->e->shared_id && g->master == m->e->master_id)
			return g;
	}
	return NULL;
}

static struct mnt_group *add_group(struct mnt_tree *tree, const struct mnt *m)
{
	struct mnt_group *g = calloc(1, sizeof(*g));
	struct mnt_group **slot = g ? array_add(&tree->groups) : NULL;
	if (!slot) {
		free(g);
		return NULL;
	}
	*g = (struct mnt_group){ .shared = m->e->shared_id, .master = m->e->master_id, .fd = -1 };
	*slot = g;
	return g;
}

static int add_to_group(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	if (!m->e->shared_id && !m->e->master_id)
		return 0;
	m->group = find_group(tree, m);
	if (!m->group)
		m->group = add_group(tree, m);
	if (!m->group)
		return error_set(err, ENOMEM, "out of memory");
	struct mnt_group *g = m->group;
	if (g->source && g->source->of->e->root_dev != m->e->root_dev)
		return error_set(err, EBADMSG,
				 "mount %u (%s): others of its propagation group are of another "
				 "file system",
				 m->e->mnt_id, m->e->mountpoint);
	if (!g->source)
		g->source = m->source;
	return 0;
}

static bool has_all_of(const struct mnt_tree *tree, const struct mnt_source *s,
		       const struct mnt_group *g)
{
	if (s->of->e->root_dev != g->source->of->e->root_dev)
		return false;
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->items[i]->group == g && !mnt_below(tree->items[i]->e->root, s->root))
			return false;
	return true;
}

/* A group is lent by one mount to another whose root is inside of its own. */
static void widen(const struct mnt_tree *tree, struct mnt_group *g)
{
	for (size_t i = 0; i < tree->sources.nr; i++) {
		if (has_all_of(tree, tree->sources.items[i], g)) {
			g->source = tree->sources.items[i];
			return;
		}
	}
}

static int find_master(struct mnt_tree *tree, struct mnt_group *g, struct error *err)
{
	char name[MNT_NAME_MAX];
	const struct mnt *member = NULL;
	for (size_t i = 0; i < tree->groups.nr; i++)
		if (tree->groups.items[i]->shared == g->master)
			g->above = tree->groups.items[i];
	if (g->above)
		return 0;
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *m = tree->items[i];
		if (m->group != g)
			continue;
		member = m;
		if (m->source->kind != MNT_FROM_NEW &&
		    (!g->outside || mnt_below(g->source->root, m->source->root)))
			g->outside = m->source;
	}
	if (g->source->kind != MNT_FROM_NEW)
		g->outside = g->source;
	if (g->outside || !member)
		return 0;
	return error_set(err, ENOTSUP,
			 "%s gets what is mounted outside of the tree (propagation group %u), and "
			 "is not known to come from there: pass --external mnt[]:m, or make it "
			 "external",
			 mnt_name(member, name), g->master);
}

/* A mount lends its group only to one whose root is inside of its own. */
static int check_reach(const struct mnt_tree *tree, const struct mnt_group *g, struct error *err)
{
	char name[MNT_NAME_MAX];
	if (g->above && !mnt_below(g->source->root, g->above->source->root))
		return error_set(err, ENOTSUP,
				 "propagation group %u: its master shows %s alone of the file "
				 "system, it shows %s: such a pair cannot be made",
				 g->shared, g->above->source->root, g->source->root);
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *m = tree->items[i];
		if (m->group != g || mnt_below(m->e->root, g->source->root))
			continue;
		if (g->shared || g->above || m->source->kind == MNT_FROM_NEW)
			return error_set(err, ENOTSUP,
					 "%s: nothing has all that its propagation group %u shows",
					 mnt_name(m, name), g->shared ? g->shared : g->master);
	}
	return 0;
}

static int check_circles(const struct mnt_tree *tree, struct error *err)
{
	for (size_t i = 0; i < tree->groups.nr; i++) {
		size_t steps = 0;
		for (const struct mnt_group *g = tree->groups.items[i]; g; g = g->above)
			if (steps++ > tree->groups.nr)
				return error_set(err, EBADMSG,
						 "propagation group %u is its own slave",
						 tree->groups.items[i]->shared);
	}
	return 0;
}

static int plan_groups(struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		rc = add_to_group(tree, tree->items[i], err);
	for (size_t i = 0; rc == 0 && i < tree->groups.nr; i++) {
		struct mnt_group *g = tree->groups.items[i];
		widen(tree, g);
		if (g->master)
			rc = find_master(tree, g, err);
	}
	for (size_t i = 0; rc == 0 && i < tree->groups.nr; i++)
		rc = check_reach(tree, tree->groups.items[i], err);
	return rc < 0 ? rc : check_circles(tree, err);
}

static int sort(struct mnt_tree *tree, struct error *err)
{
	tree->order = calloc(tree->nr + 1, sizeof(struct mnt *));
	if (!tree->order)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(tree->order, tree->items, tree->nr * sizeof(struct mnt *));
	qsort(tree->order, tree->nr, sizeof(struct mnt *), by_depth);
	for (size_t i = 0; i < tree->nr; i++) {
		struct mnt *m = tree->order[i];
		m->late = m->source->late || is_terminal(m) || (m->parent && m->parent->late);
	}
	return 0;
}

int mnt_plan(struct mnt_tree *tree, struct error *err)
{
	int rc = plan_sources(tree, err);
	if (rc == 0)
		rc = sort(tree, err);
	if (rc == 0)
		rc = plan_groups(tree, err);
	return rc;
}
