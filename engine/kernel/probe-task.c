/* SPDX-License-Identifier: MIT
 * Features of ptrace and of making tasks: some are tried on a child that sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/kernel/feature.h"

/* Newer than the headers of some distributions. */
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS     77
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#endif
#define TIMERFD_SET_TICKS _IOW('T', 0, uint64_t)

/* It does not outlive who probes. */
static pid_t start_child(void (*be)(void))
{
	pid_t parent = getpid(), pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		be();
	_exit(0);
}

static void be_asleep(void)
{
	for (;;)
		pause();
}

/* Run a check on a stopped child. */
static bool with_child(bool (*check)(pid_t pid))
{
	pid_t pid = start_child(be_asleep);
	int status;
	if (pid < 0)
		return false;
	bool yes = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 &&
		   ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
		   waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && check(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return yes;
}

static bool can_peek_signals(pid_t pid)
{
	struct __ptrace_peeksiginfo_args args = { .nr = 1 };
	siginfo_t info;
	return ptrace(PTRACE_PEEKSIGINFO, pid, &args, &info) >= 0;
}

bool probe_peek_signals(void)
{
	return with_child(can_peek_signals);
}

static bool can_get_syscall_info(pid_t pid)
{
	struct __ptrace_syscall_info info;
	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) > 0;
}

bool probe_syscall_info(void)
{
	return with_child(can_get_syscall_info);
}

static bool can_get_rseq(pid_t pid)
{
	struct __ptrace_rseq_configuration conf;
	return ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, (void *)sizeof(conf), &conf) ==
	       sizeof(conf);
}

bool probe_rseq_conf(void)
{
	return with_child(can_get_rseq);
}

static bool can_suspend_seccomp(pid_t pid)
{
	return ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_SUSPEND_SECCOMP) == 0;
}

bool probe_seccomp_suspend(void)
{
	return with_child(can_suspend_seccomp);
}

/* Run a check on a child that stopped itself; it may stop again, but not end. */
static bool with_stopped(void (*be)(void), bool (*check)(pid_t pid))
{
	int status;
	pid_t pid = start_child(be);
	if (pid < 0 || (waitpid(pid, &status, __WALL) == pid && !WIFSTOPPED(status)))
		return false;
	bool yes = check(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return yes;
}

static void stop_for_tracer(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
}

/* Under a filter that lets everything pass. */
static void be_filtered(void)
{
	struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &pass };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	stop_for_tracer();
}

static bool has_one_filter(pid_t pid)
{
	return ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, NULL) == 1;
}

bool probe_seccomp_filters(void)
{
	return with_stopped(be_filtered, has_one_filter);
}

__attribute__((noinline)) static void landmark(void)
{
	__asm__ volatile("" ::: "memory");
}

static void pass_landmark(void)
{
	stop_for_tracer();
	landmark();
	raise(SIGSTOP); /* it came past */
}

/* x86-64's, set on an instruction the child comes to: virtual machines take them and never stop
 * there. Breakpoints of other processors are asked for elsewhere. */
static bool stops_at_landmark(pid_t pid)
{
#ifdef __x86_64__
	int status;
	size_t address = offsetof(struct user, u_debugreg);
	size_t control = address + 7 * sizeof(((struct user *)0)->u_debugreg[0]);
	return ptrace(PTRACE_POKEUSER, pid, address, landmark) == 0 &&
	       ptrace(PTRACE_POKEUSER, pid, control, 1UL) == 0 &&
	       ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid &&
	       WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
#else
	(void)pid;
	return false;
#endif
}

bool probe_breakpoints(void)
{
	return with_stopped(pass_landmark, stops_at_landmark);
}

/* A page that may be executed but not written, of a child as of us. */
static bool can_write_code(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC);
	off_t at = (off_t)(uintptr_t)&with_child;
	char byte;
	return fd >= 0 && pread(fd, &byte, 1, at) == 1 && pwrite(fd, &byte, 1, at) == 1;
}

bool probe_mem_write(void)
{
	return with_child(can_write_code);
}

bool probe_kcmp(void)
{
	pid_t self = getpid();
	return syscall(SYS_kcmp, self, self, KCMP_VM, 0, 0) == 0;
}

bool probe_kcmp_epoll(void)
{
	struct kcmp_epoll_slot slot = { 0 };
	pid_t self = getpid();
	auto_fd ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	if (ep < 0 || fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) < 0)
		return false;
	slot.efd = (uint32_t)ep;
	slot.tfd = (uint32_t)fd;
	return syscall(SYS_kcmp, self, self, KCMP_EPOLL_TFD, fd, &slot) == 0;
}

bool probe_pidfd_store(void)
{
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0)
		return false;
	auto_fd copy = (int)syscall(SYS_pidfd_getfd, pidfd, pidfd, 0);
	return copy >= 0;
}

bool probe_tid_address(void)
{
	int *address;
	return syscall(SYS_prctl, PR_GET_TID_ADDRESS, &address) == 0;
}

bool probe_set_mm_map(void)
{
	unsigned int size = 0;
	return syscall(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == 0 && size > 0;
}

/* An id that cannot be: EINVAL says that it was looked at. */
bool probe_clone3_set_tid(void)
{
	pid_t tid = -1;
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uint64_t)(uintptr_t)&tid,
				   .set_tid_size = 1 };
	return syscall(SYS_clone3, &args, sizeof(args)) < 0 && errno == EINVAL;
}

bool probe_timer_ids(void)
{
	return syscall(SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0,
		       0, 0) >= 0;
}

/* Zero ticks are refused with EINVAL, but only where the request is known. */
bool probe_timerfd_ticks(void)
{
	auto_fd fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t ticks = 0;
	return fd >= 0 && (ioctl(fd, TIMERFD_SET_TICKS, &ticks) == 0 || errno == EINVAL);
}
