/* SPDX-License-Identifier: MIT
 * Children that are born when this task is nearly what it was: what they share with it is there,
 * and nothing else is in the way.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

/* A number that a directory entry of /proc tells; 0: it does not. */
static int32_t number_of(const char *text, long len)
{
	int32_t number = 0;
	for (long i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

static int32_t real_id(const struct restorer_args *args)
{
	char text[10] = "";
	return number_of(text, sys(SYS_readlinkat, args->proc_fd, "self", text, sizeof(text)));
}

_Noreturn static void child_main(void *arg)
{
	struct restorer_args *args = arg;
	args->slot->born = 1;
	args->slot->real = args->pid_is_real ? args->pid : real_id(args);
	/* until that of the image is set: no task outlives a failed restore */
	long rc = sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (rc < 0)
		restorer_fail(args, "set its death signal", 0, rc);
	else if (!args->slot->real)
		rc = restorer_fail(args, "find its own number in /proc/self", 0, -EIO);
	else if (sys(SYS_getppid) != args->parent)
		rc = restorer_fail(args, "find its parent, which died during the restore", 0,
				   -ESRCH);
	if (rc < 0)
		restorer_give_up();
	sys(SYS_personality, 0); /* by the parent's, what can be read may be executed, too */
	restorer_main(args);
}

static void hand_on(const struct restorer_args *args, struct restorer_args *child)
{
	child->has_actions =
	    memcmp(args->sigactions, child->sigactions, sizeof(args->sigactions)) == 0;
	child->bnd_now[0] = args->bnd_now[0];
	child->bnd_now[1] = args->bnd_now[1];
}

static int bear(struct restorer_args *args, struct restorer_args *child)
{
	const struct restorer_thread *t = &child->threads[0];
	struct clone_args ca = {
		.exit_signal = (uint64_t)child->exit_signal,
		.stack = t->stack_top - RESTORER_STACK_SIZE,
		.stack_size = RESTORER_STACK_SIZE,
		.set_tid = (uintptr_t)t->tids,
		.set_tid_size = t->nr_tids,
	};
	hand_on(args, child);
	long rc = bear_numbered(args, &ca, child_main, child);
	if (rc < 0)
		return restorer_fail_to_bear_child(args, child->pid, rc);
	if (child->pid_is_real)
		child->slot->real = child->pid;
	child->slot->born = 1;
	return 0;
}

int restore_children(struct restorer_args *args)
{
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < args->nr_children; i++)
		rc = bear(args, args->children[i]);
	return rc;
}

int restore_pieces(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_pieces; i++) {
		const struct restorer_piece *p = &args->pieces[i];
		if (p->bytes) { /* it may write there: mem_late_fill() */
			memcpy((void *)p->addr, p->bytes, p->len);
			continue;
		}
		long rc = sys(SYS_madvise, p->addr, p->len, MADV_DONTNEED);
		if (rc < 0)
			return restorer_fail(args, "drop memory at", p->addr, rc);
	}
	return 0;
}
