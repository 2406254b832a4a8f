/* SPDX-License-Identifier: MIT
 * What is known of a frozen task from outside, and what makes it one we cannot carry.
 */
#include "engine/trace/collect.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/arch/inject.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/task/label.h"
#include "engine/task/seccomp.h"
#include "engine/trace/seize.h"

#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211 /* Linux 6.4 */
#endif
#define SIGINFO_BATCH 32

/* The whole queue of a thread or, with PTRACE_PEEKSIGINFO_SHARED, of its process. */
static int peek_signals(pid_t tid, uint32_t flags, void **out, size_t *nr, struct error *err)
{
	struct {
		siginfo_t *items;
		size_t nr, cap;
	} list = { 0 };
	for (;;) {
		siginfo_t batch[SIGINFO_BATCH];
		struct __ptrace_peeksiginfo_args args = { .off = list.nr,
							  .flags = flags,
							  .nr = SIGINFO_BATCH };
		long got = ptrace(PTRACE_PEEKSIGINFO, tid, &args, batch);
		if (got < 0) {
			free(list.items);
			return error_sys(err, "thread %d: read its queued signals", tid);
		}
		for (long i = 0; i < got; i++) {
			siginfo_t *slot = array_add(&list);
			if (!slot) {
				free(list.items);
				return error_set(err, ENOMEM, "out of memory");
			}
			*slot = batch[i];
		}
		if (got < SIGINFO_BATCH)
			break;
	}
	*out = list.items;
	*nr = list.nr;
	return 0;
}

int trace_peek_signals(struct task *t, struct error *err)
{
	if (t->state == TASK_ZOMBIE)
		return 0;
	int rc = peek_signals(t->pid, PTRACE_PEEKSIGINFO_SHARED, &t->shared_siginfos,
			      &t->nr_shared_siginfos, err);
	for (size_t i = 0; rc == 0 && i < t->nr_threads; i++) {
		struct thread *th = &t->threads[i];
		rc = peek_signals(th->tid, 0, &th->siginfos, &th->nr_siginfos, err);
	}
	return rc;
}

/* A thread in a restartable sequence starts it again, as after any preemption. */
static int collect_rseq(struct task *t, struct thread *th, struct error *err)
{
	struct __ptrace_rseq_configuration conf = { 0 };
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, th->tid, (void *)sizeof(conf), &conf) < 0)
		return 0; /* since Linux 5.13, with CONFIG_RSEQ */
	th->rseq.addr = conf.rseq_abi_pointer;
	th->rseq.size = conf.rseq_abi_size;
	th->rseq.signature = conf.signature;
	if (!th->rseq.addr)
		return 0;
	int rc = inject_rseq_abort(th->tid, t->mem_fd, th->rseq.addr, &th->regs, err);
	if (rc > 0)
		log_debug("thread %d was in a restartable sequence: it starts that again", th->tid);
	return rc < 0 ? rc : 0;
}

/* Its system calls become signals, so no code of ours could run in it. */
static int refuse_dispatch(const struct thread *th, struct error *err)
{
	struct {
		uint64_t mode, selector, offset, len;
	} conf = { 0 };
	if (ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, th->tid, (void *)sizeof(conf), &conf) <
		0 ||
	    conf.mode == 0) /* before Linux 6.4 it cannot be seen */
		return 0;
	return error_set(err, ENOTSUP,
			 "thread %d has its system calls dispatched to a signal handler "
			 "(PR_SET_SYSCALL_USER_DISPATCH): not supported; switch that off before "
			 "the dump",
			 th->tid);
}

static bool is_signalled(const struct proc_status *st)
{
	return ((st->sig_pending | st->shared_pending) & ~st->sig_blocked) != 0;
}

/* The first thread's are known: they are those of the task. */
static int read_first(const struct task *t, struct thread *th, struct error *err)
{
	th->status = t->status;
	th->status.groups = NULL;
	if (!t->status.nr_groups)
		return 0;
	size_t size = t->status.nr_groups * sizeof(*t->status.groups);
	th->status.groups = malloc(size);
	if (!th->status.groups)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(th->status.groups, t->status.groups, size);
	return 0;
}

static int read_thread(const struct task *t, struct thread *th, struct error *err)
{
	char path[48];
	if (th->tid == t->pid)
		return read_first(t, th, err);
	snprintf(path, sizeof(path), "task/%d/status", th->tid);
	return proc_status_read(t->proc_fd, path, &th->status, err);
}

/* The kernel takes its time to write these files. */
static int read_threads(void *ctx, size_t from, size_t to, struct error *err)
{
	struct task *t = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = read_thread(t, &t->threads[i], err);
	return rc;
}

static int collect_thread(struct task *t, struct thread *th, struct error *err)
{
	th->vtid = th->status.pids[t->pid_level];
	int rc = refuse_dispatch(th, err);
	if (rc == 0)
		rc = seccomp_collect(th, err);
	if (rc < 0)
		return rc;
	if (syscall(SYS_get_robust_list, th->tid, &th->robust_list, &th->robust_list_len) < 0)
		return error_sys(err, "thread %d: get_robust_list", th->tid);
	if (ptrace(PTRACE_GETSIGMASK, th->tid, (void *)sizeof(th->sigmask), &th->sigmask) < 0)
		return error_sys(err, "thread %d: read its signal mask", th->tid);
	rc = arch_regs_get(th->tid, &th->regs, err);
	if (rc == 0)
		arch_regs_find_call(th->tid, &th->regs);
	if (rc == 0)
		arch_regs_fix_restart(&th->regs, is_signalled(&th->status));
	return rc < 0 ? rc : collect_rseq(t, th, err);
}

static int collect_labels(struct task *t, const struct label_host *host, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->nr_threads; i++)
		rc = label_collect(host, t->proc_fd, &t->threads[i], err);
	return rc < 0 ? rc : label_check_threads(host, t->threads, t->nr_threads, err);
}

static int collect_threads(struct task *t, const struct label_host *host, struct error *err)
{
	struct trace *tr = t->trace;
	t->threads = calloc(tr->nr, sizeof(*t->threads));
	if (!t->threads)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < tr->nr; i++) {
		const struct seized *s = &tr->items[i];
		if (s->state != SEIZED_STOPPED)
			continue;
		struct thread *th = &t->threads[t->nr_threads++];
		th->tid = s->tid;
		if (s->group_stop) {
			t->state = TASK_STOPPED;
			t->stop_signo = s->group_stop;
		}
	}
	size_t nr = t->nr_threads;
	int rc = run_halves(read_threads, t, nr, nr >= THREADS_PAY, err);
	for (size_t i = 0; rc == 0 && i < t->nr_threads; i++)
		rc = collect_thread(t, &t->threads[i], err);
	if (rc < 0)
		return rc;
	return collect_labels(t, host, err);
}

static bool any_stopped(const struct trace *tr)
{
	for (size_t i = 0; i < tr->nr; i++) {
		if (tr->items[i].state == SEIZED_STOPPED)
			return true;
	}
	return false;
}

/* As the pid namespace of the root numbers them: those of all others are in it. */
static void collect_ids(struct task *t)
{
	t->pid_level = t->parent ? t->parent->pid_level : t->status.ns_pid_depth - 1;
	t->vpid = t->status.pids[t->pid_level];
	t->pgid = t->status.pgids[t->pid_level];
	t->sid = t->status.sids[t->pid_level];
	t->ppid = t->parent ? t->parent->vpid : 0;
}

/* Whose parent ends between being listed and being stopped is somebody else's child by now; so is
 * who has got the number of a child that ended. */
static int check_parent(const struct task *t, struct error *err)
{
	if (!t->parent || t->stat.ppid == t->parent->pid)
		return 0;
	return error_set(err, EAGAIN, TASK_FMT " is no child of %d any more: dump again",
			 TASK_ARGS(t), t->parent->pid);
}

int trace_read(struct task *t, struct error *err)
{
	bool stopped = any_stopped(t->trace);
	int rc = proc_stat_read(t->proc_fd, "stat", &t->stat, err);
	if (rc == 0)
		rc = proc_status_read(t->proc_fd, "status", &t->status, err);
	if (!stopped && (rc == -ESRCH || (rc == 0 && t->stat.state != 'Z'))) {
		t->state = TASK_DEAD;
		return 0;
	}
	return rc < 0 ? error_wrap(err, rc, "task %d", t->pid) : 0;
}

/* It had no thread left to stop. */
static int collect_zombie(struct task *t, struct error *err)
{
	int rc = check_parent(t, err);
	if (rc < 0)
		return rc;
	t->state = TASK_ZOMBIE;
	t->exit_code = t->stat.exit_code;
	collect_ids(t);
	t->threads = calloc(1, sizeof(*t->threads));
	if (!t->threads)
		return error_set(err, ENOMEM, "out of memory");
	t->nr_threads = 1;
	t->threads[0].tid = t->pid;
	t->threads[0].vtid = t->vpid;
	return 0;
}

int trace_collect(struct task *t, const struct label_host *host, struct error *err)
{
	if (t->state == TASK_DEAD)
		return 0;
	if (!any_stopped(t->trace))
		return collect_zombie(t, err);
	if (t->stat.state == 'Z')
		return trace_refuse_headless(t->pid, err);
	int rc = check_parent(t, err);
	if (rc < 0)
		return rc;
	collect_ids(t);
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", t->pid);
	t->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (t->mem_fd < 0)
		return error_sys(err, "open %s", path);
	rc = collect_threads(t, host, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	return t->threads[0].tid == t->pid ? 0 : trace_refuse_headless(t->pid, err);
}

int trace_drop_gone(struct dump *d, struct error *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		if (d->tasks[i]->state != TASK_DEAD) {
			d->tasks[kept++] = d->tasks[i];
			continue;
		}
		struct task *gone = d->tasks[i];
		pid_t pid = gone->pid;
		bool missed = i == 0;
		for (size_t k = i + 1; k < d->nr_tasks; k++)
			missed |= d->tasks[k]->parent == gone;
		if (missed) {
			/* Still in the list, so that the release lets all of them go. */
			memmove(&d->tasks[kept], &d->tasks[i],
				(d->nr_tasks - i) * sizeof(*d->tasks));
			d->nr_tasks -= i - kept;
			return error_set(err, ESRCH,
					 "pid %d died while the tree was stopped: dump again", pid);
		}
		trace_task_free(gone);
		d->tasks[i] = NULL;
	}
	d->nr_tasks = kept;
	return 0;
}
