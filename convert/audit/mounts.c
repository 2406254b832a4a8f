/* SPDX-License-Identifier: MIT
 * What of the host is mounted in containers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/audit/check.h"

#define READ_ONLY 1 /* MS_RDONLY */

/* Paths of a host that lead to control over it, with all below them ("/" only itself). */
static const char *const telling[] = {
	"/",
	"/boot",
	"/dev",
	"/etc",
	"/home",
	"/lib/modules",
	"/proc",
	"/root",
	"/run",
	"/sys",
	"/usr",
	"/var/lib/containerd",
	"/var/lib/containers",
	"/var/lib/docker",
	"/var/lib/kubelet",
	"/var/run",
};

/* Devices every container has. */
static const char *const harmless[] = { "/null", "/zero", "/full", "/random", "/urandom", "/tty" };

/* Engines put these into every container. */
static const char *const usual[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
				     "/run/.containerenv", "/dev/termination-log" };

static bool in_list(const char *path, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(path, list[i]))
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strlen(top);
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

static bool is_telling(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(telling); i++) {
		if (!strcmp(telling[i], "/") ? !strcmp(path, "/") : is_below(path, telling[i]))
			return true;
	}
	return false;
}

/* The mount a namespace has at its root. */
static const MntEntry *root_of(const struct mount_list *mounts, uint64_t ns)
{
	for (size_t i = 0; i < mounts->nr; i++) {
		if (mounts->items[i].ns == ns && !strcmp(mounts->items[i].entry->mountpoint, "/"))
			return mounts->items[i].entry;
	}
	return NULL;
}

/* The path on the host: what the container was started with, or else that in the file system. */
static const char *host_path(const struct audit *audit, const MntEntry *mount)
{
	auto_strbuf type = { 0 }, source = { 0 };
	const struct flat *spec = &audit->container.spec;
	if (strbuf_printf(&type, "mounts[%s].type", mount->mountpoint) < 0 ||
	    strbuf_printf(&source, "mounts[%s].source", mount->mountpoint) < 0)
		return mount->root;
	const char *kind = flat_find(spec, type.data), *path = flat_find(spec, source.data);
	return kind && !strcmp(kind, "bind") && path ? path : mount->root;
}

/* A bind mount of something outside: part of a disk that is no part of the container's own root,
 * or what was given from outside by name. */
static bool is_outside(const struct audit *audit, const struct mount_facts *mount)
{
	const MntEntry *entry = mount->entry, *root = root_of(&audit->mounts, mount->ns);
	if (!root || entry == root)
		return false;
	if (mount->external)
		return true;
	if (mount->fstype || !strcmp(entry->root, "/"))
		return false;
	bool same_disk = root->root_dev == entry->root_dev && strcmp(root->root, "/") != 0;
	return !(same_disk && is_below(entry->root, root->root));
}

static enum severity severity_of(const struct mount_facts *mount, const char *path)
{
	bool readable = mount->entry->flags & READ_ONLY;
	if (container_volume(path) || (mount->fstype && readable))
		return SEV_NOTE;
	/* of the kernel's own file systems "/" is the usual root */
	bool grave = strstr(path, ".sock") ||
		     (is_telling(path) && (!mount->fstype || strcmp(path, "/") != 0));
	if (readable)
		return grave ? SEV_WARNING : SEV_NOTE;
	return grave ? SEV_ERROR : SEV_WARNING;
}

static int check_mount(struct audit *audit, size_t i, uint64_t entry, struct error *err)
{
	const struct mount_facts *mount = &audit->mounts.items[i];
	const MntEntry *mnt = mount->entry;
	if (!is_outside(audit, mount))
		return 0;
	const char *path = host_path(audit, mnt);
	if (in_list(mnt->mountpoint, usual, ARRAY_SIZE(usual)) ||
	    container_owns(&audit->container, path) ||
	    container_owns(&audit->container, mnt->root) ||
	    (mount->fstype && in_list(mnt->root, harmless, ARRAY_SIZE(harmless))))
		return 0;
	struct finding_place at = { .image = IMG_MNTS, .number = mount->ns, .entry = entry };
	return audit_add(audit, RULE_HOST_PATH, severity_of(mount, path), &at, mnt->mountpoint, err,
			 "%s of the host%s%s, %s", path, mount->fstype ? "'s " : "",
			 mount->fstype ?: "", mnt->flags & READ_ONLY ? "read-only" : "writable");
}

static int check_privileged(struct audit *audit, struct error *err)
{
	static const char *const places[] = { "annotations.io.podman.annotations.privileged",
					      "annotations.io.kubernetes.cri-o.PrivilegedRuntime" };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *value = flat_find(&audit->container.spec, places[i]);
		struct finding_place at = { .image = IMG_INVENTORY, .entry = NO_ENTRY };
		if (value && !strcasecmp(value, "true"))
			return audit_add(audit, RULE_PRIVILEGED, SEV_ERROR, &at, "container", err,
					 "%s: %s", places[i], value);
	}
	return 0;
}

int check_mounts(struct audit *audit, struct error *err)
{
	uint64_t entry = 0;
	int rc = check_privileged(audit, err);
	for (size_t i = 0; rc == 0 && i < audit->mounts.nr; i++, entry++) {
		if (i && audit->mounts.items[i].ns != audit->mounts.items[i - 1].ns)
			entry = 0;
		rc = check_mount(audit, i, entry, err);
	}
	return rc;
}
