/* SPDX-License-Identifier: MIT
 * The threads of one task under our ptrace. All are seized and interrupted first and waited for
 * afterwards, so that they stop side by side instead of one after the other.
 */
#include "engine/trace/seize.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/procfs/read.h"

#define PF_KTHREAD    0x00200000u /* /proc/PID/stat flags: a kernel thread */
#define WAIT_SLICE_MS 20          /* in case SIGCHLD is not for us: never sleep longer unasked */

int64_t clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

struct trace *trace_new(pid_t pid)
{
	struct trace *tr = calloc(1, sizeof(*tr));
	if (tr)
		tr->pid = pid;
	return tr;
}

void trace_free(struct trace *tr)
{
	if (!tr)
		return;
	free(tr->items);
	free(tr);
}

static struct seized *find(struct trace *tr, pid_t tid)
{
	for (size_t i = 0; i < tr->nr; i++) {
		size_t at = (tr->last_found + 1 + i) % tr->nr;
		if (tr->items[at].tid == tid) {
			tr->last_found = at;
			return &tr->items[at];
		}
	}
	return NULL;
}

/* PTRACE_SEIZE says EPERM for many reasons; /proc knows which. */
static int explain_refusal(pid_t pid, pid_t tid, struct error *err)
{
	char path[64];
	struct proc_stat st;
	struct proc_status status;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	int rc = proc_stat_read(AT_FDCWD, path, &st, NULL);
	if (rc == -ESRCH || (rc == 0 && (st.state == 'X' || st.state == 'x')))
		return 0;
	if (rc == 0 && st.state == 'Z' && tid == pid)
		return error_set(err, ENOTSUP,
				 "task %d: its first thread has exited while others run", pid);
	if (rc == 0 && st.state == 'Z')
		return 0;
	if (rc == 0 && (st.flags & PF_KTHREAD))
		return error_set(err, EINVAL, "task %d is a kernel thread", pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (proc_status_read(AT_FDCWD, path, &status, NULL) == 0) {
		int tracer = status.tracer_pid;
		proc_status_fini(&status);
		if (tracer)
			return error_set(err, EBUSY,
					 "task %d: thread %d is traced by %d: detach it first", pid,
					 tid, tracer);
	}
	return error_set(err, EPERM, "task %d: not allowed to trace thread %d (CAP_SYS_PTRACE?)",
			 pid, tid);
}

int trace_seize(struct trace *tr, pid_t tid, struct error *err)
{
	if (find(tr, tid))
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0) {
		if (errno == ESRCH)
			return 0;
		return explain_refusal(tr->pid, tid, err);
	}
	struct seized *s = array_add(tr);
	if (!s) {
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return error_set(err, ENOMEM, "out of memory");
	}
	*s = (struct seized){ .tid = tid, .state = SEIZED_PENDING };
	tr->last_found = tr->nr - 1;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		log_debug("thread %d exits while it is being stopped", tid);
	return 1;
}

int trace_wait_stop(pid_t tid, int *status, int64_t deadline_ms)
{
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		pid_t got = waitpid(tid, status, __WALL | WNOHANG);
		if (got == tid)
			return WIFSTOPPED(*status) ? 0 : -ESRCH;
		if (got < 0 && errno != EINTR)
			return -ESRCH; /* ECHILD: reaped by an exec of another thread */
		if (clock_ms() > deadline_ms)
			return -ETIMEDOUT;
		struct timespec slice = { .tv_nsec = WAIT_SLICE_MS * 1000000L };
		sigtimedwait(&chld, NULL, &slice);
	}
}

static int explain_timeout(pid_t pid, pid_t tid, struct error *err)
{
	char path[64];
	struct proc_stat st;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	char state = proc_stat_read(AT_FDCWD, path, &st, NULL) == 0 ? st.state : '?';
	return error_set(err, ETIMEDOUT, "task %d: thread %d does not stop (state %c)%s", pid, tid,
			 state,
			 state == 'D' ? ": it waits in the kernel, as a parent of vfork does" : "");
}

static bool is_group_stop(int status)
{
	int sig = WSTOPSIG(status);
	return status >> 16 == PTRACE_EVENT_STOP &&
	       (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU);
}

/* A signal that was on its way is handed on; the stop asked for comes right after it. */
static int wait_one(struct seized *s, int64_t deadline_ms)
{
	for (;;) {
		int status;
		int rc = trace_wait_stop(s->tid, &status, deadline_ms);
		if (rc == -ESRCH) {
			s->state = SEIZED_GONE;
			return 0;
		}
		if (rc < 0)
			return rc;
		if (status >> 16 == PTRACE_EVENT_STOP) {
			s->state = SEIZED_STOPPED;
			s->group_stop = is_group_stop(status) ? WSTOPSIG(status) : 0;
			return 0;
		}
		int sig = status >> 16 ? 0 : WSTOPSIG(status);
		ptrace(PTRACE_CONT, s->tid, NULL, (void *)(long)sig);
	}
}

int trace_wait_all(struct trace *tr, int64_t deadline_ms, struct error *err)
{
	for (size_t i = 0; i < tr->nr; i++) {
		if (tr->items[i].state != SEIZED_PENDING)
			continue;
		int rc = wait_one(&tr->items[i], deadline_ms);
		if (rc < 0)
			return explain_timeout(tr->pid, tr->items[i].tid, err);
	}
	return 0;
}

/* A thread that never stopped can only be detached by stopping it, or by our own exit. */
void trace_detach(struct trace *tr)
{
	for (size_t i = 0; i < tr->nr; i++) {
		struct seized *s = &tr->items[i];
		if (s->state == SEIZED_GONE)
			continue;
		if (ptrace(PTRACE_DETACH, s->tid, NULL, NULL) < 0 && errno != ESRCH)
			log_warn("cannot detach thread %d", s->tid);
		s->state = SEIZED_GONE;
	}
	if (tr->owed_stop)
		kill(tr->pid, tr->owed_stop);
	tr->owed_stop = 0;
}
