/* SPDX-License-Identifier: MIT
 * What the caller of a restore hands over in the place of a file: --inherit-fd fd[N]:NAME. Names
 * are those of links in /proc/PID/fd: pipe:[INODE], socket:[INODE], a path; an external file has
 * the name it was left out by.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/external.h"
#include "engine/files/set.h"
#include "engine/procfs/root.h"

/* Paths may be given with or without the slash in front. */
static int find_path(const struct options *opts, const char *path)
{
	int fd = inherit_find(opts, path);
	return fd < 0 ? inherit_find(opts, path + 1) : fd;
}

static bool is_external(const FileEntry *e)
{
	return e->type == FD_TYPES__REG && e->reg->has_ext && e->reg->ext;
}

static int find(const struct options *opts, const FileEntry *e)
{
	char name[64] = "";
	if (is_external(e))
		return inherit_find(opts, e->reg->name);
	switch (e->type) {
	case FD_TYPES__REG:
		return e->io_uring ? -1 : find_path(opts, e->reg->name);
	case FD_TYPES__PIPE:
		snprintf(name, sizeof(name), "pipe:[%u]", e->pipe->pipe_id);
		break;
	case FD_TYPES__UNIXSK:
		snprintf(name, sizeof(name), "socket:[%u]", e->usk->ino);
		break;
	default:
		return -1;
	}
	return inherit_find(opts, name);
}

/* Another description of what was handed over, as the task had it. */
static int open_again(int given, uint32_t flags, const FownEntry *owner, struct error *err)
{
	auto_fd fd = procfs_reopen(given, (int)(flags & O_ACCMODE) | O_NONBLOCK);
	if (fd < 0)
		return error_sys(err, "open fd %d of the restore again", given);
	int rc = file_set_flags(fd, flags, owner, err);
	return rc < 0 ? rc : take_fd(fd);
}

static int open_external(struct restore *r, const RegFileEntry *reg, int given, struct error *err)
{
	auto_fd fd = procfs_reopen(given, (int)reg_flags_again(reg->flags));
	int rc = fd < 0 ? error_sys(err, "%s: open fd %d of the restore again", reg->name, given)
			: reg_check_found(r, fd, reg->flags, reg, err);
	return rc < 0 ? rc : reg_settle(take_fd(fd), reg, err);
}

int inherit_open(struct restore *r, const FileEntry *e, int *out, struct error *err)
{
	int given = find(r->opts, e);
	if (given < 0 && is_external(e))
		return error_set(err, EINVAL,
				 "%s was left out with --external: hand one over with --inherit-fd "
				 "fd[N]:%s",
				 e->reg->name, e->reg->name);
	if (given < 0)
		return 0;
	log_info("file id %u is fd %d of the restore", e->id, given);
	if (is_external(e))
		*out = open_external(r, e->reg, given, err);
	else if (e->type == FD_TYPES__PIPE)
		*out = open_again(given, e->pipe->flags, e->pipe->fown, err);
	else
		*out = fcntl(given, F_DUPFD_CLOEXEC, 0);
	if (*out == -1)
		return error_sys(err, "duplicate fd %d of the restore", given);
	return *out < 0 ? *out : 1;
}
