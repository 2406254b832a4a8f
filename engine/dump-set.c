/* SPDX-License-Identifier: MIT
 * The image set as a whole. inventory.img is written last: without it there is no set.
 */
#include "engine/dump-set.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

struct dump_set {
	char **items; /* names of the images that were there */
	size_t nr, cap;
};

static DIR *open_images(const struct dump *d)
{
	int fd = openat(d->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		fd_close(fd);
	return dir;
}

static bool was_there(const struct dump_set *before, const char *name)
{
	for (size_t i = 0; i < before->nr; i++) {
		if (!strcmp(before->items[i], name))
			return true;
	}
	return false;
}

void dump_set_free(struct dump_set *before)
{
	if (!before)
		return;
	for (size_t i = 0; i < before->nr; i++)
		free(before->items[i]);
	free(before->items);
	free(before);
}

static int list_images(const struct dump *d, struct dump_set *set, struct error *err)
{
	auto_dir dir = open_images(d);
	if (!dir)
		return error_sys(err, "read the images directory");
	struct dirent *de;
	while ((de = readdir(dir))) {
		if (!image_type_by_filename(de->d_name))
			continue;
		char **slot = array_add(set);
		if (slot)
			*slot = strdup(de->d_name);
		if (!slot || !*slot)
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int dump_set_begin(struct dump *d, struct dump_set **out, struct error *err)
{
	struct dump_set *set = calloc(1, sizeof(*set));
	if (!set)
		return error_set(err, ENOMEM, "out of memory");
	int rc = list_images(d, set, err);
	if (rc == 0 && unlinkat(d->images_fd, "inventory.img", 0) < 0 && errno != ENOENT)
		rc = error_sys(err, "write to the images directory");
	if (rc < 0) {
		dump_set_free(set);
		return rc;
	}
	*out = set;
	return 0;
}

void dump_set_undo(struct dump *d, struct dump_set *before)
{
	auto_dir dir = open_images(d);
	struct dirent *de;
	while (dir && (de = readdir(dir))) {
		if (!image_type_by_filename(de->d_name) || was_there(before, de->d_name))
			continue;
		if (unlinkat(dirfd(dir), de->d_name, 0) < 0)
			log_warn("cannot remove %s of the failed dump", de->d_name);
	}
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
