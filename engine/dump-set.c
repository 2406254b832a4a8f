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

static bool has_inventory(int dir)
{
	return faccessat(dir, INVENTORY, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Into another directory or, without one, away. */
static int take(int dir, const char *name, int to, struct error *err)
{
	int rc = to < 0 ? unlinkat(dir, name, 0) : renameat(dir, name, to, name);
	return rc < 0 && errno != ENOENT ? error_sys(err, "%s %s of the set that was there",
						     to < 0 ? "remove" : "move", name)
					 : 0;
}

static int check_regular(int dir, const char *name, struct error *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
		return 0;
	return error_set(err, EINVAL,
			 "%s in the images directory is no regular file, but an image would have "
			 "that name",
			 name);
}

/* All but the inventory. */
static int take_images(int from, int to, struct error *err)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return error_sys(err, "read the images directory");
	}
	while (rc == 0) {
		errno = 0;
		const struct dirent *de = readdir(dir);
		if (!de)
			return errno ? error_sys(err, "read the images directory") : 0;
		if (!image_type_by_filename(de->d_name) || is_kept(de->d_name) ||
		    !strcmp(de->d_name, INVENTORY))
			continue;
		rc = check_regular(fd, de->d_name, err);
		if (rc == 0)
			rc = take(fd, de->d_name, to, err);
	}
	return rc;
}

/* The inventory first: without it what is left is no set, however far this gets. */
static int take_set(int from, int to, struct error *err)
{
	int rc = has_inventory(from) ? take(from, INVENTORY, to, err) : 0;
	return rc < 0 ? rc : take_images(from, to, err);
}

/* A set on its way aside or back: then nothing but that is in the images directory. */
#define MOVING DUMP_SET_BEFORE ".moving"

static int open_aside(const struct dump *d, const char *name)
{
	return openat(d->images_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The inventory last. */
static int put_back(const struct dump *d, struct error *err)
{
	if (renameat(d->images_fd, DUMP_SET_BEFORE, d->images_fd, MOVING) < 0 && errno != ENOENT)
		return error_sys(err, "rename " DUMP_SET_BEFORE);
	auto_fd moving = open_aside(d, MOVING);
	if (moving < 0)
		return errno == ENOENT ? 0 : error_sys(err, "open " MOVING);
	int rc = take_images(moving, d->images_fd, err);
	if (rc == 0)
		rc = take(moving, INVENTORY, d->images_fd, err);
	if (rc == 0)
		unlinkat(d->images_fd, MOVING, AT_REMOVEDIR);
	return rc;
}

static int move_aside(const struct dump *d, struct error *err)
{
	struct error late;
	if (mkdirat(d->images_fd, MOVING, 0700) < 0)
		return error_sys(err,
				 "make " MOVING " for the set that is in the images directory");
	auto_fd moving = open_aside(d, MOVING);
	int rc = moving < 0 ? error_sys(err, "open " MOVING) : take_set(d->images_fd, moving, err);
	if (rc == 0 && renameat(d->images_fd, MOVING, d->images_fd, DUMP_SET_BEFORE) < 0)
		rc = error_sys(err, "rename " MOVING);
	if (rc < 0 && put_back(d, &late) < 0)
		log_warn("the set that was there stays in " MOVING ": %s", late.text);
	return rc;
}

static int drop_before(const struct dump *d, struct error *err)
{
	auto_fd before = open_aside(d, DUMP_SET_BEFORE);
	if (before < 0)
		return errno == ENOENT ? 0 : error_sys(err, "open " DUMP_SET_BEFORE);
	int rc = take_set(before, -1, err);
	if (rc == 0 && unlinkat(d->images_fd, DUMP_SET_BEFORE, AT_REMOVEDIR) < 0)
		rc = error_sys(err, "remove " DUMP_SET_BEFORE);
	return rc;
}

/* What a dump that was killed has left: the set before it is whole again, or its own is. */
static int recover(const struct dump *d, struct error *err)
{
	if (faccessat(d->images_fd, MOVING, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return put_back(d, err);
	if (has_inventory(d->images_fd))
		return drop_before(d, err);
	int rc = take_images(d->images_fd, -1, err);
	return rc < 0 ? rc : put_back(d, err);
}

int dump_set_begin(struct dump *d, struct error *err)
{
	if (faccessat(d->images_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return error_sys(err, "write to the images directory %s",
				 d->opts->images_dir ? d->opts->images_dir : ".");
	int rc = recover(d, err);
	return rc == 0 && has_inventory(d->images_fd) ? move_aside(d, err) : rc;
}

void dump_set_undo(struct dump *d)
{
	struct error err;
	if (take_set(d->images_fd, -1, &err) < 0)
		log_warn("the failed dump leaves images: %s", err.text);
	else if (put_back(d, &err) < 0)
		log_warn("the set that was there stays aside: %s", err.text);
}

void dump_set_settle(struct dump *d)
{
	struct error err;
	if (drop_before(d, &err) < 0)
		log_warn("the set that was there stays in " DUMP_SET_BEFORE ": %s", err.text);
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
