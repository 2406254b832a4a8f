/* SPDX-License-Identifier: MIT
 * Mounts that have to be made, or come from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/compat/check.h"
#include "convert/describe/container.h"
#include "convert/describe/mounts.h"

/* "nodev\tNAME\n" */
static bool is_known(const char *filesystems, const char *name)
{
	char line[80];
	return snprintf(line, sizeof(line), "\t%s\n", name) < (int)sizeof(line) &&
	       strstr(filesystems, line);
}

static int check_filesystems(struct compat *c, const struct mount_list *mounts, struct error *err)
{
	auto_strbuf text = { 0 }, seen = { 0 };
	int rc = file_read_at(AT_FDCWD, "/proc/filesystems", &text, err);
	for (size_t i = 0; rc == 0 && i < mounts->nr; i++) {
		const char *name = mounts->items[i].fstype;
		if (!name || mounts->items[i].external || is_known(seen.data ?: "", name))
			continue;
		if (strbuf_printf(&seen, "\t%s\n", name) < 0)
			return error_set(err, ENOMEM, "out of memory");
		if (is_known(text.data ?: "", name))
			compat_say(c, CHECK_FILESYSTEM, ANSWER_YES, name, "here");
		else
			compat_say(c, CHECK_FILESYSTEM, ANSWER_UNKNOWN, name,
				   "not known to the kernel, unless it has a module for it");
	}
	return rc;
}

static void check_source(struct compat *c, const struct container_facts *facts,
			 const MntEntry *mount, const char *path)
{
	if (container_owns(facts, path) || container_volume(path))
		compat_say(c, CHECK_MOUNT, ANSWER_YES, mount->mountpoint, "the engine's own");
	else if (access(path, F_OK) == 0)
		compat_say(c, CHECK_MOUNT, ANSWER_YES, mount->mountpoint, "%s is here", path);
	else
		compat_say(c, CHECK_MOUNT, ANSWER_NO, mount->mountpoint, "%s: %s", path,
			   strerror(errno));
}

/* What a container was started with says more than the images. */
static int check_external(struct compat *c, const struct container_facts *facts,
			  const MntEntry *mount, struct error *err)
{
	auto_strbuf type = { 0 }, source = { 0 };
	if (strbuf_printf(&type, "mounts[%s].type", mount->mountpoint) < 0 ||
	    strbuf_printf(&source, "mounts[%s].source", mount->mountpoint) < 0)
		return error_set(err, ENOMEM, "out of memory");
	const char *kind = flat_find(&facts->spec, type.data);
	const char *path = flat_find(&facts->spec, source.data);
	if (kind && path && !strcmp(kind, "bind"))
		check_source(c, facts, mount, path);
	else if (facts->engine)
		compat_say(c, CHECK_MOUNT, ANSWER_YES, mount->mountpoint,
			   "from outside, the engine gives it");
	else if (mount->ext_key)
		compat_say(c, CHECK_MOUNT, ANSWER_UNKNOWN, mount->mountpoint,
			   "from outside: give it with --external mnt[%s]:PATH", mount->ext_key);
	else
		compat_say(c, CHECK_MOUNT, ANSWER_UNKNOWN, mount->mountpoint,
			   "from outside (%s of %s)", mount->root, mount->source);
	return 0;
}

static void check_root(struct compat *c, const struct container_facts *facts)
{
	const char *image = facts->words[CT_IMAGE];
	if (c->options->root)
		compat_say(c, CHECK_MOUNT, ANSWER_YES, "/", "is %s", c->options->root);
	else if (image)
		compat_say(c, CHECK_MOUNT, ANSWER_UNKNOWN, "/", "of the image %s, if that is here",
			   image);
	else
		compat_say(c, CHECK_MOUNT, ANSWER_UNKNOWN, "/",
			   "the root of the container: say with --root where it is");
}

int compat_mounts(struct compat *c, struct error *err)
{
	auto_mount_list mounts = { 0 };
	auto_container_facts facts = { 0 };
	enum answer own = own_namespace(c, CLONE_NEWNS);
	if (own == ANSWER_UNKNOWN)
		compat_say(c, CHECK_MOUNT, ANSWER_UNKNOWN, NULL,
			   "whether the mount namespace is its own is not known");
	if (own != ANSWER_YES)
		return 0;
	int rc = mount_list_read(c->cp, &mounts, err);
	if (rc == 0)
		rc = container_describe(checkpoint_source(c->cp), &facts, err);
	if (rc == 0)
		rc = check_filesystems(c, &mounts, err);
	for (size_t i = 0; rc == 0 && i < mounts.nr; i++) {
		const struct mount_facts *mount = &mounts.items[i];
		if (mount->external && strcmp(mount->entry->mountpoint, "/") != 0)
			rc = check_external(c, &facts, mount->entry, err);
	}
	if (rc == 0)
		check_root(c, &facts);
	return rc;
}
