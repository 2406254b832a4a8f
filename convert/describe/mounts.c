/* SPDX-License-Identifier: MIT
 * The mounts of a checkpoint.
 */
#include "convert/describe/mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/damage.h"
#include "images/image-type.h"

/* Numbers are stored; the kernel's words are lower case. */
static const char *fstype_word(const MntEntry *entry)
{
	static const struct {
		Fstype number;
		const char *name;
	} names[] = {
		{ FSTYPE__PROC, "proc" },         { FSTYPE__SYSFS, "sysfs" },
		{ FSTYPE__DEVTMPFS, "devtmpfs" }, { FSTYPE__BINFMT_MISC, "binfmt_misc" },
		{ FSTYPE__TMPFS, "tmpfs" },       { FSTYPE__DEVPTS, "devpts" },
		{ FSTYPE__PSTORE, "pstore" },     { FSTYPE__SECURITYFS, "securityfs" },
		{ FSTYPE__FUSECTL, "fusectl" },   { FSTYPE__DEBUGFS, "debugfs" },
		{ FSTYPE__NSFS, "nsfs" },         { FSTYPE__CGROUP, "cgroup" },
		{ FSTYPE__MQUEUE, "mqueue" },     { FSTYPE__FUSE, "fuse" },
		{ FSTYPE__OVERLAYFS, "overlay" }, { FSTYPE__AUTOFS, "autofs" },
		{ FSTYPE__TRACEFS, "tracefs" },   { FSTYPE__CGROUP2, "cgroup2" },
	};
	if (entry->fsname && *entry->fsname)
		return entry->fsname;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].number == (Fstype)entry->fstype)
			return names[i].name;
	}
	return NULL;
}

struct mounts_of {
	uint64_t ns;
	struct mount_list *out;
};

static int mount_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const struct mounts_of *of = ctx;
	struct mount_facts *mount = array_add(of->out);
	if (!mount)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	MntEntry *entry = (MntEntry *)take_ptr(*msg);
	*mount =
	    (struct mount_facts){ of->ns, entry, fstype_word(entry),
				  (entry->has_ext_mount && entry->ext_mount) || entry->ext_key };
	return 0;
}

/* Which mount namespaces there should be. */
static int namespaces_look(struct checkpoint *cp, struct error *err)
{
	bool passing = source_damage(checkpoint_source(cp)) != NULL;
	int rc = 0;
	for (size_t i = 0; passing && rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		auto_message TaskKobjIdsEntry *ids = NULL;
		rc = process_ids(cp, checkpoint_process(cp, i), &ids, err);
		rc = rc == -ENOENT ? 0 : rc;
	}
	return rc;
}

int mount_list_read(struct checkpoint *cp, struct mount_list *out, struct error *err)
{
	struct source *src = checkpoint_source(cp);
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	int rc = nr < 0 ? (int)nr : namespaces_look(cp, err);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		if (!type || type->id != IMG_MNTS || strchr(members[i].name, '/'))
			continue;
		struct mounts_of of = {
			strtoull(members[i].name + strlen("mountpoints-"), NULL, 10), out
		};
		rc = image_each(src, IMG_MNTS, of.ns, mount_add, &of, err);
	}
	return rc;
}

void mount_list_fini(struct mount_list *mounts)
{
	for (size_t i = 0; i < mounts->nr; i++)
		protobuf_c_message_free_unpacked(&mounts->items[i].entry->base, NULL);
	free(mounts->items);
	*mounts = (struct mount_list){ 0 };
}
