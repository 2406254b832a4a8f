/* SPDX-License-Identifier: MIT
 * Injection on x86-64: fills the literals of inject.S and sends threads through it.
 */
#include "engine/arch/inject.h"

#include <linux/rseq.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NO_SYSCALL   ((unsigned long long)-1) /* orig_rax: nothing for the kernel to restart */
#define EFLAGS_CLEAN 0x202                    /* no direction, no trap flag */
#define SLOT_MAX     1024

extern const char inject_code[], inject_code_mmap[], inject_code_protect[], inject_code_call[],
    inject_code_thread[], inject_code_bye[], inject_code_heal[], inject_code_literals[],
    inject_code_end[];

struct inject_literals { /* as in inject.S */
	uint64_t all_signals, mask, flags, rsp;
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, rip;
	uint64_t all_but_tell, tell_signo;
};

static size_t offset_of(const char *label)
{
	return (uintptr_t)label - (uintptr_t)inject_code;
}

size_t inject_slot_size(void)
{
	return offset_of(inject_code_end);
}

size_t inject_thread_slot_size(void)
{
	return offset_of(inject_code_end) - offset_of(inject_code_thread);
}

/* Where the slot begins in the code. */
static size_t beginning_of(const struct inject *in)
{
	return in->is_thread ? offset_of(inject_code_thread) : 0;
}

static uint64_t address_of(const struct inject *in, const char *label)
{
	return in->slot_addr + offset_of(label) - beginning_of(in);
}

static struct inject_literals literals_of(const struct user_regs_struct *r, uint64_t mask,
					  int tell_signo)
{
	uint64_t tell = tell_signo ? 1ull << (tell_signo - 1) : 0;
	return (struct inject_literals){
		.all_but_tell = ~tell,
		.tell_signo = (uint64_t)tell_signo,
		.all_signals = UINT64_MAX,
		.mask = mask,
		.flags = r->eflags,
		.rsp = r->rsp,
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rip = r->rip,
	};
}

/*
 * Calls to be started again are left to the kernel, which knows how much of a wait is left. An
 * EINTR it has decided on already, and we have taken back, is not undone by it.
 */
static void take_back_eintr(struct user_regs_struct *frozen, const struct user_regs_struct *healed)
{
	if ((int64_t)frozen->orig_rax < 0 || (int64_t)frozen->rax != -EINTR ||
	    healed->rip == frozen->rip)
		return;
	frozen->rax = healed->rax;
	frozen->rip = healed->rip;
}

int inject_prepare(struct inject *in, const struct arch_regs *healed, uint64_t sigmask,
		   struct error *err)
{
	in->frozen.gp = healed->exact;
	in->sigmask = sigmask;
	take_back_eintr(&in->frozen.gp, &healed->gp);

	char slot[SLOT_MAX];
	size_t len = inject_slot_size();
	if (len > sizeof(slot))
		return error_set(err, EINVAL, "injected code does not fit its buffer");
	memcpy(slot, inject_code, len);
	struct inject_literals lit = literals_of(&healed->gp, in->sigmask, in->tell_signo);
	memcpy(slot + offset_of(inject_code_literals), &lit, sizeof(lit));
	size_t from = beginning_of(in);
	ssize_t n = pwrite(in->mem_fd, slot + from, len - from, (off_t)in->slot_addr);
	if (n != (ssize_t)(len - from))
		return error_code(err, n < 0 ? errno : EIO,
				  "thread %d: write unused code bytes at %#llx", in->tid,
				  (unsigned long long)in->slot_addr);
	return 0;
}

static int set_regs(pid_t tid, const struct user_regs_struct *regs, struct error *err)
{
	if (ptrace(PTRACE_SETREGS, tid, NULL, regs) < 0)
		return error_sys(err, "thread %d: set its registers", tid);
	return 0;
}

static int set_sigmask(pid_t tid, uint64_t mask, struct error *err)
{
	if (ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(mask), &mask) < 0)
		return error_sys(err, "thread %d: set its signal mask", tid);
	return 0;
}

static struct user_regs_struct regs_at(const struct inject *in, const char *label)
{
	struct user_regs_struct r = in->frozen.gp; /* segments, bases and the stack pointer stay */
	r.rip = address_of(in, label);
	r.orig_rax = NO_SYSCALL;
	r.eflags = EFLAGS_CLEAN;
	return r;
}

static void set_mmap(struct user_regs_struct *r, uint64_t len, int prot)
{
	r->rax = SYS_mmap;
	r->rdi = 0;
	r->rsi = r->r13 = len;
	r->rdx = (uint64_t)prot;
	r->r10 = MAP_PRIVATE | MAP_ANONYMOUS;
	r->r8 = (uint64_t)-1;
	r->r9 = 0;
}

int inject_move(struct inject *in, enum inject_entry where, const struct inject_args *args,
		struct error *err)
{
	const char *const labels[] = {
		[INJECT_MMAP] = inject_code_mmap,       [INJECT_CALL] = inject_code_call,
		[INJECT_THREAD] = inject_code_thread,   [INJECT_HEAL] = inject_code_heal,
		[INJECT_BYE] = inject_code_bye,         [INJECT_MMAP_CODE] = inject_code_mmap,
		[INJECT_PROTECT] = inject_code_protect,
	};
	struct user_regs_struct r = regs_at(in, labels[where]);
	r.rbx = args->entry;
	r.rbp = args->stack;
	r.rdi = args->arg0;
	r.rsi = args->arg1;
	r.r12 = args->base;
	r.r13 = args->len;
	if (where == INJECT_MMAP)
		set_mmap(&r, args->len, PROT_READ | PROT_WRITE | PROT_EXEC);
	if (where == INJECT_MMAP_CODE)
		set_mmap(&r, args->len, PROT_READ | PROT_EXEC);
	if (where == INJECT_PROTECT) {
		r.rax = SYS_mprotect;
		r.rdx = PROT_READ | PROT_WRITE;
	}
	int rc = set_regs(in->tid, &r, err);
	in->healing = rc == 0 && where == INJECT_HEAL;
	return rc;
}

/* Only from inside the slot may the mask differ: healing puts it back. */
static int set_mask_in_slot(struct inject *in, uint64_t mask, struct error *err)
{
	const struct inject_args none = { 0 };
	int rc = in->healing ? 0 : inject_move(in, INJECT_HEAL, &none, err);
	return rc < 0 ? rc : set_sigmask(in->tid, mask, err);
}

int inject_enter(struct inject *in, enum inject_entry where, const struct inject_args *args,
		 struct error *err)
{
	int rc = set_mask_in_slot(in, UINT64_MAX, err);
	return rc < 0 || where == INJECT_HEAL ? rc : inject_move(in, where, args, err);
}

int inject_leave(struct inject *in, struct error *err)
{
	int rc = set_mask_in_slot(in, in->sigmask, err);
	return rc < 0 ? rc : set_regs(in->tid, &in->frozen.gp, err);
}

int inject_result(pid_t tid, int64_t *out, struct error *err)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) < 0)
		return error_sys(err, "thread %d: read its registers", tid);
	*out = (int64_t)r.rax;
	return 0;
}

int inject_unmapped(const struct inject *in, int64_t *out, struct error *err)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, in->tid, NULL, &r) < 0)
		return error_sys(err, "thread %d: read its registers", in->tid);
	if (r.rip - in->slot_addr >= inject_slot_size())
		return error_set(err, EPROTO, "thread %d: injected code went to %#llx", in->tid,
				 r.rip);
	*out = (int64_t)r.r13;
	return 0;
}

bool inject_ip_within(const struct arch_regs *regs, uint64_t start, uint64_t end)
{
	return regs->gp.rip >= start && regs->gp.rip < end;
}

uint64_t inject_stack(const struct arch_regs *regs)
{
	return regs->gp.rsp;
}

/* The kernel reads these from the task's memory too: what they say is the task's own affair. */
int inject_rseq_abort(pid_t tid, int mem_fd, uint64_t rseq_addr, struct arch_regs *regs,
		      struct error *err)
{
	uint64_t cs_addr = 0;
	struct rseq_cs cs;
	off_t at = (off_t)(rseq_addr + offsetof(struct rseq, rseq_cs));
	if (pread(mem_fd, &cs_addr, sizeof(cs_addr), at) != sizeof(cs_addr) || !cs_addr)
		return 0;
	if (pread(mem_fd, &cs, sizeof(cs), (off_t)cs_addr) != sizeof(cs))
		return 0;
	if (regs->gp.rip - cs.start_ip >= cs.post_commit_offset)
		return 0;
	regs->exact.rip = regs->gp.rip = cs.abort_ip;
	int rc = set_regs(tid, &regs->exact, err);
	return rc < 0 ? rc : 1;
}
