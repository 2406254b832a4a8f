/* SPDX-License-Identifier: MIT
 * What the steps of a visit are made of: sending a thread on, waiting for it, giving up.
 */
#include "engine/trace/visit.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/context/task.h"
#include "engine/trace/seize.h"

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

int visit_write(struct visit *v, uint64_t addr, const void *buf, size_t len, struct error *err)
{
	ssize_t n = pwrite(v->task->mem_fd, buf, len, (off_t)addr);
	if (n == (ssize_t)len)
		return 0;
	return error_code(err, n < 0 ? errno : EIO, "write the parasite's memory at %#llx",
			  (unsigned long long)addr);
}

int visit_read(struct visit *v, uint64_t addr, void *buf, size_t len, struct error *err)
{
	ssize_t n = pread(v->task->mem_fd, buf, len, (off_t)addr);
	if (n == (ssize_t)len)
		return 0;
	return error_code(err, n < 0 ? errno : EIO, "read the parasite's memory at %#llx",
			  (unsigned long long)addr);
}

/* Is it the stop of the signal that a thread sends itself? */
static bool tells_by(const struct visit *v, int status)
{
	return v->tells && status >> 8 == v->leader.tell_signo;
}

/*
 * All signals are blocked, so only SIGSTOP can come (it is sent again at the release), the one it
 * sends itself, and the traces of earlier interrupts; a fault would be our own.
 */
static int pass_stop(struct visit *v, pid_t tid, int status, struct error *err)
{
	int sig = WSTOPSIG(status);
	if (status >> 16 == PTRACE_EVENT_STOP || sig == SYSCALL_STOP || tells_by(v, status))
		return 0;
	if (!is_stop_signal(sig))
		return error_set(err, EPROTO, "thread %d: injected code got signal %d", tid, sig);
	v->task->trace->owed_stop = sig;
	return 0;
}

static int wait_stop(struct visit *v, pid_t tid, int *status, struct error *err)
{
	int rc = trace_wait_stop(tid, status, v->deadline_ms);
	if (rc == -ESRCH)
		return error_set(err, ESRCH, "thread %d exited while it was asked", tid);
	if (rc < 0)
		return error_set(err, ETIMEDOUT, "thread %d does not finish the injected code",
				 tid);
	return pass_stop(v, tid, *status, err);
}

static int run_on(struct visit *v, struct error *err)
{
	if (ptrace(v->tells ? PTRACE_CONT : PTRACE_SYSCALL, v->task->pid, NULL, NULL) < 0)
		return error_sys(err, "thread %d: let it run", v->task->pid);
	return 0;
}

int visit_kick(struct visit *v, struct error *err)
{
	v->in_call = v->at_exit = false;
	v->state = VISIT_UNDER_WAY;
	return run_on(v, err);
}

int visit_advance(struct visit *v, struct error *err)
{
	if (v->at_exit)
		return 0;
	int status;
	int rc = wait_stop(v, v->task->pid, &status, err);
	if (rc < 0)
		return rc;
	if (tells_by(v, status))
		v->at_exit = true;
	if (status >> 8 == SYSCALL_STOP) { /* at the entry, then at the exit */
		v->at_exit = v->in_call;
		v->in_call = true;
	}
	return v->at_exit ? 0 : run_on(v, err);
}

int visit_arrive(struct visit *v, struct error *err)
{
	int rc = 0;
	while (rc == 0 && !v->at_exit)
		rc = visit_advance(v, err);
	return rc;
}

int visit_wait_interrupted(struct visit *v, pid_t tid, struct error *err)
{
	for (;;) {
		int status;
		int rc = wait_stop(v, tid, &status, err);
		if (rc < 0)
			return rc;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	}
}

int visit_wait_told(struct visit *v, pid_t tid, struct error *err)
{
	for (;;) {
		int status;
		int rc = wait_stop(v, tid, &status, err);
		if (rc < 0 || tells_by(v, status))
			return rc;
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	}
}

int visit_keep_running(struct visit *v, pid_t tid, struct error *err)
{
	int status;
	if (waitpid(tid, &status, __WALL | WNOHANG) != tid)
		return 0;
	if (!WIFSTOPPED(status))
		return error_set(err, ESRCH, "thread %d exited while it was asked", tid);
	int rc = pass_stop(v, tid, status, err);
	if (rc == 0)
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	return rc;
}

/* Anywhere: what it runs into next heals it. */
static void stop_anywhere(struct visit *v)
{
	int status;
	siginfo_t si;
	if (v->at_exit || ptrace(PTRACE_GETSIGINFO, v->task->pid, NULL, &si) == 0)
		return; /* it stands still */
	ptrace(PTRACE_INTERRUPT, v->task->pid, NULL, NULL);
	if (trace_wait_stop(v->task->pid, &status, v->deadline_ms) < 0)
		log_warn("task %d does not stop: it heals itself when this process ends",
			 v->task->pid);
}

static int leave_in_order(struct visit *v)
{
	int rc = v->state == VISIT_SERVING ? visit_recall(v, NULL) : 0;
	if (rc == 0)
		rc = visit_dismiss(v, NULL);
	if (rc == 0)
		rc = visit_unmap(v, NULL);
	return rc < 0 ? rc : visit_end(v, NULL);
}

void visit_abort(struct visit *v)
{
	bool in_order = v->state == VISIT_MAPPED || v->state == VISIT_SERVING;
	if (in_order && leave_in_order(v) < 0)
		log_warn("task %d: the parasite is left to remove itself", v->task->pid);
	else if (v->state == VISIT_UNDER_WAY)
		stop_anywhere(v);
	fd_close(take_fd(v->sock));
}
