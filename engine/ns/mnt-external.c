/* SPDX-License-Identifier: MIT
 * --external mnt[…] and dev[…], --ext-mount-map, --skip-mnt, --enable-fs.
 */
#include "engine/ns/mnt-external.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/kernel-dev.h"
#include "engine/files/external.h"

#define AUTO      "auto"
#define AUTO_MNT  "mnt[]"
#define DEV_MAJOR 20

/* "m": also slaves of mounts outside, "s": also their peers */
static bool has_auto_flag(const struct options *opts, char flag)
{
	for (size_t i = 0; i < opts->external.nr; i++) {
		const char *at = opts->external.items[i];
		if (!strncmp(at, AUTO_MNT ":", strlen(AUTO_MNT) + 1) &&
		    at[strlen(AUTO_MNT) + 1] == flag)
			return true;
	}
	return false;
}

static bool is_auto(const struct options *opts)
{
	for (size_t i = 0; i < opts->ext_mount_map.nr; i++)
		if (!strcmp(opts->ext_mount_map.items[i], AUTO))
			return true;
	for (size_t i = 0; i < opts->external.nr; i++)
		if (!strncmp(opts->external.items[i], AUTO_MNT, strlen(AUTO_MNT)))
			return true;
	return false;
}

/* --external mnt[KEY]:VALUE and --ext-mount-map KEY:VALUE are one. */
static const char *mapped(const struct options *opts, const char *key)
{
	size_t len = strlen(key);
	const char *value = external_value(opts, "mnt", key);
	for (size_t i = 0; !value && i < opts->ext_mount_map.nr; i++) {
		const char *at = opts->ext_mount_map.items[i];
		if (!strncmp(at, key, len) && at[len] == ':')
			value = at + len + 1;
	}
	return value;
}

bool mnt_is_skipped(const struct options *opts, const char *place)
{
	for (size_t i = 0; i < opts->skip_mnt.nr; i++) {
		const char *skip = opts->skip_mnt.items[i];
		size_t len = strlen(skip);
		while (len > 1 && skip[len - 1] == '/')
			len--;
		if (!strncmp(place, skip, len) && !place[len])
			return true;
	}
	return false;
}

static bool is_in_list(const char *list, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, name, len) && (!at[len] || at[len] == ','))
			return true;
	return false;
}

bool mnt_fs_is_enabled(const struct options *opts, const char *type)
{
	for (size_t i = 0; i < opts->enable_fs.nr; i++) {
		const char *list = opts->enable_fs.items[i];
		if (is_in_list(list, "all") || is_in_list(list, type))
			return true;
	}
	return false;
}

static int set_string(char **field, const char *value, struct error *err)
{
	char *copy = strdup(value);
	if (!copy)
		return error_set(err, ENOMEM, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

/* A file system on a device of the host, which has a name of its own in the images. */
static int mark_device(const struct options *opts, struct mnt *m, struct error *err)
{
	char key[32], source[4096];
	MntEntry *e = m->e;
	if (m->fs->code != FSTYPE__UNSUPPORTED || !mnt_is_fs_root(m))
		return 0;
	snprintf(key, sizeof(key), "%u/%u", e->root_dev >> DEV_MAJOR,
		 e->root_dev & ((1U << DEV_MAJOR) - 1));
	const char *name = external_value(opts, "dev", key);
	if (!name)
		return 0;
	snprintf(source, sizeof(source), "dev[%.4000s]", name);
	int rc = set_string(&e->ext_key, MNT_KEY_DEVICE, err);
	if (rc == 0)
		rc = set_string(&e->source, source, err);
	if (rc == 0)
		rc = set_string(&e->fsname, m->type, err);
	m->fs = mnt_fs_by_code(FSTYPE__AUTO);
	e->fstype = FSTYPE__AUTO;
	return rc < 0 ? rc : 1;
}

/* @return 1: it is one; 0; -errno */
static int mark_named(const struct options *opts, const struct mnt_tree *tree, struct mnt *m,
		      struct error *err)
{
	/* a place says something in one namespace only */
	const char *name =
	    m->ns == tree->root_ns && m->parent ? mapped(opts, m->e->mountpoint) : NULL;
	if (!name)
		return mark_device(opts, m, err);
	int rc = set_string(&m->e->ext_key, name, err);
	return rc < 0 ? rc : 1;
}

static bool same_group(const struct mnt *m, const struct proc_mount *own)
{
	const MntEntry *e = m->e;
	if (e->shared_id && e->shared_id == (uint32_t)own->shared)
		return true;
	return e->master_id && e->master_id == (uint32_t)own->shared;
}

/* The engine's own mount of the same; of the same group, if there is one. */
static const struct proc_mount *find_own(const struct mnt *m, const struct proc_mounts *own)
{
	const struct proc_mount *best = NULL;
	for (size_t i = 0; i < own->nr; i++) {
		const struct proc_mount *o = &own->items[i];
		if (kernel_dev_encode(o->dev) != m->e->root_dev || !mnt_below(m->e->root, o->root))
			continue;
		best = o;
		if (same_group(m, o))
			break;
	}
	return best;
}

static int mark_found(const struct options *opts, struct mnt *m, const struct proc_mounts *own,
		      struct error *err)
{
	MntEntry *e = m->e;
	const struct proc_mount *o = m->parent ? find_own(m, own) : NULL;
	if (!o)
		return 0;
	if (e->shared_id && !opts->ext_sharing && !has_auto_flag(opts, 's'))
		return 0;
	if (e->master_id && !opts->ext_masters && !has_auto_flag(opts, 'm'))
		return 0;
	bool known = e->master_id == (uint32_t)o->shared || e->master_id == (uint32_t)o->master;
	if (e->master_id && !known)
		return 0;
	if (e->shared_id && e->shared_id != (uint32_t)o->shared)
		e->has_internal_sharing = e->internal_sharing = true;
	char path[2 * 4096];
	const char *rest = mnt_below(e->root, o->root);
	snprintf(path, sizeof(path), "%s%s%s", strcmp(o->path, "/") != 0 || !*rest ? o->path : "",
		 *rest ? "/" : "", rest);
	int rc = set_string(&e->ext_key, MNT_KEY_AUTO, err);
	return rc < 0 ? rc : set_string(&e->source, path, err);
}

int mnt_external_mark(const struct dump *d, struct mnt_tree *tree, const struct proc_mounts *own,
		      struct error *err)
{
	bool look = is_auto(d->opts);
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < tree->nr; i++) {
		rc = mark_named(d->opts, tree, tree->items[i], err);
		if (rc == 0 && look)
			rc = mark_found(d->opts, tree->items[i], own, err);
	}
	return rc < 0 ? rc : 0;
}

int mnt_external_path(const struct options *opts, const struct mnt *m, const char **out,
		      struct error *err)
{
	const char *key = m->e->ext_key;
	if (!strcmp(key, MNT_KEY_AUTO)) {
		*out = m->e->source;
		if (is_auto(opts))
			return 0;
		return error_set(err, EINVAL,
				 "mount %s is external, found at the dump as %s of the host: pass "
				 "--external mnt[] to take what is there now",
				 m->e->mountpoint, m->e->source);
	}
	*out = mapped(opts, key);
	if (*out && **out)
		return 0;
	return error_set(err, EINVAL,
			 "mount %s is external, named %s: pass --external mnt[%s]:SOURCE",
			 m->e->mountpoint, key, key);
}

static bool is_device(const char *path, uint32_t dev)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) && kernel_dev_encode(st.st_rdev) == dev;
}

int mnt_device_path(const struct options *opts, const struct mnt *m, const char **out,
		    struct error *err)
{
	const MntEntry *e = m->e;
	size_t len = strlen(e->source);
	*out = *e->source ? e->source : "none";
	if (e->root_dev >> DEV_MAJOR == 0)
		return 0; /* on no device: a name for people */
	if (!strncmp(e->source, "dev[", 4) && e->source[len - 1] == ']') {
		auto_free char *key = strndup(e->source + 4, len - 5);
		*out = key ? external_value(opts, "dev", key) : NULL;
		if (*out)
			return 0;
		return error_set(err, EINVAL,
				 "mount %s is of an external device: pass --external %s:DEVICE",
				 e->mountpoint, e->source);
	}
	if (is_device(e->source, e->root_dev))
		return 0;
	return error_set(err, ENODEV, "mount %s: %s is not the device it was at the dump (%u:%u)",
			 e->mountpoint, e->source, e->root_dev >> DEV_MAJOR,
			 e->root_dev & ((1U << DEV_MAJOR) - 1));
}
