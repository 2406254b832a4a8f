/* SPDX-License-Identifier: MIT
 * A directory of images for tasks in a user namespace, in which the privilege of the engine ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/context/restore.h"
#include "engine/ns/user.h"
#include "images/source.h"

/* A task is who the engine is while it reads images, but has no privilege over these. podman makes
 * the directory with mode 0600, which takes some to look into. */
static bool is_open_to_tasks(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & S_IXUSR);
}

/* As a mount on which it belongs to the root of the tasks. @return descriptor, or -errno */
static int open_as_theirs(int dir, int user_fd)
{
	struct mount_attr theirs = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_fd };
	auto_fd tree =
	    open_tree(dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned)AT_EMPTY_PATH);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &theirs, sizeof(theirs)) < 0)
		return -errno;
	int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Nothing leads out of that mount, so sets that go on in another directory stay as they are. */
static int goes_on_elsewhere(struct source *images, struct error *err)
{
	int parent = source_parent_fd(images, err);
	if (parent >= 0)
		close(parent);
	return parent == -ENOENT ? 0 : parent < 0 ? parent : 1;
}

int userns_open_images(struct restore *r, int user_fd, struct error *err)
{
	struct stat st;
	if (fstat(r->images_fd, &st) < 0)
		return error_sys(err, "stat the directory of images");
	if (is_open_to_tasks(&st))
		return 0;
	int rc = goes_on_elsewhere(r->images, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	auto_fd dir = open_as_theirs(r->images_fd, user_fd);
	if (dir < 0) {
		log_warn("the directory of images is closed to tasks in a user namespace, and its "
			 "file system has no idmapped mounts (error %d): give it mode 0700",
			 -dir);
		return 0;
	}
	struct source *theirs = NULL;
	rc = source_open_dirfd(dir, source_name(r->images), &theirs, err);
	if (rc < 0)
		return rc;
	source_set_pids(theirs, source_pids(r->images));
	source_close(r->images);
	r->images = theirs;
	return 0;
}
