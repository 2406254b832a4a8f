/* SPDX-License-Identifier: MIT
 * Registers of a ptrace-stopped thread.
 */
#include "engine/arch/arch.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/array.h"
#include "base/cleanup.h"

/* What an interrupted system call leaves in rax for the kernel's own use (linux/errno.h). */
enum restart_code {
	RESTART_SYS = 512,
	RESTART_NOINTR = 513,
	RESTART_NOHAND = 514,
	RESTART_BLOCK = 516,
};
#define SYSCALL_INSN_LEN 2
#define XSAVE_MAX        2752 /* where AMX tiles begin, 8 KiB that no image carries */

int arch_regs_get(pid_t tid, struct arch_regs *regs, struct error *err)
{
	struct iovec gp = { .iov_base = &regs->gp, .iov_len = sizeof(regs->gp) };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &gp) < 0)
		return error_sys(err, "thread %d: read its registers", tid);
	if (gp.iov_len != sizeof(regs->gp))
		return error_set(err, ENOTSUP,
				 "thread %d runs in 32-bit mode: not supported; use a 64-bit build "
				 "of the program",
				 tid);

	regs->exact = regs->gp;

	uint8_t area[XSAVE_MAX];
	struct iovec xs = { .iov_base = area, .iov_len = sizeof(area) };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &xs) < 0)
		return error_sys(err, "thread %d: read its extended registers", tid);
	regs->xsave = malloc(xs.iov_len);
	if (!regs->xsave)
		return error_set(err, ENOMEM, "thread %d: registers: out of memory", tid);
	memcpy(regs->xsave, area, xs.iov_len);
	regs->xsave_len = (uint32_t)xs.iov_len;
	return 0;
}

int arch_regs_set(pid_t tid, const struct arch_regs *regs, struct error *err)
{
	struct iovec xs = { .iov_base = regs->xsave, .iov_len = regs->xsave_len };
	if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_X86_XSTATE, &xs) < 0)
		return error_sys(err, "thread %d: set its extended registers", tid);
	struct user_regs_struct gp = regs->gp;
	gp.orig_rax = (unsigned long long)-1; /* else the kernel may start a call again */
	struct iovec iov = { .iov_base = &gp, .iov_len = sizeof(gp) };
	if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &iov) < 0)
		return error_sys(err, "thread %d: set its registers", tid);
	return 0;
}

void arch_regs_fini(struct arch_regs *regs)
{
	free(regs->xsave);
	regs->xsave = NULL;
	regs->xsave_len = 0;
}

/* Calls that end with EINTR for any stop, and do so before they have done anything; the last ones
 * where a socket has a timeout (SO_RCVTIMEO, SO_SNDTIMEO). */
static bool ends_by_stop(unsigned long long call)
{
	static const unsigned calls[] = {
		SYS_epoll_wait, SYS_epoll_pwait,     SYS_epoll_pwait2, SYS_semop,
		SYS_semtimedop, SYS_rt_sigtimedwait, SYS_io_getevents, SYS_recvfrom,
		SYS_recvmsg,    SYS_recvmmsg,        SYS_sendto,       SYS_sendmsg,
		SYS_accept,     SYS_accept4,         SYS_connect,      SYS_read,
		SYS_readv,      SYS_write,           SYS_writev,
	};
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == call)
			return true;
	return false;
}

/* Those the kernel goes on with by restart_syscall(2), for the rest of their time. */
static bool has_rest(unsigned call)
{
	static const unsigned calls[] = { SYS_nanosleep, SYS_clock_nanosleep, SYS_poll, SYS_futex };
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == call)
			return true;
	return false;
}

/* "mov $call, %eax; syscall", as C libraries and Go have it */
static bool call_in_code(const uint8_t code[8], unsigned *call)
{
	memcpy(call, code + 2, sizeof(*call));
	return code[1] == 0xb8 && code[6] == 0x0f && code[7] == 0x05 && has_rest(*call);
}

void arch_regs_find_call(pid_t tid, struct arch_regs *regs)
{
	uint8_t code[8];
	unsigned call;
	if (regs->gp.orig_rax != SYS_restart_syscall || -(long long)regs->gp.rax != RESTART_BLOCK)
		return;
	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, tid, (void *)(regs->gp.rip - sizeof(code)), NULL);
	memcpy(code, &word, sizeof(code));
	if (errno == 0 && call_in_code(code, &call))
		regs->gp.orig_rax = call;
	else
		regs->gp.rax = (unsigned long long)-EINTR;
}

void arch_regs_fix_restart(struct arch_regs *regs, bool signalled)
{
	if ((long long)regs->gp.orig_rax < 0)
		return; /* not stopped in a system call */
	switch (-(long long)regs->gp.rax) {
	case EINTR:
		if (signalled || !ends_by_stop(regs->gp.orig_rax))
			return;
		break;
	case RESTART_SYS:
	case RESTART_NOINTR:
	case RESTART_NOHAND:
	case RESTART_BLOCK:
		break;
	default:
		return;
	}
	regs->gp.rax = regs->gp.orig_rax;
	regs->gp.rip -= SYSCALL_INSN_LEN;
}
