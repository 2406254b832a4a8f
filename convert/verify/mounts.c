/* SPDX-License-Identifier: MIT
 * The mounts of a namespace are one tree: one root, everything else below its parent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/verify/check.h"
#include "mounts.pb-c.h"

struct mounts {
	struct mount {
		MntEntry *mnt;
		uint64_t entry;       /* in its image */
		struct mount *parent; /* NULL: none of these, or itself */
		size_t walk;          /* that was here first; 0: none */
		bool round;           /* it is below itself */
	} * items;                    /* by mnt_id, once they are sorted */
	size_t nr, cap;
};

static void mounts_fini(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->nr; i++)
		mnt_entry__free_unpacked(mounts->items[i].mnt, NULL);
	free(mounts->items);
}

static int mount_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct mount *mount = array_add((struct mounts *)ctx);
	if (!mount)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*mount = (struct mount){ (MntEntry *)take_ptr(*msg), image_reader_entry(r) };
	return 0;
}

static int mount_compare(const void *a_, const void *b_)
{
	const struct mount *a = a_, *b = b_;
	return (a->mnt->mnt_id > b->mnt->mnt_id) - (a->mnt->mnt_id < b->mnt->mnt_id);
}

static struct mount *mount_find(const struct mounts *mounts, uint32_t id)
{
	size_t low = array_lower_bound(mounts->nr, k, mounts->items[k].mnt->mnt_id < id);
	return low < mounts->nr && mounts->items[low].mnt->mnt_id == id ? &mounts->items[low]
									: NULL;
}

static bool is_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);
	if (!strcmp(parent, "/"))
		return *path == '/';
	return !strncmp(path, parent, len) && (!path[len] || path[len] == '/');
}

static void mounts_link(struct mounts *mounts)
{
	if (mounts->nr)
		qsort(mounts->items, mounts->nr, sizeof(*mounts->items), mount_compare);
	for (size_t i = 0; i < mounts->nr; i++) {
		const MntEntry *mnt = mounts->items[i].mnt;
		if (mnt->parent_mnt_id != mnt->mnt_id)
			mounts->items[i].parent = mount_find(mounts, mnt->parent_mnt_id);
	}
	for (size_t i = 0; i < mounts->nr; i++) {
		struct mount *at = &mounts->items[i];
		for (; at && !at->walk; at = at->parent)
			at->walk = i + 1;
		for (; at && at->walk == i + 1 && !at->round; at = at->parent)
			at->round = true;
	}
}

static void mount_check(struct check *check, const char *image, const struct mount *mount)
{
	const MntEntry *mnt = mount->mnt;
	const struct mount *parent = mount->parent;
	if (!parent && strcmp(mnt->mountpoint, "/") != 0) {
		/* that it is nowhere was found by its reference, its own parent by its shape */
		if (mnt->parent_mnt_id != mnt->mnt_id &&
		    object_set_has(&check->objects, OBJ_MOUNT, mnt->parent_mnt_id))
			finding_at(check, image, &mount->entry, "parent_mnt_id",
				   "mount %" PRIu32 " is in another namespace", mnt->parent_mnt_id);
	} else if (mount->round) {
		finding_at(check, image, &mount->entry, "parent_mnt_id",
			   "mount %" PRIu32 " is below itself", mnt->mnt_id);
	} else if (parent && !is_below(mnt->mountpoint, parent->mnt->mountpoint)) {
		finding_at(check, image, &mount->entry, "mountpoint",
			   "%s is not below %s, where its parent is", mnt->mountpoint,
			   parent->mnt->mountpoint);
	}
}

static void root_check(struct check *check, const struct mounts *mounts, const char *image)
{
	const struct mount *root = NULL;
	for (size_t i = 0; i < mounts->nr; i++) {
		const struct mount *mount = &mounts->items[i];
		if (mount->parent || strcmp(mount->mnt->mountpoint, "/") != 0)
			continue;
		if (root)
			finding_at(check, image, &mount->entry, "parent_mnt_id",
				   "a second root, besides mount %" PRIu32, root->mnt->mnt_id);
		root = mount;
	}
	if (mounts->nr && !root)
		finding_at(check, image, NULL, "mountpoint", "no mount is the root");
}

int check_mount_trees(struct check *check, struct error *err)
{
	for (size_t i = 0; i < check->nr_members; i++) {
		const struct source_member *m = &check->members[i];
		const struct image_type *type = m->own ? image_type_by_filename(m->name) : NULL;
		if (!type || type->id != IMG_MNTS || check->broken[i])
			continue;
		__attribute__((cleanup(mounts_fini))) struct mounts mounts = { 0 };
		int rc = image_each(check->src, IMG_MNTS, image_number(type, m->name), mount_add,
				    &mounts, err);
		if (rc < 0)
			return rc;
		mounts_link(&mounts);
		root_check(check, &mounts, m->name);
		for (size_t k = 0; k < mounts.nr; k++)
			mount_check(check, m->name, &mounts.items[k]);
	}
	return 0;
}
