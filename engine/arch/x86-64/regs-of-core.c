/* SPDX-License-Identifier: MIT
 * The registers of an image as ptrace(2) takes them.
 * Source: arch/x86/kernel/fpu/xstate.c, copy_uabi_to_xstate().
 */
#include <stdlib.h>
#include <string.h>

#include "engine/arch/arch.h"
#include "engine/arch/x86-64/xsave.h"
#include "task.pb-c.h"

#define MXCSR_MASK_OLD 0xffbfu

/* The kernel refuses reserved bits in mxcsr. */
static uint32_t mxcsr_of(const UserX86FpregsEntry *e)
{
	struct user_fpregs_struct now __attribute__((aligned(16))) = { 0 };
	__asm__ volatile("fxsave %0" : "=m"(now));
	return e->mxcsr & (now.mxcr_mask ? now.mxcr_mask : MXCSR_MASK_OLD);
}

static void build_legacy(uint8_t *xsave, const UserX86FpregsEntry *e)
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
	memcpy(xsave, &fp, sizeof(fp));
}

/* Parts the image does not mention become initial. */
static void build_xsave(const struct arch_cpu *cpu, uint8_t *xsave, UserX86XsaveEntry *e)
{
	uint64_t used = XSAVE_FP_SSE;
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++) {
		const struct xsave_part *p = &xsave_parts[i];
		if (!cpu->xsave_offset[i] || !e || !(e->xstate_bv & (1ull << p->bit)) ||
		    !*xsave_part_count(e, p))
			continue;
		used |= 1ull << p->bit;
		memcpy(xsave + cpu->xsave_offset[i], *xsave_part_array(e, p), xsave_part_size(p));
	}
	memcpy(xsave + XSAVE_LEGACY_SIZE, &used, sizeof(used));
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
	out->xsave = calloc(1, cpu->xsave_size);
	if (!out->xsave)
		return error_set(err, ENOMEM, "registers: out of memory");
	out->xsave_len = cpu->xsave_size;
	regs_of_gp(&out->gp, core->thread_info->gpregs);
	build_legacy(out->xsave, core->thread_info->fpregs);
	build_xsave(cpu, out->xsave, core->thread_info->fpregs->xsave);
	return 0;
}
