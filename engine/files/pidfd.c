/* SPDX-License-Identifier: MIT
 * pidfd_open(2): descriptors of tasks of the tree, opened when these exist, and of processes that
 * are no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/live-proc.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/ns/ns.h"
#include "engine/ns/real-ids.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif
#define OPEN_FLAGS ((uint32_t)(O_NONBLOCK | PIDFD_THREAD))
#define DEAD       (-1)

static bool pidfd_match(const struct open_file *f)
{
	return anon_is(f, "pidfd") || !strncmp(f->path, "pidfd:", 6);
}

/* The number behind KEY at the start of a line. */
static bool find_pid(const char *text, const char *key, int *out)
{
	const char *at = strstr(text, key);
	return at && sscanf(at + strlen(key), "%d", out) == 1;
}

static const struct task *task_of(const struct dump *d, pid_t pid)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->pid == pid)
			return d->tasks[i];
	return NULL;
}

/* @return the task whose thread it is, but not its first one; NULL: none of the tree */
static const struct task *task_of_thread(const struct dump *d, pid_t tid)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		for (size_t k = 1; k < d->tasks[i]->nr_threads; k++)
			if (d->tasks[i]->threads[k].tid == tid)
				return d->tasks[i];
	return NULL;
}

static int refuse(const struct dump *d, const struct open_file *f, pid_t pid, struct error *err)
{
	char holder[96];
	const struct task *t = task_of_thread(d, pid);
	file_holder(f, holder, sizeof(holder));
	if (t)
		return error_set(
		    err, ENOTSUP,
		    "%s is a pidfd of thread %d of pid %d (%s): threads other than the "
		    "first are made last of all, so it cannot be opened again; close "
		    "it before the dump",
		    holder, pid, t->pid, t->stat.comm);
	return error_set(err, ENOTSUP,
			 "%s is a pidfd of %s %d, which is not in the tree: close it before the "
			 "dump, or dump a tree that has both",
			 holder, f->flags & PIDFD_THREAD ? "thread" : "process", pid);
}

static int pidfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	int pid;
	PidfdEntry *p = malloc(sizeof(*p));
	if (!p)
		return error_set(err, ENOMEM, "out of memory");
	pidfd_entry__init(p);
	e->pidfd = p;
	p->id = e->id;
	p->ino = (uint32_t)f->st.st_ino;
	p->flags = f->flags & ~(uint32_t)O_RDWR;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc < 0)
		return rc;
	if (!find_pid(text.data, "\nPid:", &pid))
		return anon_odd(f, "pid", err);
	if (pid != DEAD && !task_of(d, pid))
		return refuse(d, f, pid, err);
	p->nspid = pid == DEAD ? DEAD : task_of(d, pid)->vpid;
	return owner_dump(d, f, &p->fown, err);
}

static int pidfd_check(const FileEntry *e, struct error *err)
{
	const PidfdEntry *p = e->pidfd;
	int rc = anon_check(e, p, p ? p->id : 0, p ? p->fown : NULL, "pidfd", err);
	if (rc == 0 && p->nspid != DEAD && p->nspid <= 0)
		rc = error_set(err, EBADMSG, "pidfd of pid %d", p->nspid);
	return rc;
}

/* What a dead one says depends on its pid namespace. */
bool pidfd_is_live(const struct restore *r, const FileEntry *e)
{
	return e->type == FD_TYPES__PIDFD && (e->pidfd->nspid != DEAD || ns_restores(r, NS_PID));
}

static int open_pidfd(pid_t pid, const PidfdEntry *p, struct error *err)
{
	auto_fd fd = (int)syscall(SYS_pidfd_open, pid, p->flags & OPEN_FLAGS);
	if (fd < 0)
		return error_sys(err, "open a pidfd of pid %d", pid);
	int rc = file_set_flags(fd, p->flags, p->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static int open_other(struct restore *r, pid_t pid, struct file_item *item, struct error *err)
{
	int fd = open_pidfd(pid, item->entry->pidfd, err);
	if (fd >= 0 && item->live)
		return live_proc_fill(r, item, fd, err);
	if (fd >= 0)
		fd = window_take(r->files, fd, err);
	if (fd >= 0)
		item->fd = fd;
	return fd < 0 ? fd : 0;
}

/* All descriptors of one dead process are of one dead process again. */
static int open_others(struct restore *r, pid_t pid, const PidfdEntry *first, struct error *err)
{
	struct file_set *set = r->files;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->nr_items; i++) {
		struct file_item *item = &set->items[i];
		const PidfdEntry *p = item->entry->pidfd;
		if (item->entry->type == FD_TYPES__PIDFD && p != first && p->nspid == DEAD &&
		    p->ino == first->ino && item->live == (item->fd >= 0))
			rc = open_other(r, pid, item, err);
	}
	return rc;
}

static int make_dead(struct restore *r, const PidfdEntry *p, struct error *err)
{
	pid_t pid = fork();
	if (pid < 0)
		return error_sys(err, "make a process that ends at once");
	if (pid == 0)
		_exit(0);
	auto_fd fd = open_pidfd(pid, p, err); /* its pid is kept until it is waited for */
	int rc = fd < 0 ? fd : open_others(r, pid, p, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc < 0 ? rc : take_fd(fd);
}

static int open_dead(struct restore *r, const PidfdEntry *p, struct error *err)
{
	struct ns_visit visit = { .back = -1 };
	int rc = ns_restores(r, NS_PID) ? ns_visit_pids(r, &visit, err) : 0;
	if (rc < 0)
		return rc;
	auto_fd fd = make_dead(r, p, err);
	int back = ns_visit_end(&visit, fd < 0 ? NULL : err);
	return fd < 0 || back == 0 ? take_fd(fd) : back;
}

static int pidfd_open_again(struct restore *r, const FileEntry *e, struct error *err)
{
	const PidfdEntry *p = e->pidfd;
	if (p->nspid == DEAD)
		return open_dead(r, p, err);
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i]->pid == p->nspid)
			return open_pidfd(real_id_of(r, p->nspid), p, err);
	return error_set(err, EBADMSG, "pidfd of pid %d, which is not in pstree.img", p->nspid);
}

static const FownEntry *pidfd_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->pidfd->flags;
	return e->pidfd->fown;
}

const struct file_type file_pidfd = {
	.name = "pidfd",
	.type = FD_TYPES__PIDFD,
	.match = pidfd_match,
	.dump = pidfd_dump,
	.check = pidfd_check,
	.open = pidfd_open_again,
	.owner = pidfd_owner,
};
