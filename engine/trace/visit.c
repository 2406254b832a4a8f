/* SPDX-License-Identifier: MIT
 * Getting into a task and out of it again. Between two lines of this file the engine may be
 * killed: then the thread runs on from where it is, and everything it can reach ends in the
 * slot's healing code.
 */
#include "engine/trace/visit.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/procfs/read.h"
#include "engine/trace/seize.h"

#define PAGE          4096u
#define SYSCALL_STOP  (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */
#define VISIT_TIME_MS 10000
#define POLL_SLICE_MS 20

extern const char pie_parasite_start[], pie_parasite_end[];

static size_t page_align(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t blob_len(void)
{
	return (size_t)(pie_parasite_end - pie_parasite_start);
}

static size_t stacks_offset(void)
{
	return page_align(blob_len()) + page_align(sizeof(struct parasite_area));
}

static size_t mapping_len(void)
{
	return stacks_offset() + PARASITE_STACK + PARASITE_MAX_SLOTS * PARASITE_THREAD_STACK;
}

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

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/*
 * A stop nobody asked for. All signals are blocked, so only SIGSTOP can come (it is sent again
 * at the release) and the traces of earlier interrupts; a fault would be our own.
 */
static int pass_stop(struct visit *v, pid_t tid, int status, struct error *err)
{
	int sig = WSTOPSIG(status);
	if (status >> 16 == PTRACE_EVENT_STOP || sig == SYSCALL_STOP)
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
	return 0;
}

static bool at_syscall_exit(pid_t tid)
{
	struct __ptrace_syscall_info info;
	long n = ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info);
	return n > 0 && info.op == PTRACE_SYSCALL_INFO_EXIT;
}

int visit_run_to_syscall_exit(struct visit *v, pid_t tid, struct error *err)
{
	for (;;) {
		int status;
		if (ptrace(PTRACE_SYSCALL, tid, NULL, NULL) < 0)
			return error_sys(err, "thread %d: let it run to a system call", tid);
		int rc = wait_stop(v, tid, &status, err);
		if (rc == 0)
			rc = pass_stop(v, tid, status, err);
		if (rc < 0)
			return rc;
		if (status >> 8 == SYSCALL_STOP && at_syscall_exit(tid))
			return 0;
	}
}

int visit_interrupt(struct visit *v, pid_t tid, struct error *err)
{
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return error_sys(err, "thread %d: interrupt it", tid);
	for (;;) {
		int status;
		int rc = wait_stop(v, tid, &status, err);
		if (rc == 0)
			rc = pass_stop(v, tid, status, err);
		if (rc < 0)
			return rc;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	}
}

static int map_area(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	struct inject_args args = { .len = mapping_len() };
	int rc = inject_enter(&v->leader, INJECT_MMAP, &args, err);
	if (rc == 0)
		rc = visit_run_to_syscall_exit(v, t->pid, err);
	int64_t addr;
	if (rc == 0)
		rc = inject_result(t->pid, &addr, err);
	if (rc < 0)
		return rc;
	if (addr < 0 && addr > -4096)
		return error_code(err, (int)addr, "map %zu bytes for the parasite in it", args.len);
	v->base = (uint64_t)addr;
	v->len = args.len;
	v->area_addr = v->base + page_align(blob_len());
	return visit_write(v, v->base, pie_parasite_start, blob_len(), err);
}

/* The parasite's first system call makes the socket pair; one end becomes ours. */
static int open_socket(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	struct inject_args args = {
		.base = v->base,
		.len = v->len,
		.entry = v->base,
		.stack = v->base + stacks_offset() + PARASITE_STACK,
		.arg0 = v->area_addr,
	};
	int rc = inject_move(&v->leader, INJECT_CALL, &args, err);
	if (rc == 0)
		rc = visit_run_to_syscall_exit(v, t->pid, err);
	int64_t result;
	if (rc == 0)
		rc = inject_result(t->pid, &result, err);
	if (rc < 0)
		return rc;
	if (result < 0)
		return error_code(err, (int)result,
				  "open a socket pair in it (its limit of descriptors?)");
	int32_t fds[2];
	rc = visit_read(v, v->area_addr + offsetof(struct parasite_area, sockets), fds, sizeof(fds),
			err);
	if (rc < 0)
		return rc;
	v->sock = (int)syscall(SYS_pidfd_getfd, t->pidfd, fds[0], 0);
	if (v->sock < 0)
		return error_sys(err, "take the parasite's socket");
	if (ptrace(PTRACE_CONT, t->pid, NULL, NULL) < 0)
		return error_sys(err, "let the parasite run");
	return 0;
}

int visit_begin(struct visit *v, struct task *t, struct error *err)
{
	*v = (struct visit){
		.task = t,
		.sock = -1,
		.deadline_ms = clock_ms() + VISIT_TIME_MS,
		.leader = { .tid = t->pid, .mem_fd = t->mem_fd },
	};
	size_t slot = inject_slot_size();
	/* One for the first thread, one for each that is asked beside it. */
	size_t nr = t->nr_threads < PARASITE_MAX_SLOTS ? t->nr_threads : PARASITE_MAX_SLOTS;
	int rc = padding_find(t, slot, nr * slot, &v->padding, err);
	if (rc < 0)
		return rc;
	v->nr_slots = v->padding.len / slot;
	if (v->nr_slots > PARASITE_MAX_SLOTS)
		v->nr_slots = PARASITE_MAX_SLOTS;
	v->leader.slot_addr = v->padding.addr;
	rc = inject_prepare(&v->leader, &t->threads[0].regs, err);
	if (rc < 0)
		return rc; /* nothing of the task was changed but unused bytes */
	rc = map_area(v, err);
	if (rc == 0)
		rc = open_socket(v, err);
	if (rc < 0)
		visit_end(v, NULL);
	return rc;
}

/* Through the slot's own way out, so that a kill in the middle ends the same. */
static int leave_mapping(struct visit *v, struct error *err)
{
	pid_t tid = v->task->pid;
	int32_t fds[2] = { -1, -1 };
	int rc = 0;
	if (v->sock >= 0) {
		rc = visit_interrupt(v, tid, err);
		if (rc == 0)
			rc = visit_read(v, v->area_addr + offsetof(struct parasite_area, sockets),
					fds, sizeof(fds), err);
	}
	struct inject_args args = { .base = v->base,
				    .len = v->len,
				    .arg0 = (uint64_t)(int64_t)fds[1] };
	if (rc == 0)
		rc = inject_move(&v->leader, INJECT_BYE, &args, err);
	if (rc == 0)
		rc = visit_run_to_syscall_exit(v, tid, err); /* close */
	if (rc == 0)
		rc = visit_run_to_syscall_exit(v, tid, err); /* munmap */
	int64_t result = 0;
	if (rc == 0)
		rc = inject_result(tid, &result, err);
	if (rc == 0 && result < 0)
		rc = error_code(err, (int)result, "unmap the parasite");
	return rc;
}

int visit_end(struct visit *v, struct error *err)
{
	struct error why = { 0 };
	int rc = v->base ? leave_mapping(v, &why) : 0;
	fd_close(take_fd(v->sock)); /* if it still serves, it now leaves by itself */
	if (rc == 0)
		rc = inject_leave(&v->leader, &why);
	if (rc == 0)
		rc = padding_clear(v->task, &v->padding, &why);
	if (rc < 0)
		return error_set(err, rc, "take the parasite out: %s", why.text);
	return 0;
}

static int fill_request(struct visit *v, struct parasite_request *req, struct error *err)
{
	struct proc_timers timers = { 0 };
	int rc = proc_timers_read(v->task->proc_fd, &timers, err);
	if (rc == -ESRCH) /* a kernel without CONFIG_POSIX_TIMERS or CHECKPOINT_RESTORE */
		return 0;
	if (rc < 0)
		return rc;
	if (timers.nr > ARRAY_SIZE(req->timer_ids))
		rc = error_set(err, ENOTSUP, "it has %zu timers, at most %zu are supported",
			       timers.nr, ARRAY_SIZE(req->timer_ids));
	for (size_t i = 0; rc == 0 && i < timers.nr; i++)
		req->timer_ids[req->nr_timers++] = timers.items[i].id;
	free(timers.items);
	return rc;
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

/* While we wait, the thread may stop for a SIGSTOP or be killed. */
static int receive(struct visit *v, struct parasite_answer *a, struct error *err)
{
	pid_t tid = v->task->pid;
	for (;;) {
		struct pollfd pfd = { .fd = v->sock, .events = POLLIN };
		if (poll(&pfd, 1, POLL_SLICE_MS) > 0)
			break;
		int rc = visit_keep_running(v, tid, err);
		if (rc < 0)
			return rc;
		if (clock_ms() > v->deadline_ms)
			return error_set(err, ETIMEDOUT, "the parasite does not answer");
	}
	ssize_t n = recv(v->sock, a, sizeof(*a), MSG_DONTWAIT);
	if (n < 0)
		return error_sys(err, "hear the parasite");
	if (n != sizeof(*a))
		return error_set(err, EPROTO, "the parasite answers %zd bytes, want %zu", n,
				 sizeof(*a));
	return 0;
}

static int check_answer(const struct parasite_request *req, const struct parasite_answer *a,
			struct error *err)
{
	if (a->command != req->command)
		return error_set(err, EPROTO, "the parasite answers another command (%u)",
				 a->command);
	if (a->rc > 0)
		return error_set(err, EPROTO, "the parasite answers nonsense (%d)", a->rc);
	if (a->rc < 0)
		return error_code(err, a->rc, "ask it from inside");
	if (a->task.nr_timers != req->nr_timers)
		return error_set(err, EPROTO, "the parasite tells %u timers of %u",
				 a->task.nr_timers, req->nr_timers);
	return 0;
}

int visit_ask_task(struct visit *v, struct error *err)
{
	struct parasite_request req = { .command = PARASITE_ASK_TASK };
	auto_free struct parasite_answer *a = calloc(1, sizeof(*a));
	if (!a)
		return error_set(err, ENOMEM, "out of memory");
	int rc = fill_request(v, &req, err);
	if (rc < 0)
		return rc;
	if (send(v->sock, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		return error_sys(err, "talk to the parasite");
	rc = receive(v, a, err);
	if (rc == 0)
		rc = check_answer(&req, a, err);
	if (rc < 0)
		return rc;
	v->task->inside = a->task;
	v->task->threads[0].inside = a->leader;
	return 0;
}
