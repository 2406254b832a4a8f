/* SPDX-License-Identifier: MIT
 * The signal frame a restored thread returns from into its own code.
 * Source: arch/x86/kernel/signal_64.c and fpu/signal.c: rt_sigreturn takes the frame from just
 * below rsp; the extended state is believed when both magic words are in place.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>

#include "engine/task/arch.h"
#include "engine/task/arch/x86-64/xsave.h"
#include "task.pb-c.h"

/* uc_flags, arch/x86/include/uapi/asm/ucontext.h */
#define FLAG_FP_XSTATE         0x1u
#define FLAG_SIGCONTEXT_SS     0x2u
#define FLAG_STRICT_RESTORE_SS 0x4u

#define XSTATE_MAGIC1    0x46505853u
#define XSTATE_MAGIC2    0x46505845u
#define SW_RESERVED      464u /* offset of the software bytes in the legacy part */
#define MXCSR_MASK_OLD   0xffbfu
#define XSTATE_ALIGNMENT 64u
#define KERNEL_SIGINFO   128u

struct frame_head { /* struct rt_sigframe of the kernel */
	uint64_t return_address;
	struct {
		uint64_t flags, link;
		stack_t stack;
		struct sigcontext mcontext;
		uint64_t sigmask;
	} uc;
	uint8_t info[KERNEL_SIGINFO];
};
struct fpx_bytes { /* struct _fpx_sw_bytes */
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};

static size_t fpstate_offset(void)
{
	size_t a = XSTATE_ALIGNMENT;
	return (sizeof(struct frame_head) + a - 1) / a * a;
}

size_t arch_sigframe_size(const struct arch_cpu *cpu)
{
	return fpstate_offset() + cpu->xsave_size + sizeof(uint32_t);
}

static void build_gp(struct sigcontext *sc, const UserX86RegsEntry *e)
{
	sc->r8 = e->r8;
	sc->r9 = e->r9;
	sc->r10 = e->r10;
	sc->r11 = e->r11;
	sc->r12 = e->r12;
	sc->r13 = e->r13;
	sc->r14 = e->r14;
	sc->r15 = e->r15;
	sc->rdi = e->di;
	sc->rsi = e->si;
	sc->rbp = e->bp;
	sc->rbx = e->bx;
	sc->rdx = e->dx;
	sc->rax = e->ax;
	sc->rcx = e->cx;
	sc->rsp = e->sp;
	sc->rip = e->ip;
	sc->eflags = e->flags;
	sc->cs = (unsigned short)e->cs;
	sc->gs = (unsigned short)e->gs;
	sc->fs = (unsigned short)e->fs;
	sc->__pad0 = (unsigned short)e->ss;
}

/* A reserved bit in mxcsr makes the kernel's XRSTOR fault and the thread die of it. */
static uint32_t mxcsr_of(const UserX86FpregsEntry *e)
{
	struct user_fpregs_struct now __attribute__((aligned(16))) = { 0 };
	__asm__ volatile("fxsave %0" : "=m"(now));
	return e->mxcsr & (now.mxcr_mask ? now.mxcr_mask : MXCSR_MASK_OLD);
}

static void build_legacy(uint8_t *fpstate, const UserX86FpregsEntry *e)
{
	struct user_fpregs_struct fp = {
		.cwd = (uint16_t)e->cwd,
		.swd = (uint16_t)e->swd,
		.ftw = (uint16_t)e->twd,
		.fop = (uint16_t)e->fop,
		.rip = e->rip,
		.rdp = e->rdp,
		.mxcsr = mxcsr_of(e),
		.mxcr_mask = e->mxcsr_mask,
	};
	memcpy(fp.st_space, e->st_space, sizeof(fp.st_space));
	memcpy(fp.xmm_space, e->xmm_space, sizeof(fp.xmm_space));
	memcpy(fpstate, &fp, sizeof(fp));
}

/* Parts the image does not mention are asked for, but marked unused: they become initial. */
static void build_xsave(const struct arch_cpu *cpu, uint8_t *fpstate, UserX86XsaveEntry *e)
{
	uint64_t used = XSAVE_FP_SSE, known = XSAVE_FP_SSE;
	size_t size = XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++) {
		const struct xsave_part *p = &xsave_parts[i];
		size_t offset = cpu->xsave_offset[i], len = xsave_part_size(p);
		if (!offset)
			continue;
		known |= 1ull << p->bit;
		if (offset + len > size)
			size = offset + len;
		if (!e || !(e->xstate_bv & (1ull << p->bit)) || !*xsave_part_count(e, p))
			continue;
		used |= 1ull << p->bit;
		memcpy(fpstate + offset, *xsave_part_array(e, p), len);
	}
	memcpy(fpstate + XSAVE_LEGACY_SIZE, &used, sizeof(used));

	struct fpx_bytes sw = {
		.magic1 = XSTATE_MAGIC1,
		.extended_size = (uint32_t)(size + sizeof(uint32_t)),
		.xfeatures = known,
		.xstate_size = (uint32_t)size,
	};
	uint32_t magic2 = XSTATE_MAGIC2;
	memcpy(fpstate + SW_RESERVED, &sw, sizeof(sw));
	memcpy(fpstate + size, &magic2, sizeof(magic2));
}

static void regs_of_gp(struct user_regs_struct *r, const UserX86RegsEntry *e)
{
	r->r15 = e->r15;
	r->r14 = e->r14;
	r->r13 = e->r13;
	r->r12 = e->r12;
	r->rbp = e->bp;
	r->rbx = e->bx;
	r->r11 = e->r11;
	r->r10 = e->r10;
	r->r9 = e->r9;
	r->r8 = e->r8;
	r->rax = e->ax;
	r->rcx = e->cx;
	r->rdx = e->dx;
	r->rsi = e->si;
	r->rdi = e->di;
	r->orig_rax = e->orig_ax;
	r->rip = e->ip;
	r->cs = e->cs;
	r->eflags = e->flags;
	r->rsp = e->sp;
	r->ss = e->ss;
	r->fs_base = e->fs_base;
	r->gs_base = e->gs_base;
	r->ds = e->ds;
	r->es = e->es;
	r->fs = e->fs;
	r->gs = e->gs;
}

int arch_regs_of_core(const struct arch_cpu *cpu, const CoreEntry *core, struct arch_regs *out,
		      struct error *err)
{
	if (!cpu->xsave_size)
		return error_set(err, ENOTSUP, "this CPU has no XSAVE");
	int rc = arch_core_check(cpu, core, err);
	if (rc < 0)
		return rc;
	out->xsave = calloc(1, cpu->xsave_size + sizeof(uint32_t));
	if (!out->xsave)
		return error_set(err, ENOMEM, "registers: out of memory");
	out->xsave_len = cpu->xsave_size;
	regs_of_gp(&out->gp, core->thread_info->gpregs);
	build_legacy(out->xsave, core->thread_info->fpregs);
	build_xsave(cpu, out->xsave, core->thread_info->fpregs->xsave);
	/* ptrace wants none of what makes a signal frame: the kernel ignores the software bytes. */
	return 0;
}

static void build_stack(stack_t *st, const ThreadCoreEntry *tc)
{
	st->ss_flags = SS_DISABLE;
	if (!tc || !tc->sas)
		return;
	st->ss_sp = (void *)(uintptr_t)tc->sas->ss_sp; /* an address of the task restored */
	st->ss_size = tc->sas->ss_size;
	st->ss_flags = (int)tc->sas->ss_flags;
}

uint64_t arch_sigframe_build(const struct arch_cpu *cpu, const CoreEntry *core, uint64_t sigmask,
			     void *frame, struct error *err)
{
	if ((uintptr_t)frame % XSTATE_ALIGNMENT) {
		error_set(err, EINVAL, "signal frame at %p is not aligned", frame);
		return 0;
	}
	if (!cpu->xsave_size) {
		error_set(err, ENOTSUP, "this CPU has no XSAVE");
		return 0;
	}
	if (arch_core_check(cpu, core, err) < 0)
		return 0;

	uint8_t *fpstate = (uint8_t *)frame + fpstate_offset();
	struct frame_head *head = frame;
	const ThreadInfoX86 *ti = core->thread_info;
	memset(frame, 0, arch_sigframe_size(cpu));
	build_gp(&head->uc.mcontext, ti->gpregs);
	build_legacy(fpstate, ti->fpregs);
	build_xsave(cpu, fpstate, ti->fpregs->xsave);
	build_stack(&head->uc.stack, core->thread_core);
	head->uc.flags = FLAG_FP_XSTATE | FLAG_SIGCONTEXT_SS | FLAG_STRICT_RESTORE_SS;
	head->uc.mcontext.fpstate = (void *)fpstate;
	head->uc.sigmask = sigmask;
	return (uint64_t)(uintptr_t)frame + sizeof(head->return_address);
}
