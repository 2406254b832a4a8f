/* SPDX-License-Identifier: MIT
 * The steps of a visit: into the task's first thread and out again. Between any two lines the
 * engine may be killed: then the thread runs on from where it is, and everything it can reach
 * ends in the slot's healing code.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/page.h"
#include "engine/procfs/read.h"
#include "engine/trace/landlock.h"
#include "engine/trace/room.h"
#include "engine/trace/seize.h"
#include "engine/trace/visit.h"

#define VISIT_TIME_MS 20000
#define POLL_SLICE_MS 20
#define MANY_MAPPINGS 500
#define ENOUGH_SLOTS  3 /* more make little difference, and the vdso is the better place */

extern const char pie_parasite_start[], pie_parasite_end[];

static size_t page_align(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t blob_len(void)
{
	return (uintptr_t)pie_parasite_end - (uintptr_t)pie_parasite_start;
}

static size_t mappings_offset(void)
{
	return page_align(blob_len()) + page_align(sizeof(struct parasite_area));
}

static size_t stacks_offset(const struct visit *v)
{
	return mappings_offset() + page_align((v->task->vmas.nr + v->nr_stops) * sizeof(uint64_t));
}

static size_t mapping_len(const struct visit *v)
{
	return stacks_offset(v) + PARASITE_STACK + PARASITE_MAX_SLOTS * PARASITE_THREAD_STACK;
}

/* If the engine dies, their filters are in force again: what leads out then is best little. */
static bool any_filtered(const struct task *t)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (t->threads[i].status.seccomp_mode)
			return true;
	return false;
}

/* One that does nothing by default, and that the first thread neither handles nor blocks. */
static int quiet_signal(const struct task *t)
{
	static const int quiet[] = { SIGWINCH, SIGURG, SIGCHLD };
	uint64_t meant = t->status.sig_caught | t->threads[0].sigmask;
	if (t->state != TASK_ALIVE || any_filtered(t))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++)
		if (!(meant >> (quiet[i] - 1) & 1))
			return quiet[i];
	return 0;
}

int visit_start(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	v->sock = v->their_sock = -1;
	visit_count_stops(v);
	v->deadline_ms = clock_ms() + VISIT_TIME_MS;
	size_t first = inject_slot_size(), other = inject_thread_slot_size();
	/* One for the first thread, and some for those that are asked beside it. */
	size_t nr = t->nr_threads - 1 < ENOUGH_SLOTS ? t->nr_threads - 1 : ENOUGH_SLOTS;
	int rc = padding_find(t, first + (nr ? other : 0), first + nr * other, &v->padding, err);
	if (rc < 0)
		return rc;
	v->nr_slots = (v->padding.len - first) / other;
	if (v->nr_slots > PARASITE_MAX_SLOTS)
		v->nr_slots = PARASITE_MAX_SLOTS;
	v->leader = (struct inject){
		.tid = t->pid,
		.mem_fd = t->mem_fd,
		.slot_addr = v->padding.addr,
		.tell_signo = quiet_signal(t),
	};
	struct inject_args args = { .len = mapping_len(v) };
	rc = inject_prepare(&v->leader, &t->threads[0].regs, t->threads[0].sigmask, err);
	if (rc == 0)
		rc = inject_enter(&v->leader, INJECT_MMAP, &args, err);
	return rc < 0 ? rc : visit_kick(v, err);
}

/* What the system call returned at whose exit the first thread stands. */
static int arrive_with(struct visit *v, int64_t *result, struct error *err)
{
	int rc = visit_arrive(v, err);
	return rc < 0 ? rc : inject_result(v->task->pid, result, err);
}

static bool is_error(int64_t result)
{
	return result < 0 && result > -4096;
}

/* PR_SET_MDWE: no memory that is both written and executed. Code is written from outside then. */
static int map_apart(struct visit *v, int64_t *addr, struct error *err)
{
	size_t code = page_align(blob_len());
	int64_t result = 0;
	struct inject_args args = { .len = mapping_len(v) };
	int rc = inject_move(&v->leader, INJECT_MMAP_CODE, &args, err);
	if (rc == 0)
		rc = visit_kick(v, err);
	if (rc == 0)
		rc = arrive_with(v, addr, err);
	if (rc < 0 || is_error(*addr))
		return rc;
	args.base = (uint64_t)*addr;
	args.arg0 = args.base + code;
	args.arg1 = args.len - code;
	rc = inject_move(&v->leader, INJECT_PROTECT, &args, err);
	if (rc == 0)
		rc = visit_kick(v, err);
	if (rc == 0)
		rc = arrive_with(v, &result, err);
	if (rc == 0 && is_error(result))
		rc = error_code(err, (int)result, "protect the parasite's memory in it");
	return rc;
}

int visit_load(struct visit *v, struct error *err)
{
	int64_t addr = 0;
	int rc = arrive_with(v, &addr, err);
	if (rc == 0 && addr == -EACCES)
		rc = map_apart(v, &addr, err);
	if (rc < 0)
		return rc;
	if (is_error(addr))
		return room_error(v->task, mapping_len(v), (int)addr, err);
	v->state = VISIT_MAPPED;
	v->base = (uint64_t)addr;
	v->len = mapping_len(v);
	v->area_addr = v->base + page_align(blob_len());
	struct inject_args args = {
		.base = v->base,
		.len = v->len,
		.entry = v->base,
		.stack = v->base + stacks_offset(v) + PARASITE_STACK,
		.arg0 = v->area_addr,
	};
	rc = visit_write(v, v->base, pie_parasite_start, blob_len(), err);
	if (rc == 0)
		rc = inject_move(&v->leader, INJECT_CALL, &args, err);
	return rc < 0 ? rc : visit_kick(v, err);
}

/* The parasite's first system call made the socket pair; one end becomes ours. */
static int take_socket(struct visit *v, struct error *err)
{
	int32_t fds[2] = { 0 };
	int64_t result = 0;
	uint64_t at = v->area_addr + offsetof(struct parasite_area, sockets);
	int rc = visit_read(v, at, fds, sizeof(fds), err);
	if (rc == 0 && fds[0] == fds[1])
		rc = inject_result(v->task->pid, &result, err);
	if (rc < 0 || is_error(result))
		return rc < 0 ? rc
			      : error_code(err, (int)result,
					   "open a socket pair in it (its limit of descriptors?)");
	v->their_sock = fds[1];
	v->sock = (int)syscall(SYS_pidfd_getfd, v->task->pidfd, fds[0], 0);
	return v->sock < 0 ? error_sys(err, "take the parasite's socket") : 0;
}

static uint64_t stops_addr(const struct visit *v)
{
	return v->base + mappings_offset() + v->task->vmas.nr * sizeof(uint64_t);
}

/* "0", against "0-1" or "0,2" */
static bool is_on_one_node(void)
{
	auto_strbuf text = { 0 };
	return file_read_at(AT_FDCWD, "/sys/devices/system/node/has_memory", &text, NULL) < 0 ||
	       !text.len || !strpbrk(text.data, ",-");
}

/* Asking takes a system call for each; of many that pays only where a policy decides anything. */
static int tell_mappings(struct visit *v, struct parasite_request *req, struct error *err)
{
	const struct vma_list *vmas = &v->task->vmas;
	if (vmas->nr > MANY_MAPPINGS && is_on_one_node())
		return 0;
	size_t len = vmas->nr * sizeof(uint64_t);
	auto_free uint64_t *starts = malloc(len + 1);
	if (!starts)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < vmas->nr; i++)
		starts[i] = vmas->items[i].start;
	req->mappings_addr = v->base + mappings_offset();
	req->nr_mappings = vmas->nr;
	return visit_write(v, req->mappings_addr, starts, len, err);
}

static int fill_request(struct visit *v, struct parasite_request *req, struct error *err)
{
	struct proc_timers timers = { 0 };
	int fd_size = v->task->status.fd_size;
	*req = (struct parasite_request){
		.command = PARASITE_ASK_TASK,
		.tell_signo = v->leader.tell_signo,
	};
	if (v->tell_fds && fd_size > 0 && fd_size <= PARASITE_MAX_FDS)
		req->nr_fds = (uint32_t)fd_size;
	int rc = proc_timers_read(v->task->proc_fd, &timers, err);
	if (rc == -ESRCH) /* a kernel without POSIX timers */
		return 0;
	if (rc < 0)
		return rc;
	if (timers.nr > ARRAY_SIZE(req->timer_ids))
		rc = error_set(
		    err, ENOTSUP,
		    "%zu timers of timer_create(2), at most %zu are supported: delete some "
		    "before the dump",
		    timers.nr, ARRAY_SIZE(req->timer_ids));
	for (size_t i = 0; rc == 0 && i < timers.nr; i++)
		req->timer_ids[req->nr_timers++] = timers.items[i].id;
	free(timers.items);
	return rc;
}

int visit_ask(struct visit *v, struct error *err)
{
	int rc = visit_arrive(v, err);
	if (rc == 0)
		rc = take_socket(v, err);
	if (rc == 0)
		rc = fill_request(v, &v->request, err);
	if (rc == 0)
		rc = tell_mappings(v, &v->request, err);
	if (rc == 0)
		rc = visit_tell_stops(v, stops_addr(v), &v->request, err);
	/* where another thread will have its own, when it is asked */
	landlock_ask(v->task, v->base + v->len, &v->request);
	if (rc < 0)
		return rc;
	if (ptrace(PTRACE_CONT, v->task->pid, NULL, NULL) < 0)
		return error_sys(err, "let the parasite run");
	v->at_exit = false;
	size_t len = parasite_request_size(&v->request);
	if (send(v->sock, &v->request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return error_sys(err, "talk to the parasite");
	return 0;
}

/* While we wait, the thread may stop for a SIGSTOP or be killed. */
static int wait_answer(struct visit *v, struct error *err)
{
	pid_t tid = v->task->pid;
	for (;;) {
		struct pollfd pfd = { .fd = v->sock, .events = POLLIN };
		if (poll(&pfd, 1, POLL_SLICE_MS) > 0)
			return 0;
		int rc = visit_keep_running(v, tid, err);
		if (rc < 0)
			return rc;
		if (clock_ms() > v->deadline_ms)
			return error_set(err, ETIMEDOUT, "the parasite does not answer");
	}
}

static int check_answer(const struct parasite_request *req, const struct parasite_head *head,
			const struct parasite_task *task, struct error *err)
{
	if (head->command != req->command)
		return error_set(err, EPROTO, "the parasite answers another command (%u)",
				 head->command);
	if (head->rc > 0)
		return error_set(err, EPROTO, "the parasite answers nonsense (%d)", head->rc);
	if (head->rc < 0)
		return error_code(err, head->rc, "ask it from inside");
	if (task->nr_timers != req->nr_timers)
		return error_set(err, EPROTO, "the parasite tells %u timers of %u", task->nr_timers,
				 req->nr_timers);
	if (task->nr_fds != req->nr_fds)
		return error_set(err, EPROTO, "the parasite tells %u descriptors of %u",
				 task->nr_fds, req->nr_fds);
	return 0;
}

static int read_ldt(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	size_t len = t->inside.ldt_len;
	if (len > PARASITE_LDT)
		return error_set(err, EPROTO, "the parasite tells of %zu bytes of descriptors",
				 len);
	if (!len)
		return 0;
	t->ldt = malloc(len);
	if (!t->ldt)
		return error_set(err, ENOMEM, "out of memory");
	uint64_t at = v->area_addr + offsetof(struct parasite_area, ldt);
	return visit_read(v, at, t->ldt, len, err);
}

static int read_policies(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	size_t nr = t->inside.nr_policies, len = t->vmas.nr * sizeof(uint64_t);
	if (nr > PARASITE_POLICIES)
		return error_set(err, ENOTSUP,
				 "its memory has more than %d different NUMA policies: not "
				 "supported, give it fewer",
				 PARASITE_POLICIES);
	if (!nr)
		return 0;
	auto_free uint64_t *numbers = malloc(len + 1);
	t->policies = calloc(nr, sizeof(*t->policies));
	if (!numbers || !t->policies)
		return error_set(err, ENOMEM, "out of memory");
	uint64_t at = v->area_addr + offsetof(struct parasite_area, policies);
	if (v->request.nr_mappings != t->vmas.nr)
		return error_set(err, EPROTO, "the parasite tells of policies nobody asked for");
	int rc = visit_read(v, at, t->policies, nr * sizeof(*t->policies), err);
	if (rc == 0)
		rc = visit_read(v, v->request.mappings_addr, numbers, len, err);
	for (size_t i = 0; rc == 0 && i < t->vmas.nr; i++) {
		if (numbers[i] > nr)
			return error_set(err, EPROTO, "the parasite tells of policy %llu of %zu",
					 (unsigned long long)numbers[i], nr);
		t->vmas.items[i].policy = (uint32_t)numbers[i];
	}
	return rc;
}

static int read_answer(struct visit *v, struct parasite_head *head, struct error *err)
{
	struct task *t = v->task;
	struct iovec parts[] = {
		{ head, sizeof(*head) },
		{ &t->inside, sizeof(t->inside) },
		{ NULL, parasite_timers_size(&v->request) },
		{ NULL, parasite_fds_size(&v->request) },
	};
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts) };
	size_t want = sizeof(*head) + sizeof(t->inside) + parts[2].iov_len + parts[3].iov_len;
	parts[2].iov_base = t->timers = malloc(parts[2].iov_len + 1);
	parts[3].iov_base = t->fds = malloc(parts[3].iov_len + 1);
	if (!t->timers || !t->fds)
		return error_set(err, ENOMEM, "out of memory");
	ssize_t n = recvmsg(v->sock, &msg, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0)
		return error_sys(err, "hear the parasite");
	if ((size_t)n != want)
		return error_set(err, EPROTO, "the parasite answers %zd bytes, want %zu", n, want);
	return 0;
}

int visit_hear(struct visit *v, struct error *err)
{
	struct parasite_head head;
	int rc = wait_answer(v, err);
	if (rc == 0)
		rc = read_answer(v, &head, err);
	if (rc < 0)
		return rc;
	v->state = VISIT_SERVING;
	v->tells = v->leader.tell_signo && v->task->inside.may_tell;
	v->task->threads[0].inside = head.leader;
	rc = check_answer(&v->request, &head, &v->task->inside, err);
	if (rc == 0)
		rc = landlock_check(v->task, err);
	if (rc == 0)
		rc = read_ldt(v, err);
	if (rc == 0)
		rc = visit_hear_stops(v, err);
	return rc < 0 ? rc : read_policies(v, err);
}

/*
 * It leaves when its peer is gone, as if the engine had died, and stops when nothing of it is left
 * but the slot. Without a signal for that stop, it is sent through its last system calls one by
 * one: such a stop at each entry and exit costs as much as all that it was asked.
 */
int visit_recall(struct visit *v, struct error *err)
{
	if (v->tells) {
		v->at_exit = false;
		v->state = VISIT_UNDER_WAY;
		fd_close(take_fd(v->sock));
		return 0;
	}
	if (ptrace(PTRACE_INTERRUPT, v->task->pid, NULL, NULL) < 0)
		return error_sys(err, "thread %d: interrupt it", v->task->pid);
	return 0;
}

/* Through the slot's own way out, so that a kill in the middle ends the same. */
int visit_dismiss(struct visit *v, struct error *err)
{
	int rc = 0;
	if (v->tells)
		return 0;
	if (v->state == VISIT_SERVING)
		rc = visit_wait_interrupted(v, v->task->pid, err);
	struct inject_args args = { .base = v->base,
				    .len = v->len,
				    .arg0 = (uint64_t)(int64_t)v->their_sock };
	if (rc == 0)
		rc = inject_move(&v->leader, INJECT_BYE, &args, err);
	return rc < 0 ? rc : visit_kick(v, err);
}

int visit_unmap(struct visit *v, struct error *err)
{
	int rc = v->tells ? 0 : visit_arrive(v, err);
	return rc < 0 || v->tells ? rc : visit_kick(v, err);
}

int visit_end(struct visit *v, struct error *err)
{
	int64_t result = 0;
	int rc = visit_arrive(v, err);
	if (rc == 0)
		rc = v->tells ? inject_unmapped(&v->leader, &result, err)
			      : inject_result(v->task->pid, &result, err);
	if (rc == 0 && is_error(result))
		rc = error_code(err, (int)result, "unmap the parasite");
	v->leader.healing = rc == 0; /* what comes next in the slot */
	if (rc == 0)
		rc = inject_leave(&v->leader, err);
	if (rc == 0)
		rc = padding_clear(v->task, &v->padding, err);
	if (rc == 0)
		v->state = VISIT_OVER;
	fd_close(take_fd(v->sock));
	return rc;
}
