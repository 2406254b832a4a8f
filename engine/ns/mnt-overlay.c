/* SPDX-License-Identifier: MIT
 * Overlays that could not be mounted again: what of their options stands against it.
 * Source: Documentation/filesystems/overlayfs.rst
 */
#include "engine/ns/mnt-overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/ns/mnt-fs.h"

/* The value of an option; NULL: it has none, or is not there */
static const char *value_of(char *option, const char *name)
{
	size_t len = strlen(name);
	if (strncmp(option, name, len) != 0)
		return NULL;
	option += len;
	if (*option == '+')
		option++;
	return *option == '=' ? option + 1 : NULL;
}

/* Directories of layers: several, split by colons, of which some are escaped. */
static bool has_relative(const char *list)
{
	for (const char *at = list; *at;) {
		if (*at != '/' && *at != ':')
			return true;
		while (*at && *at != ':')
			at += at[0] == '\\' && at[1] ? 2 : 1;
		at += *at == ':';
	}
	return false;
}

/* Is a path on a file system that is made anew, with other numbers and handles of its files? */
static bool is_carried(const struct mnt_tree *tree, const struct mnt *m, const char *path)
{
	const struct mnt *best = NULL;
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *other = tree->items[i];
		if (other->ns != m->ns || !mnt_below(path, other->e->mountpoint))
			continue;
		if (!best || strlen(other->e->mountpoint) >= strlen(best->e->mountpoint))
			best = other;
	}
	return best && best->source->kind == MNT_FROM_NEW && best->source->of->fs->fill;
}

static const char *reason_of(const struct mnt_tree *tree, const struct mnt *m, char *options)
{
	static const char *const layers[] = { "lowerdir", "upperdir", "workdir" };
	const char *upper = NULL, *reason = NULL;
	bool indexed = false;
	for (char *rest = options, *option; (option = strsep(&rest, ",")) != NULL;) {
		for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
			const char *value = value_of(option, layers[i]);
			if (value && has_relative(value))
				reason = "names layers relative to a directory nobody knows";
			if (value && i == 1)
				upper = value;
		}
		indexed |= !strcmp(option, "index=on") || !strcmp(option, "nfs_export=on");
		if (!strcmp(option, "volatile") || !strcmp(option, "fsync=volatile"))
			reason = "is volatile: the kernel mounts its upper layer only once";
	}
	if (!reason && indexed && upper && is_carried(tree, m, upper))
		reason = "has an index of the files of a file system that is made anew (index=on)";
	return reason;
}

int mnt_overlay_check(const struct mnt_tree *tree, const struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	if (m->fs->code != FSTYPE__OVERLAYFS || m->source->kind != MNT_FROM_NEW ||
	    m->source->of != m)
		return 0;
	auto_free char *options = strdup(m->e->options);
	if (!options)
		return error_set(err, ENOMEM, "out of memory");
	const char *reason = reason_of(tree, m, options);
	return reason ? error_set(err, ENOTSUP,
				  "%s %s: no restore could mount it again; pass --external "
				  "mnt[%s]:NAME (and --external mnt[NAME]:SOURCE, such a mount, at "
				  "the restore), or leave it out by --skip-mnt %s",
				  mnt_name(m, name), reason, m->e->mountpoint, m->e->mountpoint)
		      : 0;
}
