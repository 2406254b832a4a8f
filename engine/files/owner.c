/* SPDX-License-Identifier: MIT
 * Who is told about events on a file: fcntl(F_SETOWN_EX, F_SETSIG), both directions.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/ns/real-ids.h"
#include "engine/ns/user.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

/* What the tree knows a task or thread as that the engine knows as `id`. @return `id` where it is
 * of nobody in the tree */
static pid_t pid_in_tree(const struct dump *d, pid_t id)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		for (size_t k = 0; k < t->nr_threads; k++)
			if (t->threads[k].tid == id)
				return t->threads[k].vtid;
	}
	return id;
}

int owner_dump(const struct dump *d, const struct open_file *f, FownEntry **out, struct error *err)
{
	FownEntry *o = malloc(sizeof(*o));
	if (!o)
		return error_set(err, ENOMEM, "out of memory");
	fown_entry__init(o);
	*out = o; /* the entry owns it from here on */

	if (f->task_fd < 0 || (f->flags & O_PATH))
		return 0; /* no description of the task's, or one that carries no owner */
	struct f_owner_ex owner = { 0 };
	int signum = fcntl(f->fd, F_GETSIG);
	if (signum < 0 || fcntl(f->fd, F_GETOWN_EX, &owner) < 0) {
		char holder[96];
		return error_sys(err, "%s: owner of %s", file_holder(f, holder, sizeof(holder)),
				 f->path);
	}
	o->signum = (uint32_t)signum;
	if (owner.pid == 0)
		return 0;
	uint32_t uids[2] = { 0, 0 }; /* kernels without CONFIG_CHECKPOINT_RESTORE do not tell */
	if (fcntl(f->fd, F_GETOWNER_UIDS, uids) == 0) {
		o->uid = id_inside(d->users, ID_USER, uids[0]);
		o->euid = id_inside(d->users, ID_USER, uids[1]);
	}
	o->pid = (uint32_t)pid_in_tree(d, owner.pid);
	o->pid_type = (uint32_t)owner.type;
	return 0;
}

int owner_check(const FownEntry *o, struct error *err)
{
	if (!o)
		return error_set(err, EBADMSG, "no owner field");
	if (o->signum > 64)
		return error_set(err, EBADMSG, "owner's signal is %u, want at most 64", o->signum);
	if (o->pid_type > F_OWNER_PGRP || o->pid > INT32_MAX)
		return error_set(err, EBADMSG, "owner is of type %u, pid %u", o->pid_type, o->pid);
	return 0;
}

/* The kernel notes the ids of who sets the owner, and checks every signal against them. */
static int owner_set(struct restore *r, int fd, const FownEntry *o)
{
	struct f_owner_ex owner = { .type = (int)o->pid_type, .pid = real_id_of(r, (pid_t)o->pid) };
	if (!owner.pid)
		return -ESRCH;
	uid_t real, effective, saved;
	if (getresuid(&real, &effective, &saved) < 0)
		return -errno;
	uid_t uid = id_outside(r->users, ID_USER, o->uid);
	uid_t euid = id_outside(r->users, ID_USER, o->euid);
	bool other = uid != real || euid != effective;
	/* The saved id stays, so the way back is open. */
	if (other && syscall(SYS_setresuid, uid, euid, -1) < 0)
		return -errno;
	int rc = fcntl(fd, F_SETOWN_EX, &owner) < 0 ? -errno : 0;
	if (other && syscall(SYS_setresuid, real, effective, -1) < 0)
		return -errno;
	return rc;
}

int files_set_owners(struct restore *r, struct error *err)
{
	struct file_set *set = r->files;
	for (size_t i = 0; i < set->nr_items; i++) {
		const struct file_item *item = &set->items[i];
		const FownEntry *o = item->owner;
		if (!o || item->fd < 0)
			continue;
		int rc = owner_set(r, item->fd, o);
		/* An owner that was no more at the dump was stored all the same. */
		if (rc < 0 && rc != -ESRCH)
			return error_code(err, rc, "file id %u: set its owner to %s %u", item->id,
					  o->pid_type == F_OWNER_PGRP ? "process group" : "pid",
					  o->pid);
	}
	return 0;
}
