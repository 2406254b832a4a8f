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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/context/task.h"
#include "engine/procfs/read.h"

#define PF_IO_WORKER  0x00000010u /* /proc/PID/stat flags: works for io_uring */
#define PF_KTHREAD    0x00200000u /* /proc/PID/stat flags: a kernel thread */
#define VFORK_MS      50          /* so long a parent of vfork may take before we look twice */
#define MORE_TIME     "give it more time (--timeout SECONDS), or freeze its cgroup (--freeze-cgroup)"
#define WAIT_SLICE_MS 20 /* in case SIGCHLD is not for us: never sleep longer unasked */

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

const char *trace_name(pid_t pid, char out[32])
{
	char path[32];
	struct proc_stat st;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (proc_stat_read(AT_FDCWD, path, &st, NULL) < 0)
		st.comm[0] = '\0';
	snprintf(out, 32, "pid %d (%.15s)", pid, st.comm);
	return out;
}

int trace_refuse_headless(pid_t pid, struct error *err)
{
	char name[32];
	return error_set(err, EBUSY,
			 "%s: its first thread has exited while others run: not supported; let its "
			 "main function wait for them (pthread_join)",
			 trace_name(pid, name));
}

/* A process that has just ended has none besides the first. */
static bool has_threads(pid_t pid)
{
	char path[32];
	struct proc_status status;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (proc_status_read(AT_FDCWD, path, &status, NULL) < 0)
		return false;
	int nr = status.nr_threads;
	proc_status_fini(&status);
	return nr > 1;
}

/* PTRACE_SEIZE says EPERM for many reasons; /proc knows which. */
static int explain_refusal(pid_t pid, pid_t tid, struct error *err)
{
	char path[64], name[32], other[32];
	struct proc_stat st;
	struct proc_status status;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	int rc = proc_stat_read(AT_FDCWD, path, &st, NULL);
	if (rc == -ESRCH || (rc == 0 && (st.state == 'X' || st.state == 'x')))
		return 0;
	if (rc == 0 && st.state == 'Z')
		return tid == pid && has_threads(pid) ? trace_refuse_headless(pid, err) : 0;
	if (rc == 0 && (st.flags & PF_KTHREAD))
		return error_set(err, EINVAL, "%s is a kernel thread: only processes can be dumped",
				 trace_name(pid, name));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (proc_status_read(AT_FDCWD, path, &status, NULL) == 0) {
		int tracer = status.tracer_pid;
		proc_status_fini(&status);
		if (tracer == getpid()) /* it never stopped since we last let go */
			return error_set(
			    err, EAGAIN,
			    "%s: thread %d waits in the kernel and does not stop: " MORE_TIME,
			    trace_name(pid, name), tid);
		if (tracer)
			return error_set(err, EBUSY,
					 "%s: thread %d is traced by %s: detach that first",
					 trace_name(pid, name), tid, trace_name(tracer, other));
	}
	return error_set(err, EPERM,
			 "%s: not allowed to trace thread %d: run stasis as root, or with "
			 "CAP_SYS_PTRACE",
			 trace_name(pid, name), tid);
}

/*
 * Threads of the kernel that work for io_uring stand among those of the task. An interruption would
 * end what they do; idle ones end by themselves, and come again when they are needed. Nearly every
 * thread of a program has a robust list, which is quickly asked for; they have none.
 */
static bool is_worker(pid_t pid, pid_t tid)
{
	char path[64];
	struct proc_stat st;
	void *list = NULL;
	size_t len;
	if (tid == pid || (syscall(SYS_get_robust_list, tid, &list, &len) == 0 && list))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	return proc_stat_read(AT_FDCWD, path, &st, NULL) == 0 && (st.flags & PF_IO_WORKER);
}

int trace_seize(struct trace *tr, pid_t tid, struct error *err)
{
	if (find(tr, tid) || is_worker(tr->pid, tid))
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

/* A dead first thread is reported only once its other threads, ours to collect, are gone. */
static bool is_zombie(pid_t tid)
{
	char path[32];
	struct proc_stat st;
	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	return proc_stat_read(AT_FDCWD, path, &st, NULL) == 0 && st.state == 'Z';
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
		if (sigtimedwait(&chld, NULL, &slice) < 0 && is_zombie(tid))
			return -ESRCH;
	}
}

static int explain_timeout(pid_t pid, pid_t tid, struct error *err)
{
	char path[64], name[32];
	struct proc_stat st;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	char state = proc_stat_read(AT_FDCWD, path, &st, NULL) == 0 ? st.state : '?';
	return error_set(
	    err, ETIMEDOUT, "%s: thread %d did not stop in time (state %c%s): " MORE_TIME,
	    trace_name(pid, name), tid, state, state == 'D' ? ", it waits in the kernel" : "");
}

static bool is_group_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP && is_stop_signal(WSTOPSIG(status));
}

/* The parent of a vfork waits for its child without hearing us, and we may have stopped that. */
static bool waits_for_vfork(pid_t pid, pid_t tid)
{
	char path[64];
	auto_strbuf text = { 0 };
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	if (file_read_at(AT_FDCWD, path, &text, NULL) < 0 || !text.data)
		return false;
	long nr = strtol(text.data, NULL, 10);
	return nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3;
}

/*
 * A signal that was on its way is handed on. Any stop ends the wish for ours, that at a signal as
 * well, so it is asked for once more, and comes right after.
 */
static int wait_one(struct trace *tr, struct seized *s, int64_t deadline_ms)
{
	int64_t vfork_ms = clock_ms() + VFORK_MS;
	for (;;) {
		int status;
		int64_t until = vfork_ms < deadline_ms ? vfork_ms : deadline_ms;
		int rc = trace_wait_stop(s->tid, &status, until);
		if (rc == -ETIMEDOUT && until < deadline_ms) {
			if (waits_for_vfork(tr->pid, s->tid))
				return -EAGAIN;
			vfork_ms = deadline_ms;
			continue;
		}
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
		ptrace(PTRACE_INTERRUPT, s->tid, NULL, NULL);
		ptrace(PTRACE_CONT, s->tid, NULL, (void *)(long)sig);
	}
}

int trace_wait_all(struct trace *tr, int64_t deadline_ms, struct error *err)
{
	for (size_t i = 0; i < tr->nr; i++) {
		if (tr->items[i].state != SEIZED_PENDING)
			continue;
		char name[32];
		int rc = wait_one(tr, &tr->items[i], deadline_ms);
		if (rc == -EAGAIN)
			return error_set(err, EAGAIN,
					 "%s: thread %d waits for the child of its vfork, "
					 "which did not go on in time: " MORE_TIME,
					 trace_name(tr->pid, name), tr->items[i].tid);
		if (rc < 0)
			return explain_timeout(tr->pid, tr->items[i].tid, err);
	}
	return 0;
}

static void detach_one(struct seized *s)
{
	if (ptrace(PTRACE_DETACH, s->tid, NULL, NULL) < 0 && errno != ESRCH)
		log_warn("cannot detach thread %d", s->tid);
	s->state = SEIZED_GONE;
}

void trace_detach(struct trace *tr)
{
	for (size_t i = 0; i < tr->nr; i++) {
		if (tr->items[i].state == SEIZED_STOPPED)
			detach_one(&tr->items[i]);
	}
	if (tr->owed_stop)
		kill(tr->pid, tr->owed_stop);
	tr->owed_stop = 0;
}

/* Only a stopped thread can be detached. One that never stops is let go by our own end. */
void trace_detach_late(struct trace *tr, int64_t deadline_ms)
{
	for (size_t i = 0; i < tr->nr; i++) {
		int status;
		if (tr->items[i].state != SEIZED_PENDING)
			continue;
		if (trace_wait_stop(tr->items[i].tid, &status, deadline_ms) == 0)
			detach_one(&tr->items[i]);
	}
}

int trace_wait_dead(struct trace *tr, int64_t deadline_ms)
{
	int left = 0;
	for (size_t i = tr->nr; i-- > 0;) {
		int status, rc = -ESRCH;
		while (tr->items[i].state != SEIZED_GONE &&
		       (rc = trace_wait_stop(tr->items[i].tid, &status, deadline_ms)) == 0)
			;
		if (rc == -ETIMEDOUT)
			left = rc;
		else
			tr->items[i].state = SEIZED_GONE;
	}
	return left;
}
