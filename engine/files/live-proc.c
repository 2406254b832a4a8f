/* SPDX-License-Identifier: MIT
 * Files in /proc of the tasks themselves, their pidfds and namespaces.
 */
#include "engine/files/live-proc.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/remap.h"
#include "engine/ns/mnt.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"

pid_t proc_path_pid(const char *path, size_t *len)
{
	const char *part = path;
	while ((part = strchr(part, '/')) != NULL) {
		size_t digits = strspn(++part, "0123456789");
		if (!digits || digits > 9 || (part[digits] != 0 && !strchr("/ ", part[digits])))
			continue;
		if (len)
			*len = (size_t)(part - path) + digits;
		return atoi(part);
	}
	return 0;
}

/* Who the pid namespace of the holder, or that of the root, knows by this number. */
static const struct task *task_of(const struct dump *d, const struct task *holder, pid_t pid)
{
	int level = holder->status.ns_pid_depth - 1;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		if (t->vpid == pid || (level > t->pid_level && t->status.pids[level] == pid &&
				       t->ns_ids[NS_PID] == holder->ns_ids[NS_PID]))
			return t;
	}
	return NULL;
}

/* Threads other than the first are made last of all. */
static bool is_of_thread(const char *path, size_t len, pid_t pid)
{
	const char *rest = path + len;
	return !strncmp(rest, "/task/", 6) && atoi(rest + 6) != pid;
}

int live_proc_check(const struct dump *d, const struct open_file *f, struct error *err)
{
	char holder[96];
	size_t len;
	pid_t pid = f->fs_type == PROC_SUPER_MAGIC ? proc_path_pid(f->path, &len) : 0;
	if (!pid ||
	    (pid == 1 && !task_of(d, f->task, pid))) /* the latter is there on every machine */
		return 0;
	const char *what = !task_of(d, f->task, pid)
			       ? "a process outside of the tree (or of a thread)"
			   : is_of_thread(f->path, len, pid) ? "a thread"
							     : NULL;
	if (!what)
		return 0;
	return error_set(err, ENOTSUP,
			 "%s is %.800s, a file of %s: it cannot be opened again; close it before "
			 "the dump",
			 file_holder(f, holder, sizeof(holder)), f->path, what);
}

static bool is_of_task(const struct restore *r, const char *path)
{
	char mount[PATH_MAX];
	struct statfs fs;
	size_t len;
	pid_t pid = proc_path_pid(path, &len);
	bool ours = false;
	for (size_t i = 0; pid && i < r->nr_tasks && !ours; i++)
		ours = r->tasks[i]->pid == pid || rtask_own_tid(r->tasks[i], 0) == pid;
	if (!ours || len >= sizeof(mount))
		return false;
	snprintf(mount, sizeof(mount), "%.*s", (int)len, path);
	*strrchr(mount, '/') = 0;
	return statfs(mount[0] ? mount : "/", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

void live_proc_mark(struct restore *r)
{
	struct file_set *set = r->files;
	for (size_t i = 0; i < set->nr_items; i++) {
		const FileEntry *e = set->items[i].entry;
		bool late = e->type == FD_TYPES__REG &&
			    (is_of_task(r, e->reg->name) ||
			     mntns_is_late(r, reg_mnt_id(e->reg), e->reg->name));
		set->items[i].live = late || pidfd_is_live(r, e) || e->type == FD_TYPES__NS;
	}
	for (size_t i = 0; i < set->remaps.nr; i++) {
		const struct remap_row *row = &set->remaps.items[i];
		struct file_item *item = file_set_find(set, row->orig_id);
		item->live = row->type == REMAP_TYPE__PROCFS && dead_pids_are_late(r);
	}
}

int live_proc_reserve(struct restore *r, struct file_item *item, struct error *err)
{
	if (item->fd >= 0)
		return item->fd;
	int fd = open("/", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /");
	item->fd = window_take(r->files, fd, err);
	return item->fd;
}

int live_proc_fill(struct restore *r, struct file_item *item, int fd, struct error *err)
{
	int rc = dup3(fd, item->fd, O_CLOEXEC) < 0
		     ? error_sys(err, "file id %u: duplicate", item->id)
		     : ns_lend(r, item->fd, err);
	close(fd);
	item->live = false;
	return rc;
}

int live_proc_open(struct restore *r, struct error *err)
{
	int rc = dead_pids_are_late(r) ? dead_pids_bear_late(r, err) : 0;
	r->files->tasks_exist = true;
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++) {
		struct file_item *item = &r->files->items[i];
		if (!item->live || item->fd < 0)
			continue;
		int fd = item->type->open(r, item->entry, err);
		rc = fd < 0 ? fd : live_proc_fill(r, item, fd, err);
	}
	return rc;
}

static int fetch_item(int holder, const struct file_item *item, struct error *err)
{
	auto_fd fd = (int)syscall(SYS_pidfd_getfd, holder, item->fd, 0);
	if (fd < 0 || dup3(fd, item->fd, O_CLOEXEC) < 0)
		return error_sys(err, "fetch file id %u from the coordinator", item->id);
	return 0;
}

int live_proc_fetch(struct restore *r, const struct rtask *t, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++) {
		struct file_item *item = &r->files->items[i];
		if (!item->live || item->fd < 0)
			continue;
		rc = fetch_item(userns_holder_fd(r, t), item, err);
		item->live = false;
	}
	return rc;
}
