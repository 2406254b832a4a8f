/* SPDX-License-Identifier: MIT
 * A restored autofs and its daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/auto_dev-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/ns/mnt-names.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/reader.h"

#define DEVICE "/dev/" AUTOFS_DEVICE_NAME

void autofs_set_free(struct autofs_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++) {
		fd_close(set->items[i].pipe);
		fd_close(set->items[i].dir);
		if (set->items[i].e)
			autofs_entry__free_unpacked(set->items[i].e, NULL);
	}
	if (set->numbers)
		munmap(set->numbers, set->nr * sizeof(int));
	fd_close(set->device);
	free(set->items);
	free(set);
}

/* The descriptor of the daemon's that leads to the pipe. */
static int pipe_fd_of(const AutofsEntry *e)
{
	return e->has_read_fd ? e->read_fd : e->fd;
}

static const struct rtask *find_daemon(const struct restore *r, const AutofsEntry *e)
{
	const struct rtask *found = NULL;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (rtask_is_living(t) && t->pgid == e->pgrp && (!found || t->pid == e->pgrp))
			found = t;
	}
	return found;
}

static int check(struct restore *r, struct autofs *a, struct error *err)
{
	const AutofsEntry *e = a->e;
	if (e->timeout < 0 || e->fd < -1 || (e->has_read_fd && e->read_fd < 0))
		return error_set(err, EBADMSG, "its timeout is %d, its descriptor %d", e->timeout,
				 pipe_fd_of(e));
	a->daemon = e->fd < 0 ? NULL : find_daemon(r, e);
	if (e->fd >= 0 && !a->daemon)
		return error_set(err, EBADMSG, "nobody is in the process group of its daemon, %d",
				 e->pgrp);
	return mnt_names_check(e, err);
}

static int load_one(struct restore *r, const struct mnt_source *s, struct error *err)
{
	struct autofs *a = array_add(r->mounts->autofs);
	char name[MNT_NAME_MAX];
	if (!a)
		return error_set(err, ENOMEM, "out of memory");
	*a = (struct autofs){ .source = s, .pipe = -1, .dir = -1 };
	int rc = image_read_one(r->images, IMG_AUTOFS, s->of->e->root_dev,
				(ProtobufCMessage **)&a->e, err);
	if (rc == 0)
		rc = check(r, a, err);
	return rc < 0 ? error_wrap(err, rc, "%s", mnt_name(s->of, name)) : 0;
}

/* The device of the host: the tree may have none. */
static int open_device(struct autofs_set *set, struct error *err)
{
	bool needed = false;
	for (size_t i = 0; i < set->nr; i++)
		needed |= set->items[i].daemon != NULL;
	set->device = needed ? open(DEVICE, O_RDONLY | O_CLOEXEC) : -1;
	return needed && set->device < 0 ? error_sys(err, "open %s, to restore autofs", DEVICE) : 0;
}

int autofs_load(struct restore *r, struct error *err)
{
	const struct mnt_tree *tree = r->mounts;
	struct autofs_set *set = r->mounts->autofs = calloc(1, sizeof(*set));
	if (!set)
		return error_set(err, ENOMEM, "out of memory");
	set->device = -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->sources.nr; i++) {
		const struct mnt_source *s = tree->sources.items[i];
		if (s->kind == MNT_FROM_NEW && s->of->fs->code == FSTYPE__AUTOFS)
			rc = load_one(r, s, err);
	}
	if (rc < 0 || set->nr == 0)
		return rc;
	void *numbers = mmap(NULL, set->nr * sizeof(int), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (numbers == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	set->numbers = numbers;
	return open_device(set, err);
}

static bool is_served(const struct restore *r)
{
	return r->mounts && r->mounts->autofs && r->mounts->autofs->device >= 0;
}

int autofs_keep_pipes(struct restore *r, struct error *err)
{
	struct autofs_set *set = is_served(r) ? r->mounts->autofs : NULL;
	if (!set)
		return 0;
	int device = files_keep(r, set->device, err);
	if (device < 0)
		return device;
	set->device = device;
	for (size_t i = 0; i < set->nr; i++) {
		struct autofs *a = &set->items[i];
		if (!a->daemon)
			continue;
		a->pipe = pipe_open_writer(r, a->daemon, pipe_fd_of(a->e), err);
		if (a->pipe < 0)
			return a->pipe;
		/* the number is known to tasks; what is there they fetch */
		auto_fd place = fcntl(a->pipe, F_DUPFD_CLOEXEC, 3);
		if (place < 0)
			return error_sys(err, "duplicate a pipe");
		a->dir = files_keep(r, place, err);
		if (a->dir < 0)
			return a->dir;
		take_fd(place);
	}
	return 0;
}

int autofs_keep_dirs(struct restore *r, struct error *err)
{
	const struct autofs_set *set = is_served(r) ? r->mounts->autofs : NULL;
	char path[48];
	for (size_t i = 0; set && i < set->nr; i++) {
		const struct autofs *a = &set->items[i];
		if (!a->daemon)
			continue;
		snprintf(path, sizeof(path), "%d/fd/%d", r->ns->builder, set->numbers[i]);
		auto_fd fd = procfs_open(path, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || dup3(fd, a->dir, O_CLOEXEC) < 0)
			return error_sys(err, "open /proc/%s", path);
	}
	return 0;
}

/* In a task. */

static int set_pipe(const struct autofs_set *set, int dir, int pipe)
{
	struct autofs_dev_ioctl param;
	init_autofs_dev_ioctl(&param);
	param.ioctlfd = dir;
	param.setpipefd.pipefd = (uint32_t)pipe;
	return ioctl(set->device, AUTOFS_DEV_IOCTL_SETPIPEFD, &param);
}

/* The kernel tells the number of its descriptor, whoever has what there now. */
static int connect_one(const struct restore *r, const struct autofs *a, struct error *err)
{
	const struct autofs_set *set = r->mounts->autofs;
	bool borrowed = a->e->has_read_fd && fcntl(a->e->fd, F_GETFD) < 0;
	int pipe = a->e->has_read_fd && !borrowed ? a->pipe : a->e->fd;
	auto_fd dir = (int)syscall(SYS_pidfd_getfd, userns_holder_fd(r, a->daemon), a->dir, 0);
	if (dir < 0 || (borrowed && dup3(a->pipe, pipe, O_CLOEXEC) < 0))
		return error_sys(err, "fetch the autofs from the coordinator");
	int rc = set_pipe(set, dir, pipe) < 0 ? error_sys(err, "connect it with its daemon") : 0;
	if (borrowed)
		close(pipe);
	return rc;
}

int autofs_connect(struct restore *r, const struct rtask *t, struct error *err)
{
	const struct autofs_set *set = is_served(r) ? r->mounts->autofs : NULL;
	char name[MNT_NAME_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && set && i < set->nr; i++) {
		const struct autofs *a = &set->items[i];
		rc = a->daemon == t ? connect_one(r, a, err) : 0;
		if (rc < 0)
			return error_wrap(err, rc, "task %d: %s", t->pid,
					  mnt_name(a->source->of, name));
	}
	return rc;
}
