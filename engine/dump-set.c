/* SPDX-License-Identifier: MIT
 * The image set as a whole. inventory.img is written last: without it there is no set.
 */
#include "engine/dump-set.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/cpuinfo.h"
#include "engine/inventory.h"
#include "engine/ns/time.h"
#include "engine/task/pstree.h"
#include "engine/task/seccomp.h"
#include "images/image-type.h"
#include "images/writer.h"

#define INVENTORY "inventory.img"

/* No part of a set: `cpuinfo dump` may have been there before, statistics are the work directory's.
 */
static bool is_kept(const char *name)
{
	return !strcmp(name, "cpuinfo.img") || !strncmp(name, "stats-", strlen("stats-"));
}

/* The inventory first: without it what is left is no set, however far this gets. */
static int remove_images(const struct dump *d, struct error *err)
{
	if (unlinkat(d->images_fd, INVENTORY, 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove " INVENTORY " of the set that was there");
	int fd = openat(d->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return error_sys(err, "read the images directory");
	}
	for (;;) {
		errno = 0;
		const struct dirent *de = readdir(dir);
		if (!de)
			return errno ? error_sys(err, "read the images directory") : 0;
		if (!image_type_by_filename(de->d_name) || is_kept(de->d_name))
			continue;
		struct stat st;
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
			return error_set(
			    err, EINVAL,
			    "%s in the images directory is no regular file, but an image "
			    "would have that name",
			    de->d_name);
		if (unlinkat(fd, de->d_name, 0) < 0 && errno != ENOENT)
			return error_sys(err, "remove %s of the set that was there", de->d_name);
	}
}

int dump_set_begin(struct dump *d, struct error *err)
{
	return remove_images(d, err);
}

void dump_set_undo(struct dump *d)
{
	struct error err;
	if (remove_images(d, &err) < 0)
		log_warn("the failed dump leaves images: %s", err.text);
}

int dump_set_finish(struct dump *d, struct error *err)
{
	int rc = pstree_dump(d, err);
	if (rc == 0)
		rc = seccomp_dump_finish(d, err);
	if (rc == 0)
		rc = timens_dump(d, err);
	if (rc == 0 && d->opts->cpu_cap & CPU_CAP_IMAGE)
		rc = cpuinfo_dump(d->images_fd, err);
	if (rc == 0)
		rc = inventory_dump(d, err);
	/* before any task is killed */
	if (rc == 0 && d->opts->sync && syncfs(d->images_fd) < 0)
		rc = error_sys(err, "--sync: write the images to the disk");
	return rc;
}
