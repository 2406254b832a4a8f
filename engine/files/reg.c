/* SPDX-License-Identifier: MIT
 * Regular files, directories, executables, mapped files, and whatever was opened O_PATH: known
 * by path, opened again there.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>

#include "base/array.h"
#include "base/build-id.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/covered.h"
#include "engine/files/remap.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/root.h"

/* Done once when the file was first opened; the kernel forgets most of them itself. */
#define OPEN_ONCE ((uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC))
#define LEAST_ELF 64 /* bytes: the header alone */
#define SET_LATER ((uint32_t)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME))

static bool reg_match(const struct open_file *f)
{
	if (f->path[0] != '/')
		return false;
	return S_ISREG(f->st.st_mode) || S_ISDIR(f->st.st_mode) || (f->flags & O_PATH);
}

/* A log that only grows may have grown since: everything else must be as it was. */
static bool size_matters(uint32_t flags)
{
	return !((flags & O_ACCMODE) == O_WRONLY && (flags & O_APPEND));
}

/* Reading these runs code in the kernel, and they are no executables. */
static bool is_virtual(uint32_t fs_type)
{
	switch (fs_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
		return true;
	}
	return false;
}

/* @param flags  how fd is open: it may have to be opened again to be read */
static size_t build_id_of(int fd, uint32_t flags, uint8_t out[BUILD_ID_MAX])
{
	if (!(flags & (O_PATH | O_DIRECT)) && (flags & O_ACCMODE) != O_WRONLY)
		return build_id_read(fd, out);
	auto_fd again = procfs_reopen(fd, O_RDONLY | O_NONBLOCK);
	return again < 0 ? 0 : build_id_read(again, out);
}

static int dump_build_id(const struct open_file *f, RegFileEntry *reg, struct error *err)
{
	uint8_t id[BUILD_ID_MAX];
	if (is_virtual(f->fs_type) || reg->size < LEAST_ELF)
		return 0;
	if (f->locked && (f->flags & O_ACCMODE) == O_WRONLY)
		return 0; /* opening it to read would break a lease */
	/* What stands for cwd, executable and mappings is an O_PATH descriptor of ours. */
	size_t len = build_id_of(f->fd, f->task_fd < 0 ? (uint32_t)O_PATH : f->flags, id);
	if (len == 0)
		return 0;
	size_t words = (len + 3) / 4;
	reg->build_id = calloc(words, 4);
	if (!reg->build_id)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(reg->build_id, id, len);
	reg->n_build_id = words;
	return 0;
}

/* Where the mount is it is on, as its path may lead nowhere for the task. */
static int find_again(struct dump *d, const struct open_file *f, RegFileEntry *reg,
		      struct error *err)
{
	struct ns_mount_place back;
	struct error late;
	reg->mnt_id = mntns_id_of(d, f->fd);
	reg->has_mnt_id = reg->mnt_id >= 0;
	int rc = mntns_enter(d, f->task, reg->mnt_id, f->path, &back, err);
	if (rc < 0)
		return rc;
	rc = remap_dump(d, f, reg, err);
	int left = ns_mount_leave(&back, rc < 0 ? &late : err);
	return rc < 0 ? rc : left;
}

static int name_outside(const struct open_file *f, RegFileEntry *reg, struct error *err)
{
	char name[64];
	file_external_name(f, name, sizeof(name));
	reg->has_ext = reg->ext = true;
	reg->name = strdup(name);
	return reg->name ? 0 : error_set(err, ENOMEM, "out of memory");
}

RegFileEntry *reg_entry_new(const struct open_file *f, FileEntry *e, struct error *err)
{
	RegFileEntry *reg = malloc(sizeof(*reg));
	if (!reg) {
		error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	reg_file_entry__init(reg);
	e->reg = reg;
	reg->id = e->id;
	reg->flags = f->flags;
	reg->pos = f->pos;
	reg->has_mode = true;
	reg->mode = f->st.st_mode;
	return reg;
}

int reg_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	RegFileEntry *reg = reg_entry_new(f, e, err);
	if (!reg)
		return -ENOMEM;
	int rc =
	    file_is_left_outside(d, f) ? name_outside(f, reg, err) : find_again(d, f, reg, err);
	if (rc == 0)
		rc = owner_dump(d, f, &reg->fown, err);
	if (rc < 0 || !S_ISREG(f->st.st_mode) || !size_matters(f->flags))
		return rc;
	reg->has_size = true;
	reg->size = (uint64_t)f->st.st_size;
	const char *how = d->opts->file_validation;
	if (how && !strcmp(how, "filesize"))
		return 0;
	return dump_build_id(f, reg, err);
}

int reg_check(const FileEntry *e, struct error *err)
{
	const RegFileEntry *reg = e->reg;
	if (!reg)
		return error_set(err, EBADMSG, "regular file without its fields");
	if (reg->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, reg->id);
	if (reg->name[0] != '/' && !(reg->has_ext && reg->ext))
		return error_set(err, EBADMSG, "path \"%.200s\" is not absolute", reg->name);
	if (strlen(reg->name) >= PATH_MAX ||
	    (reg->covered_on && strlen(reg->covered_on) >= PATH_MAX))
		return error_set(err, EBADMSG, "path of %zu bytes", strlen(reg->name));
	if (reg->n_build_id > BUILD_ID_MAX / 4)
		return error_set(err, EBADMSG, "%s: build id of %zu words", reg->name,
				 reg->n_build_id);
	if (reg->pos > INT64_MAX && reg->pos != UINT64_MAX)
		return error_set(err, EBADMSG, "%s: offset %#" PRIx64, reg->name, reg->pos);
	return owner_check(reg->fown, err);
}

static void hex(const uint8_t *bytes, size_t len, char *out, size_t size)
{
	out[0] = 0;
	for (size_t i = 0; i < len && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, size - 2 * i, "%02x", bytes[i]);
}

static int check_build_id(int fd, uint32_t flags, const RegFileEntry *reg, struct error *err)
{
	uint8_t now[BUILD_ID_MAX + 4] = { 0 };
	if (reg->n_build_id == 0)
		return 0;
	size_t len = build_id_of(fd, flags, now);
	if ((len + 3) / 4 == reg->n_build_id && !memcmp(now, reg->build_id, reg->n_build_id * 4))
		return 0;
	char wanted[2 * 32 + 1], found[2 * 32 + 1];
	hex((const uint8_t *)reg->build_id, reg->n_build_id * 4, wanted, sizeof(wanted));
	hex(now, len, found, sizeof(found));
	return error_set(err, ESTALE,
			 "%s: build id is %s, was %s at the dump: put that file back, or pass "
			 "--file-validation filesize",
			 reg->name, len ? found : "missing", wanted);
}

int reg_check_found(struct restore *r, int fd, uint32_t flags, const RegFileEntry *reg,
		    struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s: stat", reg->name);
	mode_t compared = r->opts->skip_file_rwx_check ? S_IFMT : ~0u;
	if (reg->has_mode && (st.st_mode & compared) != (reg->mode & compared))
		return error_set(err, ESTALE, "%s: mode is 0%o, was 0%o at the dump%s", reg->name,
				 st.st_mode, reg->mode,
				 (st.st_mode ^ reg->mode) & S_IFMT
				     ? ": it is no file of that kind; put that back"
				     : " (--skip-file-rwx-check lets that pass)");
	if (reg->has_size && (uint64_t)st.st_size != reg->size)
		return error_set(err, ESTALE,
				 "%s: size is %" PRIu64 ", was %" PRIu64
				 " at the dump: put that file back",
				 reg->name, (uint64_t)st.st_size, reg->size);
	const char *how = r->opts->file_validation;
	if (how && !strcmp(how, "filesize"))
		return 0;
	return check_build_id(fd, flags, reg, err);
}

/* As error_sys(): names that are gone say what to do about it. */
static int cannot_open(const char *name, struct error *err)
{
	int code = errno;
	if (code != ENOENT && code != ENOTDIR && code != EISDIR)
		return error_code(err, code, "open %s", name);
	return error_set(err, code, "open %s: %s: put that file back", name, strerror(code));
}

int reg_open_raw(struct restore *r, const RegFileEntry *reg, int flags, struct error *err)
{
	const struct file_item *item = file_set_find(r->files, reg->id);
	if (item && item->base >= 0 && !item->visible) {
		int fd = procfs_reopen(item->base, flags & ~O_NOFOLLOW);
		return fd < 0 ? error_sys(err, "open %s", reg->name) : fd;
	}
	if (reg->covered_on)
		return covered_open(reg, flags, err);
	struct mnt_standing before;
	int rc = mntns_stand(r, reg_mnt_id(reg), reg->name, &before, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open(item && item->visible ? item->visible : reg->name, flags | O_CLOEXEC);
	rc = fd < 0 ? cannot_open(reg->name, err) : 0;
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back < 0 ? back : take_fd(fd);
}

/* What was a file may be a FIFO by now: never wait in open. O_TMPFILE has O_DIRECTORY in it, but
 * made no directory. */
uint32_t reg_flags_again(uint32_t flags)
{
	uint32_t how = flags & ~OPEN_ONCE & ~(uint32_t)O_ASYNC;
	if ((how & O_TMPFILE) == O_TMPFILE)
		how &= ~(uint32_t)O_TMPFILE;
	return how & O_PATH ? how : how | O_NONBLOCK;
}

int reg_open_path(struct restore *r, const RegFileEntry *reg, uint32_t flags, struct error *err)
{
	auto_fd fd = reg_open_raw(r, reg, (int)reg_flags_again(flags), err);
	if (fd < 0)
		return fd;
	struct file_item *item = file_set_find(r->files, reg->id);
	if (!item || !item->checked) {
		int rc = reg_check_found(r, fd, flags, reg, err);
		if (rc < 0)
			return rc;
	}
	if (item)
		item->checked = true;
	return take_fd(fd);
}

int file_set_flags(int fd, uint32_t flags, const FownEntry *owner, struct error *err)
{
	if (flags & O_PATH)
		return 0;
	if (fcntl(fd, F_SETFL, flags & SET_LATER) < 0)
		return error_sys(err, "set flags %#x", flags);
	if (owner && owner->signum && fcntl(fd, F_SETSIG, (int)owner->signum) < 0)
		return error_sys(err, "set signal %u", owner->signum);
	return 0;
}

int reg_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const RegFileEntry *reg = e->reg;
	struct file_item *item = file_set_find(r->files, reg->id);
	auto_fd fd = item && item->early >= 0 ? take_fd(item->early)
					      : reg_open_path(r, reg, reg->flags, err);
	return fd < 0 ? fd : reg_settle(take_fd(fd), reg, err);
}

int reg_settle(int opened, const RegFileEntry *reg, struct error *err)
{
	auto_fd fd = opened;
	int rc = file_set_flags(fd, reg->flags, reg->fown, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", reg->name);
	rc = device_settle(fd, reg, err);
	if (rc < 0)
		return rc;
	bool seek = reg->pos != 0 && reg->pos != UINT64_MAX && !(reg->flags & O_PATH);
	if (seek && lseek(fd, (off_t)reg->pos, SEEK_SET) < 0)
		return error_sys(err, "%s: seek to %" PRIu64, reg->name, reg->pos);
	return take_fd(fd);
}

int reg_open_mapped(struct restore *r, const FileEntry *e, uint32_t flags, struct error *err)
{
	return reg_open_path(r, e->reg, flags, err);
}

const FownEntry *reg_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->reg->flags;
	return e->reg->fown;
}

const struct file_type file_regular = {
	.name = "regular file, directory",
	.type = FD_TYPES__REG,
	.match = reg_match,
	.dump = reg_dump,
	.check = reg_check,
	.open = reg_open,
	.open_mapped = reg_open_mapped,
	.owner = reg_owner,
};
