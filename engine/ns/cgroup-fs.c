/* SPDX-License-Identifier: MIT
 * A mount of one's own for a hierarchy, attached nowhere: nothing to clean up, whatever happens.
 */
#include "engine/ns/cgroup-fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/root.h"

#define NAMED "name="

static bool is_named(const char *name)
{
	return !strncmp(name, NAMED, strlen(NAMED));
}

/* cpu,cpuacct: a flag for each; name=x: no controller ("none"), and the name. */
static int configure(int fs, const char *name)
{
	if (!*name)
		return 0;
	if (is_named(name)) {
		if (fsconfig(fs, FSCONFIG_SET_FLAG, "none", NULL, 0) < 0)
			return -errno;
		int rc = fsconfig(fs, FSCONFIG_SET_STRING, "name", name + strlen(NAMED), 0);
		return rc < 0 ? -errno : 0;
	}
	auto_free char *list = strdup(name);
	char *rest = list, *controller;
	while (rest && (controller = strsep(&rest, ",")) != NULL) {
		if (fsconfig(fs, FSCONFIG_SET_FLAG, controller, NULL, 0) < 0)
			return -errno;
	}
	return list ? 0 : -ENOMEM;
}

int cgroup_yard_open(const char *path, int work_fd, int *out, struct error *err)
{
	*out = path ? openat(work_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	return path && *out < 0 ? error_sys(err, "--cgroup-yard %s", path) : 0;
}

static int open_in_yard(const char *name, int yard, struct error *err)
{
	const char *dir = !*name ? "unified" : is_named(name) ? name + strlen(NAMED) : name;
	int fd = openat(yard, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "--cgroup-yard: %s", dir) : fd;
}

/* @return its root directory; -1: it is another one, or may not be written to */
static int open_mount(const struct proc_mount *m)
{
	struct statx st;
	struct statvfs fs;
	if (strcmp(m->type, "cgroup2") != 0 || strcmp(m->root, "/") != 0)
		return -1;
	auto_fd fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID) || (int)st.stx_mnt_id != m->id || fstatvfs(fd, &fs) < 0 ||
	    fs.f_flag & ST_RDONLY)
		return -1;
	return take_fd(fd);
}

/* The unified hierarchy where it is mounted: another mount of it waits until no task is being born
 * or ends (of cgroup_threadgroup_rwsem), 10 ms or more. */
static int open_unified(void)
{
	auto_strbuf text = { 0 };
	struct proc_mounts mounts = { 0 };
	int fd = -1;
	if (file_read_at(procfs_fd(), "self/mountinfo", &text, NULL) < 0 ||
	    proc_mounts_parse(text.data ? text.data : "", text.len, &mounts, NULL) < 0)
		return -1;
	for (size_t i = 0; fd < 0 && i < mounts.nr; i++)
		fd = open_mount(&mounts.items[i]);
	proc_mounts_fini(&mounts);
	return fd;
}

int cgroup_fs_open(const char *name, int yard, struct error *err)
{
	int mounted = yard < 0 && !*name ? open_unified() : -1;
	if (yard >= 0 || mounted >= 0)
		return mounted >= 0 ? mounted : open_in_yard(name, yard, err);
	auto_fd fs = fsopen(*name ? "cgroup" : "cgroup2", FSOPEN_CLOEXEC);
	if (fs < 0)
		return error_sys(err, "cgroup hierarchy \"%s\": fsopen", name);
	int rc = configure(fs, name);
	if (rc == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = -errno;
	if (rc < 0)
		return error_code(err, rc, "cgroup hierarchy \"%s\": mount it", name);
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? error_sys(err, "cgroup hierarchy \"%s\": mount it", name) : fd;
}

const char *cgroup_fs_relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

/* A group of threads has another file for them in the unified hierarchy than in others. */
static const char *members_file(const char *name, bool thread)
{
	if (!thread)
		return "cgroup.procs";
	return *name ? "tasks" : "cgroup.threads";
}

int cgroup_fs_move(int root, const char *name, const char *path, pid_t id, bool thread,
		   struct error *err)
{
	auto_fd dir = openat(root, cgroup_fs_relative(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "cgroup %s:%s", name, path);
	const char *file = members_file(name, thread);
	auto_fd fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "cgroup %s:%s/%s", name, path, file);
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", id);
	int rc = fd_write_full(fd, text, (size_t)len);
	return rc < 0 ? error_code(err, rc, "move %s %d to cgroup %s:%s", thread ? "thread" : "pid",
				   id, name, path)
		      : 0;
}
