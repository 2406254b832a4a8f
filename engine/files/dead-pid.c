/* SPDX-License-Identifier: MIT
 * Files in /proc of a process that is no more, but were kept open: somebody gets its pid until they
 * are open again and who has such a directory as its current one has changed to it.
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/idle-child.h"
#include "engine/files/live-proc.h"
#include "engine/files/remap.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

#define INSIDE_TRIES 1000 /* ms to wait until it is in a user namespace */

/* It goes there by itself. Should it not, who enters its directory says so. */
static void await_inside(pid_t child, int users)
{
	char path[24];
	struct stat st, want;
	snprintf(path, sizeof(path), "%d/ns/user", child);
	for (int i = 0; i < INSIDE_TRIES && fstat(users, &want) == 0; i++) {
		if (fstatat(procfs_fd(), path, &st, 0) < 0 || st.st_ino == want.st_ino)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* @param users  the user namespace it is to be in; -1: that of this process */
static pid_t bear(pid_t pid, int users, struct error *err)
{
	struct clone_args ca = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t child = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (child == 0) {
		pid_t parent = getppid(); /* 0 in another pid namespace */
		if (users >= 0 && setns(users, CLONE_NEWUSER) < 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		idle_while_child_of(parent);
	}
	if (child < 0 && errno == EEXIST)
		return error_set(err, EEXIST,
				 "pid %d is taken: the task had a file in /proc of a process that "
				 "was dead, and that number has to be free to open it again: end "
				 "who has it, or restore in a new pid namespace",
				 pid);
	if (child < 0)
		return error_sys(err, "create task %d for a moment", pid);
	if (users >= 0)
		await_inside(child, users);
	return child;
}

/* @return length of "/proc/12" in a path of process 12; 0: it is no file of that one */
static size_t prefix_of(const char *path, pid_t pid)
{
	size_t len;
	return proc_path_pid(path, &len) == pid ? len : 0;
}

static bool is_of(const struct restore *r, uint32_t id, pid_t pid)
{
	const struct file_item *item = file_set_find(r->files, id);
	return item && item->entry->type == FD_TYPES__REG &&
	       prefix_of(item->entry->reg->name, pid) > 0;
}

/* Only who could trace a process may go to its descriptors: from inside of a user namespace, one
 * that is in that. The innermost will do for those around. */
static int users_of(const struct restore *r, pid_t pid)
{
	uint32_t users = 0;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		const struct fs_row *fs =
		    t->users_at_birth && rtask_is_living(t) ? file_set_fs(r->files, t->pid) : NULL;
		if (fs && (is_of(r, fs->root_id, pid) || is_of(r, fs->cwd_id, pid)) &&
		    userns_is_below(r, t->users_at_birth, users))
			users = t->users_at_birth;
	}
	return users ? ns_nested_fd(r, NS_USER, users) : -1;
}

static int stand_in(struct restore *r, pid_t pid, struct error *err)
{
	pid_t *slot = array_add(&r->files->stand_ins);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = bear(pid, users_of(r, pid), err);
	return *slot < 0 ? *slot : 0;
}

bool dead_pids_are_late(const struct restore *r)
{
	return ns_restores(r, NS_PID);
}

int dead_pids_bear_late(struct restore *r, struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_pids(r, &visit, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < r->files->remaps.nr; i++)
		if (r->files->remaps.items[i].type == REMAP_TYPE__PROCFS)
			rc = stand_in(r, (pid_t)r->files->remaps.items[i].remap_id, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

/* CRIU writes one entry a process: the other files of it are told by their paths. */
int dead_pid_restore(struct restore *r, const struct remap_row *row, struct error *err)
{
	struct file_set *set = r->files;
	pid_t pid = (pid_t)row->remap_id;
	const struct file_item *first = remap_item(r, row, err);
	if (!first)
		return -EBADMSG;
	const char *path = first->entry->reg->name;
	size_t len = pid > 0 ? prefix_of(path, pid) : 0;
	if (!len)
		return error_set(err, EBADMSG, "remap-fpath.img: %s is no file of process %u", path,
				 row->remap_id);
	if (dead_pids_are_late(r))
		return 0;
	int rc = stand_in(r, pid, err);
	for (size_t i = 0; rc == 0 && i < set->nr_items; i++) {
		struct file_item *item = &set->items[i];
		if (item->entry->type != FD_TYPES__REG ||
		    strncmp(item->entry->reg->name, path, len) ||
		    prefix_of(item->entry->reg->name, pid) != len)
			continue;
		rc = remap_open_item(r, item, item->entry->reg->name, err);
		item->visible = NULL;
	}
	return rc;
}

void dead_pids_end(struct file_set *set)
{
	for (size_t i = 0; i < set->stand_ins.nr; i++) {
		pid_t child = set->stand_ins.items[i];
		if (child <= 0)
			continue;
		kill(child, SIGKILL);
		waitpid(child, NULL, __WALL);
	}
	set->stand_ins.nr = 0;
}
