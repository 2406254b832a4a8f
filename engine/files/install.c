/* SPDX-License-Identifier: MIT
 * Opening what the images describe, once, before the first task is born; and giving each task
 * its numbers.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/live-proc.h"
#include "engine/files/remap.h"
#include "engine/files/locks.h"
#include "engine/files/memfd.h"
#include "engine/files/set.h"
#include "engine/files/types.h"
#include "engine/net/net.h"
#include "engine/net/ns.h"
#include "engine/net/sock-label.h"
#include "engine/net/sock-ns.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"
#include "inventory.pb-c.h"

#define TABLES_IN_PLACE 16 /* of descriptors, at most, for numbers to be compared */

static const char *type_name(FdTypes type)
{
	const ProtobufCEnumValue *value =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)type);
	return value ? value->name : "unknown";
}

static struct file_item *item_find(struct restore *r, uint32_t id, struct error *err)
{
	char user[64];
	struct file_item *item = file_set_find(r->files, id);
	if (!item)
		error_set(err, EBADMSG, "file id %u (%s) is missing from files.img", id,
			  file_set_user(r, id, user, sizeof(user)));
	else if (!item->type)
		error_set(err, ENOTSUP, "file id %u (%s) is of type %s: not supported yet", id,
			  file_set_user(r, id, user, sizeof(user)), type_name(item->entry->type));
	else
		return item;
	return NULL;
}

static int open_item(struct restore *r, const struct file_item *item, struct error *err)
{
	struct ns_visit visit;
	if (!item->type->in_net || item->type->makes_many)
		return item->type->open(r, item->entry, err);
	int rc = netns_enter(r, sock_ns_of(item->entry), &visit, err);
	if (rc < 0)
		return rc;
	auto_fd fd = item->type->open(r, item->entry, err);
	rc = netns_leave(&visit, fd < 0 ? NULL : err);
	return fd < 0 ? fd : rc < 0 ? rc : take_fd(fd);
}

/* Where SELinux gives sockets labels, this one gets the one it had. */
static int open_labelled(struct restore *r, const struct file_item *item, struct error *err)
{
	if (!item->label || r->label_module != LSMTYPE__SELINUX)
		return open_item(r, item, err);
	int rc = sock_label_set(item->label, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open_item(r, item, err);
	rc = sock_label_set(NULL, fd < 0 ? NULL : err);
	return fd < 0 ? fd : rc < 0 ? rc : take_fd(fd);
}

/* A number at which every task that uses it has this file. */
static bool is_final(const struct file_set *set, const struct file_item *item, int fd)
{
	bool any = false;
	if (!set->in_place || item->type != &file_regular)
		return false;
	for (size_t i = 0; i < set->tables.nr; i++) {
		const struct fd_row *row = fd_rows_find(&set->tables.items[i], (uint32_t)fd);
		if (row && row->id != item->id)
			return false;
		any |= row != NULL;
	}
	return any;
}

bool files_waits(const struct restore *r, uint32_t id)
{
	const struct file_item *item = file_set_find(r->files, id);
	return item && item->live && !r->files->tasks_exist;
}

int files_get(struct restore *r, uint32_t id, struct error *err)
{
	char user[64];
	struct error why = { 0 };
	struct file_item *item = item_find(r, id, &why);
	int fd = item ? item->fd : why.code;
	if (item && files_waits(r, id)) {
		fd = error_set(&why, ENOTSUP,
			       "%s: a %s that tells of a task is needed before the task is there",
			       file_set_user(r, id, user, sizeof(user)), item->type->name);
	} else if (item && fd < 0) {
		int given = inherit_open(r, item->entry, &fd, &why);
		if (given <= 0)
			fd = given < 0 ? given : open_labelled(r, item, &why);
		if (fd >= 0 && (given || !is_final(r->files, item, fd)))
			fd = window_take(r->files, fd, &why);
		if (fd < 0)
			error_wrap(&why, fd, "%s", file_set_user(r, id, user, sizeof(user)));
		else
			item->fd = fd;
	}
	return fd < 0 ? error_set(err, fd, "%s", why.text) : fd;
}

int files_get_mapped(struct restore *r, uint32_t id, uint32_t flags, struct error *err)
{
	struct file_set *set = r->files;
	for (size_t i = 0; i < set->mapped.nr; i++)
		if (set->mapped.items[i].id == id && set->mapped.items[i].flags == flags)
			return set->mapped.items[i].fd;
	struct error why = { 0 };
	const struct file_item *item = item_find(r, id, &why);
	if (item && !item->type->open_mapped)
		error_set(&why, EBADMSG, "file id %u is mapped, but of type %s", id,
			  type_name(item->entry->type));
	if (why.code)
		return error_set(err, why.code, "%s", why.text);
	int fd = item->type->open_mapped(r, item->entry, flags, err);
	if (fd >= 0)
		fd = window_take(set, fd, err);
	if (fd < 0)
		return fd;
	struct mapped_file *mapped = array_add(&set->mapped);
	if (!mapped) {
		close(fd);
		return error_set(err, ENOMEM, "out of memory");
	}
	*mapped = (struct mapped_file){ .id = id, .flags = flags, .fd = fd };
	return fd;
}

/* What tasks have as descriptors or directories. */
static int open_or_reserve(struct restore *r, uint32_t id, struct error *err)
{
	struct file_item *item = file_set_find(r->files, id);
	return item && item->live ? live_proc_reserve(r, item, err) : files_get(r, id, err);
}

/* Others open the files then, and hand them over. */
static bool has_namespaces(const struct restore *r)
{
	for (int kind = 0; r->ns && kind < NS_KINDS; kind++)
		if (ns_restores(r, (enum ns_kind)kind))
			return true;
	return false;
}

int files_open_all(struct restore *r, struct error *err)
{
	struct file_set *set = r->files;
	int rc = remap_prepare(r, err);
	if (rc < 0)
		return rc;
	set->in_place = set->tables.nr <= TABLES_IN_PLACE && !has_namespaces(r);
	for (size_t i = 0; i < set->tables.nr; i++)
		for (size_t j = 0; j < set->tables.items[i].nr; j++) {
			int fd = open_or_reserve(r, set->tables.items[i].items[j].id, err);
			if (fd < 0)
				return fd;
		}
	for (size_t i = 0; i < set->fs.nr; i++) {
		int fd = open_or_reserve(r, set->fs.items[i].cwd_id, err);
		if (fd >= 0)
			fd = open_or_reserve(r, set->fs.items[i].root_id, err);
		if (fd < 0)
			return fd;
	}
	rc = net_open_finish(r, err);
	if (rc == 0)
		rc = tty_open_finish(r, err);
	if (rc == 0)
		rc = autofs_keep_pipes(r, err);
	pipe_close_rest(set);
	return rc;
}

typedef int step_fn(struct restore *, const FileEntry *, int, struct error *);

/* @param fn  NULL: nothing to do */
static int call_item(struct restore *r, const struct file_item *item, step_fn *fn,
		     struct error *err)
{
	char user[64];
	int rc = fn ? fn(r, item->entry, item->fd, err) : 0;
	return rc < 0 ? error_wrap(err, rc, "%s: %s",
				   file_set_user(r, item->id, user, sizeof(user)), item->type->name)
		      : 0;
}

int files_finish(struct restore *r, struct error *err)
{
	int rc = live_proc_open(r, err);
	if (rc == 0)
		rc = net_finish_late(r, err);
	if (rc == 0)
		rc = memfds_seal(r, err);
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++) {
		const struct file_item *item = &r->files->items[i];
		if (item->fd >= 0 && item->type)
			rc = call_item(r, item, item->type->finish, err);
	}
	return rc;
}

int files_watch(struct restore *r, struct error *err)
{
	struct file_set *set = r->files;
	int rc = 0;
	dead_pids_end(set);
	/* nobody else has these any more, and closing them would be seen */
	for (size_t i = 0; i < set->mapped.nr; i++) {
		fd_close(set->mapped.items[i].fd);
		set->mapped.items[i].fd = -1;
	}
	for (size_t i = 0; rc == 0 && i < set->nr_items; i++)
		if (set->items[i].fd >= 0 && set->items[i].type)
			rc = call_item(r, &set->items[i], set->items[i].type->watch, err);
	return rc;
}

void files_restored(struct restore *r)
{
	link_remap_clean(r);
}

static int close_numbers(unsigned int first, unsigned int last)
{
	return first > last || syscall(SYS_close_range, first, last, 0) == 0 ? 0 : -errno;
}

/* Everything in [first, last] but the window. */
static int close_gap(const struct file_set *set, unsigned int first, unsigned int last)
{
	if (last < set->first || first > set->last)
		return close_numbers(first, last);
	int rc = first < set->first ? close_numbers(first, set->first - 1) : 0;
	return rc == 0 && last > set->last ? close_numbers(set->last + 1, last) : rc;
}

static int close_others(const struct file_set *set, const struct fd_rows *rows)
{
	unsigned int next = 0;
	for (size_t i = 0; i < rows->nr; i++) {
		unsigned int fd = rows->items[i].fd;
		int rc = fd > next ? close_gap(set, next, fd - 1) : 0;
		if (rc < 0)
			return rc;
		next = fd + 1;
	}
	return close_gap(set, next, ~0u);
}

static int install_row(const struct file_item *item, const struct fd_row *row, struct error *err)
{
	bool close_on_exec = row->flags & FD_CLOEXEC;
	if (item->fd == (int)row->fd) {
		if (!close_on_exec && fcntl(item->fd, F_SETFD, 0) < 0)
			return error_sys(err, "fd %u: clear FD_CLOEXEC", row->fd);
	} else if (dup3(item->fd, (int)row->fd, close_on_exec ? O_CLOEXEC : 0) < 0) {
		return error_sys(err, "fd %u: duplicate", row->fd);
	}
	/* Here and not where it was opened: signals tell the number it was set through. */
	if (!item->async)
		return 0;
	int now = fcntl((int)row->fd, F_GETFL);
	if (now < 0 || fcntl((int)row->fd, F_SETFL, now | O_ASYNC) < 0)
		return error_sys(err, "fd %u: set O_ASYNC", row->fd);
	return 0;
}

/* What wants to be done by a task, where this is the one. */
static int join_items(struct restore *r, const struct rtask *t, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++) {
		const struct file_item *item = &r->files->items[i];
		if (item->fd < 0 || !item->type || !item->type->join)
			continue;
		const struct rtask *holder = file_set_holder(r, item->id);
		if (t == (holder ? holder : r->root))
			rc = call_item(r, item, item->type->join, err);
	}
	return rc;
}

int files_install(struct restore *r, struct rtask *t, struct error *err)
{
	struct file_set *set = r->files;
	const struct fd_rows *rows = t->ids ? file_set_rows(set, t->ids->files_id) : NULL;
	if (!rows)
		return error_set(err, EBADMSG, TASK_FMT " has no descriptor table", RTASK_ARGS(t));
	int rc = netns_join(r, t, err);
	if (rc == 0)
		rc = ns_nested_join(r, t, err);
	if (rc < 0)
		return rc;
	if (t->files_of) { /* they are in place */
		rc = locks_install(r, t, err);
		return rc < 0 ? rc : fs_install(r, t, err);
	}
	rc = live_proc_fetch(r, t, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t));
	rc = join_items(r, t, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < rows->nr; i++) {
		const struct file_item *item = file_set_find(set, rows->items[i].id);
		if (!item || item->fd < 0)
			return error_set(err, EBADMSG, TASK_FMT ": fd %u is not open",
					 RTASK_ARGS(t), rows->items[i].fd);
		rc = install_row(item, &rows->items[i], err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t));
	}
	rc = close_others(set, rows);
	if (rc < 0)
		return error_code(err, rc, TASK_FMT ": close other descriptors", RTASK_ARGS(t));
	rc = locks_install(r, t, err);
	return rc < 0 ? rc : fs_install(r, t, err);
}
