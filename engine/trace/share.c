/* SPDX-License-Identifier: MIT
 * Which tasks share an address space, descriptors, cwd or signal handlers: kcmp(2) orders the
 * kernel's objects, so a sorted list finds equal ones without comparing each with each.
 */
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "engine/trace/collect.h"

#define FIRST_OBJECT_ID 2 /* 1 is what the engine itself lives in */

static const struct kind {
	int type;
	const char *name;
	size_t offset;         /* of the id in struct task */
	bool threads_may_part; /* unshare(2) gives one thread its own */
	bool may_be_shared;    /* by processes */
	bool comes_with_first; /* the kernel shares it only where the first of these is shared */
} kinds[] = {
	{ KCMP_VM, "its address space", offsetof(struct task, vm_id), .may_be_shared = false },
	{ KCMP_FILES, "its descriptors", offsetof(struct task, files_id), true, true },
	{ KCMP_FS, "its working directory", offsetof(struct task, fs_id), true, true },
	{ KCMP_SIGHAND, "its signal handlers", offsetof(struct task, sighand_id),
	  .comes_with_first = true }, /* clone(2): CLONE_SIGHAND takes CLONE_VM */
};

/* @return 0: the same object; 1: the first sorts lower; 2: higher; -errno */
static int kcmp(pid_t a, pid_t b, int type)
{
	long rc = syscall(SYS_kcmp, a, b, type, 0, 0);
	return rc < 0 ? -errno : (int)rc;
}

static uint32_t *id_of(struct task *t, const struct kind *k)
{
	return (uint32_t *)((char *)t + k->offset);
}

/* Binary search in the owners so far. @return 1: found, *at is the owner; 0: *at to insert at */
static int owner_find(struct task **owners, size_t nr, pid_t pid, int type, size_t *at,
		      struct error *err)
{
	size_t low = 0, high = nr;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = kcmp(pid, owners[mid]->pid, type);
		if (order < 0 || order > 2)
			return error_code(err, order < 0 ? order : -EPROTO, "task %d: kcmp", pid);
		if (order == 0) {
			*at = mid;
			return 1;
		}
		if (order == 1)
			high = mid;
		else
			low = mid + 1;
	}
	*at = low;
	return 0;
}

static int number_kind(struct dump *d, const struct kind *k, struct task **owners,
		       struct error *err)
{
	size_t nr = 0;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		struct task *t = d->tasks[i];
		if (t->state == TASK_ZOMBIE)
			continue;
		size_t at = nr;
		int rc = k->comes_with_first /* and that is refused */
			     ? 0
			     : owner_find(owners, nr, t->pid, k->type, &at, err);
		if (rc < 0)
			return rc;
		if (rc == 1 && !k->may_be_shared)
			return error_set(err, ENOTSUP,
					 TASK_FMT
					 " shares %s with " TASK_FMT
					 ": not supported; end one of them before the dump",
					 TASK_ARGS(t), k->name, TASK_ARGS(owners[at]));
		if (rc == 1) {
			*id_of(t, k) = *id_of(owners[at], k);
			continue;
		}
		memmove(&owners[at + 1], &owners[at], (nr - at) * sizeof(*owners));
		owners[at] = t;
		*id_of(t, k) = FIRST_OBJECT_ID + (uint32_t)nr++;
	}
	return 0;
}

/* Threads share all of these unless one of them called unshare(2). */
static int check_threads(const struct task *t, struct error *err)
{
	for (size_t i = 1; i < t->nr_threads; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			if (!kinds[k].threads_may_part)
				continue;
			int order = kcmp(t->pid, t->threads[i].tid, kinds[k].type);
			if (order == 0)
				continue;
			if (order < 0)
				return error_code(err, order, TASK_FMT ": kcmp with thread %d",
						  TASK_ARGS(t), t->threads[i].tid);
			return error_set(err, ENOTSUP,
					 TASK_FMT
					 ": thread %d does not share %s with the others "
					 "(unshare): not supported; end it before the dump",
					 TASK_ARGS(t), t->threads[i].tid, kinds[k].name);
		}
	}
	return 0;
}

int trace_share_ids(struct dump *d, struct error *err)
{
	if (kcmp(getpid(), getpid(), KCMP_VM) == -ENOSYS) {
		log_warn("no kcmp(2) in this kernel: taking no task to share anything");
		return 0;
	}
	struct task **owners = calloc(d->nr_tasks + 1, sizeof(*owners));
	if (!owners)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < ARRAY_SIZE(kinds); k++)
		rc = number_kind(d, &kinds[k], owners, err);
	free(owners);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = check_threads(d->tasks[i], err);
	return rc;
}
