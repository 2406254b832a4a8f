/* SPDX-License-Identifier: MIT
 * The parasite: runs inside a frozen task and tells what cannot be read from outside. When the
 * engine's end of the socket is gone it leaves by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/time.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/pie/parasite/parts.h"
#include "engine/pie/syscalls.h"

#define AF_UNIX                  1
#define SOCK_SEQPACKET           5
#define SOCK_CLOEXEC             02000000
#define MSG_NOSIGNAL             0x4000
#define ENTER_REGISTERED_RING    (1 << 4)
#define SIGSET_SIZE              8
#define KILL_SIGNO               9
#define STOP_SIGNO               19
#define MEMBARRIER_REGISTRATIONS (1 << 9) /* since Linux 6.3 */
#define MEMBARRIER_PRIVATE       (1 << 3) /* then two for other forms of it, each with its own */
#define MEMBARRIER_LAST_PRIVATE  (1 << 7) /* registration, the next bit */

struct kernel_stack { /* stack_t */
	uint64_t sp;
	int32_t flags;
	uint64_t size;
};
struct kernel_iovec {
	const void *base;
	uint64_t len;
};
struct kernel_msghdr {
	void *name;
	uint32_t name_len;
	struct kernel_iovec *iov;
	uint64_t nr_iov;
	void *control;
	uint64_t control_len;
	uint32_t flags;
};
struct kernel_itimerspec {
	int64_t interval_sec, interval_nsec, value_sec, value_nsec;
};

static int64_t ask_setting(const struct setting *s)
{
	int32_t stored = -EINVAL;
	if (s->form == SETTING_PROCESSOR)
		return sys(SYS_arch_prctl, s->get, 0);
	uint64_t arg2 = s->form == SETTING_SPECULATION ? s->which : 0;
	if (s->form == SETTING_STORED)
		arg2 = (uint64_t)&stored;
	long rc = sys(SYS_prctl, s->get, arg2, 0, 0, 0);
	return rc == 0 && s->form == SETTING_STORED ? stored : rc;
}

/* To submit nothing to a ring by its index. A thread that never used any has no such indexes. */
static uint32_t ask_ring_fds(void)
{
	uint32_t found = 0;
	for (int i = 0; i < NR_RING_FDS; i++) {
		long rc = sys(SYS_io_uring_enter, i, 0, 0, ENTER_REGISTERED_RING, 0, 0);
		if (rc == -EINVAL || rc == -ENOSYS)
			break;
		if (rc != -EBADF)
			found |= 1u << i;
	}
	return found;
}

/* @param flags  0: of the thread; NUMA_OF_ADDRESS. Kernels for one node have none. */
static void ask_policy(uint64_t addr, unsigned flags, struct numa_policy *out)
{
	int32_t mode = NUMA_DEFAULT;
	sys(SYS_get_mempolicy, &mode, out->nodes, NUMA_MAX_NODE, addr, flags);
	out->mode = (uint32_t)mode;
}

static int is_same_policy(const struct numa_policy *a, const struct numa_policy *b)
{
	int same = a->mode == b->mode;
	for (int i = 0; i < NUMA_NODE_WORDS; i++)
		same &= a->nodes[i] == b->nodes[i];
	return same;
}

/* @return its number, new ones are added; more than PARASITE_POLICIES: there is no room */
static uint32_t number_policy(const struct numa_policy *p, struct numa_policy *known, uint32_t nr)
{
	uint32_t i = 0;
	while (i < nr && !is_same_policy(p, &known[i]))
		i++;
	if (i == nr && i < PARASITE_POLICIES)
		known[i] = *p;
	return i + 1;
}

/* The kernel tells one mapping at a time; numa_maps of /proc goes over all their pages. */
static uint32_t ask_mappings(const struct parasite_request *req, struct numa_policy *known)
{
	uint64_t *mappings = (uint64_t *)req->mappings_addr;
	uint32_t nr = 0;
	for (uint64_t i = 0; i < req->nr_mappings && nr <= PARASITE_POLICIES; i++) {
		struct numa_policy p = { 0 };
		int32_t mode = NUMA_DEFAULT;
		uint64_t addr = mappings[i];
		sys(SYS_get_mempolicy, &mode, 0, 0, addr, NUMA_OF_ADDRESS);
		mappings[i] = 0;
		if (mode == NUMA_DEFAULT)
			continue;
		ask_policy(addr, NUMA_OF_ADDRESS, &p);
		uint32_t number = number_policy(&p, known, nr);
		mappings[i] = number;
		nr = number > nr ? number : nr;
	}
	return nr;
}

static int ask_thread(struct parasite_thread *out)
{
	struct kernel_stack sas = { 0 };
	int32_t pdeath = 0;
	uint64_t clear_tid = 0;
	long rc = sys(SYS_sigaltstack, 0, &sas);
	if (rc == 0)
		rc = sys(SYS_prctl, PR_GET_PDEATHSIG, &pdeath);
	if (rc == 0)
		rc = sys(SYS_prctl, PR_GET_TID_ADDRESS, &clear_tid);
	if (rc < 0)
		return (int)rc;
	rc = sys(SYS_prctl, PR_GET_SECUREBITS);
	if (rc < 0)
		return (int)rc;
	out->sas_sp = sas.sp;
	out->sas_size = sas.size;
	out->sas_flags = (uint32_t)sas.flags;
	out->pdeath_signal = pdeath;
	out->clear_tid_addr = clear_tid;
	out->securebits = (uint32_t)rc;
	out->ring_fds = ask_ring_fds();
	ask_policy(0, 0, &out->policy);
	for (unsigned i = 0; i < NR_SETTINGS; i++)
		out->settings[i] = ask_setting(&prctl_settings[i]);
	return 0;
}

static int ask_signals(struct parasite_task *out)
{
	for (int signo = 1; signo <= PARASITE_NR_SIGNALS; signo++) {
		if (signo == KILL_SIGNO || signo == STOP_SIGNO)
			continue;
		long rc = sys(SYS_rt_sigaction, signo, 0, &out->sigactions[signo - 1], SIGSET_SIZE);
		if (rc < 0)
			return (int)rc;
	}
	return 0;
}

static int ask_timers(const struct parasite_request *req, struct parasite_task *out,
		      struct parasite_posix_timer *timers)
{
	for (int i = 0; i < 3; i++) {
		long rc = sys(SYS_getitimer, i, &out->itimers[i]);
		if (rc < 0)
			return (int)rc;
	}
	for (uint32_t i = 0; i < req->nr_timers; i++) {
		struct kernel_itimerspec spec;
		struct parasite_posix_timer *t = &timers[i];
		long rc = sys(SYS_timer_gettime, req->timer_ids[i], &spec);
		if (rc < 0)
			return (int)rc;
		t->id = req->timer_ids[i];
		t->interval_sec = (uint64_t)spec.interval_sec;
		t->interval_nsec = (uint64_t)spec.interval_nsec;
		t->value_sec = (uint64_t)spec.value_sec;
		t->value_nsec = (uint64_t)spec.value_nsec;
		rc = sys(SYS_timer_getoverrun, req->timer_ids[i]);
		if (rc < 0)
			return (int)rc;
		t->overrun = (int32_t)rc;
	}
	out->nr_timers = req->nr_timers;
	return 0;
}

/* Of others, the kernel tells by prlimit(2) only whom it lets raise theirs. */
static int ask_limits(struct parasite_task *out)
{
	long rc = 0;
	for (int i = 0; rc == 0 && i < PARASITE_NR_LIMITS; i++)
		rc = sys(SYS_prlimit64, 0, i, 0, &out->limits[i]);
	return (int)rc;
}

/* Which numbers are open, and close on exec. @param skip  our own end of the socket */
static void ask_descriptors(uint32_t nr, int32_t skip, struct parasite_fds *fds)
{
	for (uint32_t i = 0; i < nr; i++) {
		long flags = sys(SYS_fcntl, i, F_GETFD);
		uint64_t bit = 1ull << i % 64;
		if (flags < 0 || (int32_t)i == skip)
			continue;
		fds[i / 64].open |= bit;
		if (flags & FD_CLOEXEC)
			fds[i / 64].cloexec |= bit;
	}
}

/* Older kernels do not tell, but refuse what was not registered. */
static int32_t ask_membarrier(void)
{
	long rc = sys(SYS_membarrier, MEMBARRIER_REGISTRATIONS, 0, 0);
	if (rc != -EINVAL)
		return (int32_t)rc;
	int32_t found = 0;
	for (int command = MEMBARRIER_PRIVATE; command <= MEMBARRIER_LAST_PRIVATE; command <<= 2) {
		if (sys(SYS_membarrier, command, 0, 0) == 0)
			found |= command << 1;
	}
	return found;
}

/* Without a table, and on kernels built without, that is nothing. */
static uint32_t ask_ldt(uint8_t *ldt)
{
	long rc = sys(SYS_modify_ldt, LDT_READ, ldt, PARASITE_LDT);
	return rc > 0 ? (uint32_t)rc : 0;
}

/* One that is there may still be forbidden to see. */
static int has_keyring(long which)
{
	long rc = sys(SYS_keyctl, KEYCTL_GET_KEYRING_ID, which, 0);
	return rc > 0 || rc == -EACCES || rc == -EKEYEXPIRED || rc == -EKEYREVOKED;
}

/*
 * Is what it maps locked (MCL_FUTURE)? Then this very mapping is: a page cannot be dropped. One
 * that nobody has touched is there, but where pages are locked as they come (MCL_ONFAULT).
 */
static uint32_t ask_future_lock(void *untouched)
{
	uint8_t there = 1;
	uint64_t page = (uint64_t)untouched & ~(uint64_t)4095;
	if (sys(SYS_madvise, page, 4096, MADV_DONTNEED) != -EINVAL)
		return 0;
	sys(SYS_mincore, page, 4096, &there);
	return there & 1 ? MCL_FUTURE : MCL_FUTURE | MCL_ONFAULT;
}

static int ask_process(struct parasite_task *out)
{
	out->brk = (uint64_t)sys(SYS_brk, 0);
	out->dumpable = (int32_t)sys(SYS_prctl, PR_GET_DUMPABLE);
	out->thp_disabled = (int32_t)sys(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
	out->personality = (uint32_t)sys(SYS_personality, 0xffffffff);
	out->membarrier = ask_membarrier();
	out->extended = extended_asked_for();
	out->keyrings = (has_keyring(KEY_SPEC_THREAD_KEYRING) ? KEYRING_THREAD : 0) |
			(has_keyring(KEY_SPEC_PROCESS_KEYRING) ? KEYRING_PROCESS : 0);
	return (int)sys(SYS_prctl, PR_GET_CHILD_SUBREAPER, &out->child_subreaper);
}

/* Of children: is there nothing to be told of their stop any more? */
static void ask_stops(const struct parasite_request *req)
{
	uint64_t *words = (uint64_t *)req->stops_addr;
	for (uint64_t i = 0; i < req->nr_stops; i++) {
		int32_t info[32] = { 0 }; /* siginfo_t, of which the first is the signal */
		long rc = sys(SYS_waitid, P_PID, words[i], info,
			      WSTOPPED | WNOHANG | WNOWAIT | __WALL, 0);
		if (rc == 0 && !info[0])
			words[i] = PARASITE_STOP_TOLD;
	}
}

/* Security modules may forbid even that. What comes of the try is taken back: it is blocked. */
static int may_send_itself(int32_t signo)
{
	const uint64_t set = signo > 0 ? 1ull << (signo - 1) : 0;
	const int64_t now[2] = { 0 };
	if (!set || sys(SYS_tkill, sys(SYS_gettid), signo) < 0)
		return 0;
	return sys(SYS_rt_sigtimedwait, &set, 0, now, SIGSET_SIZE) == signo;
}

static void answer(struct parasite_area *area)
{
	const struct parasite_request *req = &area->request;
	struct parasite_head *head = &area->head;
	struct parasite_task *task = &area->task;
	head->command = req->command;
	head->rc = req->command == PARASITE_ASK_TASK ? 0 : -ENOSYS;
	if (head->rc == 0)
		head->rc = ask_signals(task);
	if (head->rc == 0)
		head->rc = ask_timers(req, task, area->timers);
	if (head->rc == 0)
		head->rc = ask_limits(task);
	if (head->rc == 0)
		head->rc = ask_process(task);
	task->future_lock = ask_future_lock(&area->ldt[PARASITE_LDT - 1]);
	task->ldt_len = ask_ldt(area->ldt);
	task->landlock = ask_landlock(req);
	task->may_tell = (uint32_t)may_send_itself(req->tell_signo);
	task->nr_policies = ask_mappings(req, area->policies);
	ask_stops(req);
	if (head->rc == 0)
		head->rc = ask_thread(&head->leader);
	if (head->rc == 0)
		ask_descriptors(req->nr_fds, area->sockets[1], area->fds);
	task->nr_fds = req->nr_fds;
	struct kernel_iovec parts[] = {
		{ head, sizeof(*head) },
		{ task, sizeof(*task) },
		{ area->timers, parasite_timers_size(req) },
		{ area->fds, parasite_fds_size(req) },
	};
	struct kernel_msghdr msg = { .iov = parts, .nr_iov = sizeof(parts) / sizeof(parts[0]) };
	sys(SYS_sendmsg, area->sockets[1], &msg, MSG_NOSIGNAL);
}

/* Whole, and of sizes that there is room for? */
static int is_request(const struct parasite_request *req, long len)
{
	return len >= (long)offsetof(struct parasite_request, timer_ids) &&
	       req->nr_timers <= PARASITE_MAX_TIMERS && req->nr_fds <= PARASITE_MAX_FDS &&
	       len == (long)parasite_request_size(req);
}

static void serve(struct parasite_area *area)
{
	/* The engine watches this call's exit, takes its end and only then lets us go on. */
	area->socket_rc =
	    (int32_t)sys(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, area->sockets);
	if (area->socket_rc < 0)
		return;
	sys(SYS_close, area->sockets[0]);
	for (;;) {
		long n = sys(SYS_recvfrom, area->sockets[1], &area->request, sizeof(area->request),
			     0, 0, 0);
		if (n == -EINTR)
			continue;
		if (!is_request(&area->request, n))
			break;
		answer(area);
	}
	leave_wait_for_threads(area);
	sys(SYS_close, area->sockets[1]);
}

static void serve_thread(struct parasite_area *area, struct parasite_slot *slot)
{
	slot->rc = ask_thread(&slot->info);
	__atomic_store_n(&slot->done, 1, __ATOMIC_RELEASE);
	while (!slot->leaves && !__atomic_load_n(&area->dying, __ATOMIC_ACQUIRE))
		sys(SYS_futex, &area->dying, FUTEX_WAIT_PRIVATE, 0, 0);
}

/** @param slot  NULL for the task's first thread */
__attribute__((section(".text.entry"), used)) void pie_entry(struct parasite_area *area,
							     struct parasite_slot *slot);
void pie_entry(struct parasite_area *area, struct parasite_slot *slot)
{
	if (slot)
		serve_thread(area, slot);
	else
		serve(area);
}
