/* SPDX-License-Identifier: MIT
 * Whether a path still leads to its file, and what stands for the file where it does not.
 */
#include "engine/files/remap.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "engine/files/covered.h"
#include "engine/files/live-proc.h"
#include "images/reader.h"

#define SILLY_DIGITS 24 /* NFS client: .nfs, inode and a counter in hex */

/* @return length of a path without the kernel's mark */
static size_t len_unmarked(const char *path)
{
	size_t all = strlen(path), mark = strlen(DELETED_MARK);
	return all > mark && !strcmp(path + all - mark, DELETED_MARK) ? all - mark : all;
}

static bool leads_to(const char *path, const struct stat *st)
{
	struct stat now;
	return lstat(path, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* Of a path that does not lead to its file. */
static pid_t dead_pid(const struct open_file *f)
{
	return f->fs_type == PROC_SUPER_MAGIC ? proc_path_pid(f->path, NULL) : 0;
}

/* The NFS client keeps a deleted file under such a name only as long as somebody has it open. */
static bool is_silly_renamed(const struct open_file *f)
{
	const char *name = strrchr(f->path, '/') + 1;
	return f->fs_type == NFS_SUPER_MAGIC && !strncmp(name, ".nfs", 4) &&
	       strspn(name + 4, "0123456789abcdef") >= SILLY_DIGITS;
}

/* Any node of a device will do, once the caller says so. */
static bool is_same_device(const struct dump *d, const struct open_file *f)
{
	struct stat now;
	char path[PATH_MAX];
	if (!d->opts->evasive_devices || (!S_ISCHR(f->st.st_mode) && !S_ISBLK(f->st.st_mode)))
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)len_unmarked(f->path), f->path);
	return stat(path, &now) == 0 && (now.st_mode & S_IFMT) == (f->st.st_mode & S_IFMT) &&
	       now.st_rdev == f->st.st_rdev;
}

int remap_write(struct dump *d, uint32_t orig_id, uint32_t remap_id, RemapType type,
		struct error *err)
{
	struct file_table *t = d->files;
	RemapFilePathEntry e = REMAP_FILE_PATH_ENTRY__INIT;
	if (!t->remaps) {
		int rc = image_create(d->images_fd, IMG_REMAP_FPATH, 0, &t->remaps, err);
		if (rc < 0)
			return rc;
	}
	e.orig_id = orig_id;
	e.remap_id = remap_id;
	e.has_remap_type = true;
	e.remap_type = type;
	return image_write(t->remaps, &e.base, err);
}

/* One entry a process: as CRIU writes it, for whatever files of it are open. */
static int dead_pid_dump(struct dump *d, pid_t pid, uint32_t id, struct error *err)
{
	struct file_table *t = d->files;
	for (size_t i = 0; i < t->dead_pids.nr; i++)
		if (t->dead_pids.items[i] == pid)
			return 0;
	pid_t *slot = array_add(&t->dead_pids);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = pid;
	return remap_write(d, id, (uint32_t)pid, REMAP_TYPE__PROCFS, err);
}

/* Nothing has the name any more; a name that something else has now says nothing of our file. With
 * the kernel's mark it may be longer than any. */
static bool is_name_free(const char *path)
{
	struct stat now;
	return lstat(path, &now) < 0 && (errno == ENOENT || errno == ENAMETOOLONG);
}

int remap_dump(struct dump *d, const struct open_file *f, RegFileEntry *reg, struct error *err)
{
	bool silly = is_silly_renamed(f);
	bool same = !silly && is_same_device(d, f);
	bool found = same || (!silly && leads_to(f->path, &f->st));
	pid_t dead = found ? 0 : dead_pid(f);
	if (!found && !dead && !d->mounts && f->st.st_nlink)
		found = covered_find(f, &reg->covered_on);
	bool linked = !found && !dead && f->st.st_nlink;
	if (linked && (d->mounts ? reg->mnt_id < 0 : covered_is_detached(f)))
		return file_refuse_unmounted(f, err);
	if (linked && !silly && !is_name_free(f->path))
		return file_refuse_moved(f, err);
	reg->name = strndup(f->path, found && !same ? strlen(f->path) : len_unmarked(f->path));
	if (!reg->name)
		return error_set(err, ENOMEM, "out of memory");
	if (found)
		return live_proc_check(d, f, err);
	if (dead)
		return dead_pid_dump(d, dead, reg->id, err);
	return linked ? link_remap_dump(d, f, reg, err) : ghost_dump(d, f, reg->id, err);
}

/* Restore. */

static const struct kind {
	RemapType type;
	int (*restore)(struct restore *r, const struct remap_row *row, struct error *err);
} kinds[] = {
	{ REMAP_TYPE__LINKED, link_remap_restore },
	{ REMAP_TYPE__GHOST, ghost_restore },
	{ REMAP_TYPE__PROCFS, dead_pid_restore },
};

static const struct kind *kind_of(RemapType type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

struct file_item *remap_item(struct restore *r, const struct remap_row *row, struct error *err)
{
	struct file_item *item = file_set_find(r->files, row->orig_id);
	if (item && item->entry->type == FD_TYPES__REG)
		return item;
	error_set(err, EBADMSG, "remap-fpath.img: file id %u is %s", row->orig_id,
		  item ? "no file with a path" : "not in files.img");
	return NULL;
}

static int row_add(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		   struct error *err)
{
	struct restore *r = ctx;
	const RemapFilePathEntry *e = (const RemapFilePathEntry *)*msg;
	(void)reader;
	/* Sets of old versions say so by the highest bit, and know two kinds. */
	bool ghost = e->remap_id & 0x80000000u;
	RemapType type = e->has_remap_type ? e->remap_type
			 : ghost           ? REMAP_TYPE__GHOST
					   : REMAP_TYPE__LINKED;
	if (!kind_of(type))
		return error_set(err, EBADMSG, "remap-fpath.img: file id %u: unknown kind %u",
				 e->orig_id, type);
	struct remap_row *row = array_add(&r->files->remaps);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	*row = (struct remap_row){
		.orig_id = e->orig_id,
		.remap_id = e->has_remap_type ? e->remap_id : e->remap_id & 0x7fffffffu,
		.type = type,
	};
	return remap_item(r, row, err) ? 0 : -EBADMSG;
}

int remap_load(struct restore *r, struct error *err)
{
	return image_each(r->images, IMG_REMAP_FPATH, 0, row_add, r, err);
}

int remap_open_item(struct restore *r, struct file_item *item, const char *name, struct error *err)
{
	const RegFileEntry *reg = item->entry->reg;
	if (item->base >= 0)
		return 0;
	int base = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (base < 0)
		return error_sys(err, "open %s", name);
	base = window_take(r->files, base, err);
	if (base < 0)
		return base;
	item->base = base;
	item->visible = name;
	/* A FIFO is opened by the row of FIFOs, with somebody at its other end. */
	if (reg->has_mode && S_ISFIFO(reg->mode) && !(reg->flags & O_PATH))
		return 0;
	int fd = reg_open_path(r, reg, reg->flags, err);
	item->early = fd < 0 ? fd : window_take(r->files, fd, err);
	return item->early < 0 ? item->early : 0;
}

int remap_prepare(struct restore *r, struct error *err)
{
	struct file_set *set = r->files;
	for (size_t i = 0; i < set->remaps.nr; i++) {
		const struct remap_row *row = &set->remaps.items[i];
		if (row->done)
			continue;
		int rc = kind_of(row->type)->restore(r, row, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
