/* SPDX-License-Identifier: MIT
 * Triggers of pressure stall information: /proc/pressure/…, and the same of control groups, open
 * for writing. In images they are files.
 * Source: Documentation/accounting/psi.rst.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

/* Nothing tells what a trigger is set to. This one says something when all tasks stand still for
 * ten seconds; without any, poll(2) returns an error at once, again and again. */
static const char quiet[] = "full 10000000 10000000";

static bool is_trigger(const char *path, uint32_t flags)
{
	static const char suffix[] = ".pressure";
	size_t len = strlen(path), tail = strlen(suffix);
	bool named =
	    strstr(path, "/pressure/") || (len > tail && !strcmp(path + len - tail, suffix));
	return named && (flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH);
}

static bool is_there(uint32_t fs_type)
{
	return fs_type == PROC_SUPER_MAGIC || fs_type == CGROUP2_SUPER_MAGIC;
}

static bool pressure_match(const struct open_file *f)
{
	return is_there(f->fs_type) && is_trigger(f->path, f->flags);
}

static int pressure_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char holder[96];
	log_warn("%s is a trigger of %.800s: nothing tells what it is set to, so after the restore "
		 "it tells of no pressure until the program opens it again",
		 file_holder(f, holder, sizeof(holder)), f->path);
	return reg_dump(d, f, e, err);
}

static bool pressure_is_entry(const FileEntry *e)
{
	return e->reg && is_trigger(e->reg->name, e->reg->flags);
}

static int pressure_open(struct restore *r, const FileEntry *e, struct error *err)
{
	struct statfs fs;
	auto_fd fd = reg_open(r, e, err);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0 || !is_there((uint32_t)fs.f_type))
		return take_fd(fd); /* a file that is only called so */
	if (write(fd, quiet, sizeof(quiet)) < 0)
		return error_sys(err, "%s: set a trigger", e->reg->name);
	return take_fd(fd);
}

const struct file_type file_pressure = {
	.name = "trigger of pressure",
	.type = FD_TYPES__REG,
	.is_entry = pressure_is_entry,
	.match = pressure_match,
	.dump = pressure_dump,
	.check = reg_check,
	.open = pressure_open,
	.open_mapped = reg_open_mapped,
	.owner = reg_owner,
};
