/* SPDX-License-Identifier: MIT
 * Pairs made again: a master with the index it had, its slave through it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/files/tty.h"
#include "engine/procfs/root.h"
#include "engine/ns/user.h"

/* Masters of lower index, open only so that the kernel gives out the next one. */
struct held {
	int *items;
	size_t nr, cap;
};

static void held_fini(struct held *held)
{
	for (size_t i = 0; i < held->nr; i++)
		close(held->items[i]);
	free(held->items);
}

/* Is fd NAME of a process, whose directory of descriptors is `dir`, a side of this pair? */
static bool is_side(int dir, const char *pid, const char *name, uint32_t index)
{
	char link[64], slave[32], path[80], key[32];
	ssize_t len = readlinkat(dir, name, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	snprintf(slave, sizeof(slave), "/dev/pts/%u", index);
	if (!strcmp(link, slave))
		return true;
	if (len < 5 || strcmp(link + len - 5, "/ptmx") != 0)
		return false;
	auto_strbuf info = { 0 };
	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, name);
	snprintf(key, sizeof(key), "tty-index:\t%u\n", index);
	return file_read_at(AT_FDCWD, path, &info, NULL) == 0 && strstr(info.data, key);
}

static bool holds(const char *pid, uint32_t index)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	auto_dir dir = opendir(path);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_side(dirfd(dir), pid, entry->d_name, index))
			return true;
	return false;
}

/* Who has the index now: another program than this. */
static int index_taken(uint32_t index, struct error *err)
{
	char path[64];
	auto_strbuf comm = { 0 };
	auto_dir proc = opendir("/proc");
	const struct dirent *entry;
	while (proc && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid() ||
		    !holds(entry->d_name, index))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		if (file_read_at(AT_FDCWD, path, &comm, NULL) < 0 || !comm.len)
			continue;
		comm.data[strcspn(comm.data, "\n")] = '\0';
		return error_set(err, EBUSY,
				 "terminal /dev/pts/%u is taken by pid %.16s (%s): end it, or "
				 "restore where the number is free",
				 index, entry->d_name, comm.data);
	}
	return error_set(err, EBUSY,
			 "terminal /dev/pts/%u is taken: close it, or restore where the number is "
			 "free",
			 index);
}

/* The master's own path, or the one beside the slave, or the usual one. */
static void ptmx_path(struct restore *r, const struct tty *t, char *out, size_t len)
{
	const RegFileEntry *master = tty_reg(r, t->master_file);
	const RegFileEntry *slave = tty_reg(r, t->slave_file);
	const char *slash = slave ? strrchr(slave->name, '/') : NULL;
	snprintf(out, len, "/dev/ptmx");
	if (master && strlen(master->name) < len)
		snprintf(out, len, "%s", master->name);
	else if (slash && (size_t)(slash - slave->name) + sizeof("/ptmx") <= len)
		snprintf(out, len, "%.*s/ptmx", (int)(slash - slave->name), slave->name);
	if (!master && access(out, F_OK) < 0)
		snprintf(out, len, "/dev/ptmx");
}

static int hold(struct held *held, int fd, struct error *err)
{
	int *at = array_add(held);
	if (at) {
		*at = fd;
		return 0;
	}
	close(fd);
	return error_set(err, ENOMEM, "out of memory");
}

/* The kernel gives out the lowest free index. */
static int open_index(const struct tty *t, const char *path, int flags, struct held *held,
		      struct error *err)
{
	for (;;) {
		uint32_t index;
		int fd = open(path, flags);
		if (fd < 0 || ioctl(fd, TIOCGPTN, &index) < 0) {
			int rc = error_sys(err, "open %s for terminal %u", path, t->index);
			fd_close(fd);
			return rc;
		}
		if (index == t->index)
			return fd;
		int rc = hold(held, fd, err);
		if (rc < 0)
			return rc;
		/* what is hung up has no name any more: the number tells nobody anything */
		if (index > t->index && tty_is_hung(t))
			return held->items[--held->nr];
		if (index > t->index)
			return index_taken(t->index, err);
	}
}

static int make_master(struct restore *r, struct tty *t, struct held *held, struct error *err)
{
	char path[PATH_MAX];
	int zero = 0;
	ptmx_path(r, t, path, sizeof(path));
	int access = t->master_file ? (int)(t->master_file->flags & O_ACCMODE) : O_RDWR;
	int fd = open_index(t, path, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, held, err);
	if (fd >= 0)
		fd = window_take(r->files, fd, err);
	if (fd < 0)
		return fd;
	t->master_fd = fd;
	return ioctl(fd, TIOCSPTLCK, &zero) < 0 ? error_sys(err, "unlock terminal %u", t->index)
						: 0;
}

/* Whom the slave belongs to, and who may write to it. */
static int set_owner(struct restore *r, const struct tty *t, struct error *err)
{
	const RegFileEntry *reg = tty_reg(r, t->slave_file);
	const TtyInfoEntry *info = t->slave;
	struct stat st;
	if (!info || fstat(t->control, &st) < 0)
		return 0;
	uid_t uid = id_outside(r->users, ID_USER, info->uid);
	gid_t gid = id_outside(r->users, ID_GROUP, info->gid);
	bool other = info->has_uid && info->has_gid && (st.st_uid != uid || st.st_gid != gid);
	if (other && fchown(t->control, uid, gid) < 0)
		return error_sys(err, "give terminal %u to uid %u", t->index, info->uid);
	if (reg && reg->has_mode && (st.st_mode & 07777) != (reg->mode & 07777) &&
	    fchmod(t->control, reg->mode & 07777) < 0)
		return error_sys(err, "set the mode of terminal %u", t->index);
	return 0;
}

/* One side may be enough: a master whose slave nobody has opened has no session either. */
static bool needs_control(const struct tty *t)
{
	return t->slave_file || t->has_data[0] || t->has_data[1] || tty_info(t)->sid;
}

static int make_control(struct restore *r, struct tty *t, struct error *err)
{
	int fd = pty_open_slave(t, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_code(err, fd, "open the slave of terminal %u", t->index);
	t->control = window_take(r->files, fd, err);
	if (t->control < 0)
		return t->control;
	return t->outside ? 0 : set_owner(r, t, err);
}

static bool is_used(const struct tty *t)
{
	return t->type == TTY_TYPE__PTY && (t->master_file || t->slave_file);
}

int pty_make_all(struct restore *r, struct error *err)
{
	struct tty_set *set = &r->files->ttys;
	struct held held = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->nr && !set->made; i++) {
		struct tty *t = &set->items[i];
		if (!is_used(t))
			continue;
		if (!t->outside)
			rc = make_master(r, t, &held, err);
		if (rc == 0 && needs_control(t))
			rc = make_control(r, t, err);
	}
	held_fini(&held);
	set->made = true;
	return rc;
}

int pty_open_slave(const struct tty *t, int flags)
{
	int fd = t->outside ? procfs_reopen(STDIN_FILENO, flags)
			    : ioctl(t->master_fd, TIOCGPTPEER, flags);
	return fd < 0 ? -errno : fd;
}
