/* SPDX-License-Identifier: MIT
 * What the images say about descriptors, read and checked before anything is opened.
 */
#include "engine/files/set.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/external.h"
#include "engine/files/live-proc.h"
#include "engine/files/remap.h"
#include "engine/files/locks.h"
#include "engine/files/memfd.h"
#include "engine/files/pipe-data.h"
#include "engine/net/net.h"
#include "images/reader.h"

static int item_compare(const void *left, const void *right)
{
	const struct file_item *a = left, *b = right;
	return a->id < b->id ? -1 : a->id > b->id;
}

struct file_item *file_set_find(struct file_set *set, uint32_t id)
{
	const struct file_item key = { .id = id };
	return set->nr_items ? bsearch(&key, set->items, set->nr_items, sizeof(key), item_compare)
			     : NULL;
}

static const struct file_type *type_of(const FileEntry *e)
{
	const struct file_type *type = NULL;
	for (const struct file_type *const *row = file_types; *row; row++)
		if ((*row)->type == e->type && (!(*row)->is_entry || (*row)->is_entry(e))) {
			type = *row; /* the last is the most general */
			if (type->is_entry)
				break;
		}
	return type;
}

static int item_add(struct file_set *set, FileEntry *e, struct error *err)
{
	struct file_item *items =
	    array_grow_(set->items, &set->cap_items, set->nr_items + 1, sizeof(*items));
	if (!items)
		return error_set(err, ENOMEM, "out of memory");
	set->items = items;
	struct file_item *item = &items[set->nr_items++];
	*item = (struct file_item){
		.id = e->id, .entry = e, .type = type_of(e), .fd = -1, .base = -1, .early = -1
	};
	int rc = item->type ? item->type->check(e, err) : 0;
	return rc < 0 ? error_wrap(err, rc, "files.img: file id %u", e->id) : 0;
}

/* What is attached to a device has two entries under one id: the file's goes into the other. */
static bool take_file(struct file_item *tun, struct file_item *file)
{
	if (tun->entry->type != FD_TYPES__TUNF || file->entry->type != FD_TYPES__REG ||
	    tun->entry->reg)
		return false;
	tun->entry->reg = file->entry->reg;
	file->entry->reg = NULL;
	return true;
}

static int join_pairs(struct file_set *set, struct error *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->nr_items; i++) {
		struct file_item *item = &set->items[i];
		struct file_item *last = kept ? &set->items[kept - 1] : NULL;
		if (!last || last->id != item->id) {
			set->items[kept++] = *item;
		} else if (take_file(item, last)) {
			*last = *item;
		} else if (!take_file(last, item)) {
			memmove(&set->items[kept], item, (set->nr_items - i) * sizeof(*item));
			set->nr_items = kept + set->nr_items - i;
			return error_set(err, EBADMSG, "files.img: file id %u stands twice",
					 last->id);
		}
	}
	set->nr_items = kept;
	return 0;
}

/* Once, as most have none, and every task would look at every entry. */
static void note_owners(struct restore *r)
{
	for (size_t i = 0; i < r->files->nr_items; i++) {
		struct file_item *item = &r->files->items[i];
		uint32_t flags = 0;
		if (!item->type || !item->type->owner)
			continue;
		const FownEntry *owner = item->type->owner(r, item->entry, &flags);
		item->owner = owner && owner->pid ? owner : NULL;
		item->async = (flags & O_ASYNC) && !(flags & O_PATH);
	}
}

static int load_files(struct restore *r, struct error *err)
{
	struct file_set *set = r->files;
	auto_image_reader reader = NULL;
	int rc = image_open_typed(r->images, IMG_FILES, 0, &reader, err);
	if (rc == 0)
		image_reader_pool(reader, &r->messages[0]);
	while (rc == 0) {
		ProtobufCMessage *msg = NULL;
		rc = image_next(reader, &msg, err);
		if (rc == 0)
			break;
		if (rc > 0)
			rc = item_add(set, (FileEntry *)msg, err);
	}
	if (rc < 0)
		return rc;
	qsort(set->items, set->nr_items, sizeof(*set->items), item_compare);
	rc = join_pairs(set, err);
	note_owners(r);
	return rc;
}

static int row_compare(const void *left, const void *right)
{
	const struct fd_row *a = left, *b = right;
	return a->fd < b->fd ? -1 : a->fd > b->fd;
}

static int row_add(struct file_set *set, struct fd_rows *rows, const FdinfoEntry *e,
		   struct error *err)
{
	struct file_item *item = file_set_find(set, e->id);
	if (!item)
		return error_set(err, EBADMSG,
				 "fdinfo-%u.img: fd %u is file id %u, which files.img has not",
				 rows->files_id, e->fd, e->id);
	if (item->entry->type != e->type)
		return error_set(err, EBADMSG,
				 "fdinfo-%u.img: fd %u: file id %u is of type %u here, %u there",
				 rows->files_id, e->fd, e->id, e->type, item->entry->type);
	if (e->fd >= FD_LIMIT)
		return error_set(err, EBADMSG, "fdinfo-%u.img: fd %u is out of range",
				 rows->files_id, e->fd);
	struct fd_row *row = array_add(rows);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	*row = (struct fd_row){ .fd = e->fd, .id = e->id, .flags = e->flags };
	if (!e->xattr_security_selinux || item->label)
		return 0;
	item->label = strdup(e->xattr_security_selinux);
	return item->label ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int rows_load(struct restore *r, struct fd_rows *rows, struct error *err)
{
	auto_image_reader reader = NULL;
	int rc = image_open_typed(r->images, IMG_FDINFO, rows->files_id, &reader, err);
	while (rc == 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(reader, &msg, err);
		if (rc == 0)
			break;
		if (rc > 0)
			rc = row_add(r->files, rows, (const FdinfoEntry *)msg, err);
	}
	if (rc < 0)
		return rc;
	if (rows->nr)
		qsort(rows->items, rows->nr, sizeof(*rows->items), row_compare);
	for (size_t i = 1; i < rows->nr; i++)
		if (rows->items[i].fd == rows->items[i - 1].fd)
			return error_set(err, EBADMSG, "fdinfo-%u.img: fd %u stands twice",
					 rows->files_id, rows->items[i].fd);
	return 0;
}

struct fd_rows *file_set_rows(struct file_set *set, uint32_t files_id)
{
	for (size_t i = 0; i < set->tables.nr; i++)
		if (set->tables.items[i].files_id == files_id)
			return &set->tables.items[i];
	return NULL;
}

const struct fs_row *file_set_fs(const struct file_set *set, pid_t pid)
{
	for (size_t i = 0; i < set->fs.nr; i++)
		if (set->fs.items[i].pid == pid)
			return &set->fs.items[i];
	return NULL;
}

static int load_task(struct restore *r, const struct rtask *t, struct error *err)
{
	struct file_set *set = r->files;
	if (!rtask_is_living(t) || !t->ids)
		return 0;
	if (file_set_rows(set, t->ids->files_id))
		return fs_load(r, t, err); /* shared with one before */
	struct fd_rows *rows = array_add(&set->tables);
	if (!rows)
		return error_set(err, ENOMEM, "out of memory");
	rows->files_id = t->ids->files_id;
	rows->pid = t->pid;
	int rc = rows_load(r, rows, err);
	return rc < 0 ? rc : fs_load(r, t, err);
}

int files_load(struct restore *r, struct error *err)
{
	r->files = calloc(1, sizeof(*r->files));
	if (!r->files)
		return error_set(err, ENOMEM, "out of memory");
	int rc = inherit_check(r->opts, err);
	if (rc == 0)
		rc = load_files(r, err);
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = load_task(r, r->tasks[i], err);
	if (rc == 0)
		rc = remap_load(r, err);
	if (rc == 0)
		rc = locks_load(r, err);
	if (rc == 0)
		rc = pipe_load_contents(r, err);
	if (rc == 0)
		rc = memfds_load(r, err);
	if (rc == 0)
		rc = tty_set_load(r, err);
	if (rc < 0)
		return rc;
	live_proc_mark(r);
	return window_choose(r->files, err);
}

/* Many at once, where their numbers follow each other. */
static void close_items(const struct file_set *set)
{
	unsigned int first = 0, next = 0; /* one run */
	for (size_t i = 0; i < set->nr_items; i++) {
		const struct file_item *item = &set->items[i];
		fd_close(item->base);
		fd_close(item->early);
		if (item->fd < 0)
			continue;
		if ((unsigned int)item->fd != next) {
			if (next > first)
				close_range(first, next - 1, 0);
			first = (unsigned int)item->fd;
		}
		next = (unsigned int)item->fd + 1;
	}
	if (next > first)
		close_range(first, next - 1, 0);
}

void file_set_free(struct file_set *set)
{
	if (!set)
		return;
	pipe_close_rest(set);
	memfds_free(set);
	tty_set_free(&set->ttys);
	close_items(set);
	for (size_t i = 0; i < set->nr_items; i++)
		free(set->items[i].label);
	for (size_t i = 0; i < set->tables.nr; i++)
		free(set->tables.items[i].items);
	for (size_t i = 0; i < set->mapped.nr; i++)
		fd_close(set->mapped.items[i].fd);
	pipe_data_free(set);
	for (size_t i = 0; i < set->remaps.nr; i++)
		fd_close(set->remaps.items[i].dir > 0 ? set->remaps.items[i].dir : -1);
	free(set->items);
	free(set->tables.items);
	free(set->fs.items);
	free(set->mapped.items);
	free(set->locks.items);
	free(set->remaps.items);
	dead_pids_end(set);
	free(set->stand_ins.items);
	free(set);
}

const struct fd_row *fd_rows_of_file(const struct fd_rows *rows, uint32_t id)
{
	for (size_t i = 0; i < rows->nr; i++)
		if (rows->items[i].id == id)
			return &rows->items[i];
	return NULL;
}

const struct fd_row *fd_rows_find(const struct fd_rows *rows, uint32_t fd)
{
	const struct fd_row key = { .fd = fd };
	return rows->nr ? bsearch(&key, rows->items, rows->nr, sizeof(key), row_compare) : NULL;
}

static const struct rtask *task_of(const struct restore *r, pid_t pid)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i]->pid == pid)
			return r->tasks[i];
	return NULL;
}

const struct rtask *file_set_holder(struct restore *r, uint32_t id)
{
	const struct fd_rows *rows = NULL;
	for (size_t i = 0; i < r->files->tables.nr && !rows; i++)
		if (fd_rows_of_file(&r->files->tables.items[i], id))
			rows = &r->files->tables.items[i];
	return rows ? task_of(r, rows->pid) : NULL;
}

const char *file_set_user(struct restore *r, uint32_t id, char *out, size_t len)
{
	struct file_set *set = r->files;
	for (size_t i = 0; i < set->tables.nr; i++) {
		const struct fd_rows *rows = &set->tables.items[i];
		const struct fd_row *row = fd_rows_of_file(rows, id);
		if (row) {
			const struct rtask *t = task_of(r, rows->pid);
			snprintf(out, len, TASK_FMT ": fd %u", rows->pid, t ? rtask_comm(t) : "?",
				 row->fd);
			return out;
		}
	}
	for (size_t i = 0; i < set->fs.nr; i++) {
		const struct fs_row *fs = &set->fs.items[i];
		if (fs->cwd_id == id || fs->root_id == id) {
			const struct rtask *t = task_of(r, fs->pid);
			snprintf(out, len, TASK_FMT ": %s directory", fs->pid,
				 t ? rtask_comm(t) : "?", fs->cwd_id == id ? "current" : "root");
			return out;
		}
	}
	snprintf(out, len, "%s",
		 net_carries(r, id) ? "a descriptor in flight" : "a mapping or executable");
	return out;
}
