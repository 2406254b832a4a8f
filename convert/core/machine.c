/* SPDX-License-Identifier: MIT
 * Registers of eight machines. Layouts: elf_gregset_t and the regsets of each architecture in the
 * kernel's uapi and arch/ARCH/kernel/ptrace.c.
 */
#include "convert/core/machine.h"

#include <elf.h>

#include "base/array.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

#define X86_FXSAVE_LEN 512
#define X86_XCR0_AT    464 /* where debuggers look for the features of the layout */
#define X86_HEADER_AT  512

static bool x86_has(const CoreEntry *c)
{
	return c->thread_info && c->thread_info->gpregs && c->thread_info->fpregs;
}

static void x86_gregs(struct notes *n, const CoreEntry *c)
{
	note_fields(n, &c->thread_info->gpregs->base, 1, 27);
}

static void x86_fxsave(struct notes *n, const UserX86FpregsEntry *fp, uint64_t xcr0)
{
	note_number(n, fp->cwd, 2);
	note_number(n, fp->swd, 2);
	note_number(n, fp->twd, 2);
	note_number(n, fp->fop, 2);
	note_number(n, fp->rip, 8);
	note_number(n, fp->rdp, 8);
	note_number(n, fp->mxcsr, 4);
	note_number(n, fp->mxcsr_mask, 4);
	note_u32s(n, fp->st_space, fp->n_st_space < 32 ? fp->n_st_space : 32);
	note_fit(n, 160);
	note_u32s(n, fp->xmm_space, fp->n_xmm_space < 64 ? fp->n_xmm_space : 64);
	note_fit(n, X86_XCR0_AT);
	note_number(n, xcr0, 8);
	note_fit(n, X86_FXSAVE_LEN);
}

/* One component of the standard layout: where it is, and which bits of XCR0 stand for it. */
struct x86_part {
	size_t at, len;
	uint64_t xcr0;
	const void *values;
	size_t nr, size;
};

static void x86_xstate(struct notes *n, const UserX86FpregsEntry *fp)
{
	const UserX86XsaveEntry *xs = fp->xsave;
	const struct x86_part parts[] = {
		{ 576, 256, 0x4, xs->ymmh_space, xs->n_ymmh_space, 4 },
		{ 960, 64, 0x8, xs->bndreg_state, xs->n_bndreg_state, 8 },
		{ 1024, 64, 0x10, xs->bndcsr_state, xs->n_bndcsr_state, 8 },
		{ 1088, 64, 0x20, xs->opmask_reg, xs->n_opmask_reg, 8 },
		{ 1152, 512, 0x40, xs->zmm_upper, xs->n_zmm_upper, 8 },
		{ 1664, 1024, 0x80, xs->hi16_zmm, xs->n_hi16_zmm, 8 },
		{ 2688, 8, 0x200, xs->pkru, xs->n_pkru, 4 },
	};
	uint64_t xcr0 = 3;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		xcr0 |= parts[i].nr ? parts[i].xcr0 : 0;
	note_begin(n, "LINUX", NT_X86_XSTATE);
	x86_fxsave(n, fp, xcr0);
	note_number(n, xs->xstate_bv & xcr0, 8);
	note_fit(n, 576);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct x86_part *part = &parts[i];
		if (!part->nr)
			continue;
		size_t nr = part->nr * part->size > part->len ? part->len / part->size : part->nr;
		note_fit(n, part->at);
		if (part->size == 8)
			note_u64s(n, part->values, nr);
		else
			note_u32s(n, part->values, nr);
		note_fit(n, part->at + part->len);
	}
	note_end(n);
}

static void x86_others(struct notes *n, const CoreEntry *c)
{
	const UserX86FpregsEntry *fp = c->thread_info->fpregs;
	note_begin(n, "CORE", NT_FPREGSET);
	x86_fxsave(n, fp, 0);
	note_end(n);
	if (fp->xsave)
		x86_xstate(n, fp);
}

static bool aarch64_has(const CoreEntry *c)
{
	return c->ti_aarch64 && c->ti_aarch64->gpregs && c->ti_aarch64->fpsimd;
}

static void aarch64_gregs(struct notes *n, const CoreEntry *c)
{
	size_t begin = note_len(n);
	note_fields(n, &c->ti_aarch64->gpregs->base, 1, 1);
	note_fit(n, begin + 31 * 8);
	note_fields(n, &c->ti_aarch64->gpregs->base, 2, 4);
}

static void pac_notes(struct notes *n, const PacKeys *keys)
{
	if (keys && keys->pac_address_keys) {
		note_begin(n, "LINUX", 0x407); /* NT_ARM_PACA_KEYS */
		note_fields(n, &keys->pac_address_keys->base, 1, 8);
		note_end(n);
	}
	if (keys && keys->pac_generic_keys) {
		note_begin(n, "LINUX", 0x408); /* NT_ARM_PACG_KEYS */
		note_fields(n, &keys->pac_generic_keys->base, 1, 2);
		note_end(n);
	}
}

static void aarch64_others(struct notes *n, const CoreEntry *c)
{
	note_begin(n, "CORE", NT_FPREGSET);
	note_fields(n, &c->ti_aarch64->fpsimd->base, 1, 1);
	note_fit(n, 512);
	note_fields(n, &c->ti_aarch64->fpsimd->base, 2, 3);
	note_fit(n, 528);
	note_end(n);
	note_begin(n, "LINUX", NT_ARM_TLS);
	note_number(n, c->ti_aarch64->tls, 8);
	note_end(n);
	pac_notes(n, c->ti_aarch64->pac_keys);
}

static bool arm_has(const CoreEntry *c)
{
	return c->ti_arm && c->ti_arm->gpregs && c->ti_arm->fpstate;
}

static void arm_gregs(struct notes *n, const CoreEntry *c)
{
	note_fields(n, &c->ti_arm->gpregs->base, 1, 18);
}

static void arm_others(struct notes *n, const CoreEntry *c)
{
	note_begin(n, "LINUX", NT_ARM_VFP);
	note_fields(n, &c->ti_arm->fpstate->base, 1, 1);
	note_fit(n, 256);
	note_number(n, c->ti_arm->fpstate->fpscr, 4);
	note_end(n);
	note_begin(n, "LINUX", NT_ARM_TLS);
	note_number(n, c->ti_arm->tls, 4);
	note_end(n);
}

static bool ppc64_has(const CoreEntry *c)
{
	return c->ti_ppc64 && c->ti_ppc64->gpregs;
}

static void ppc64_gregs(struct notes *n, const CoreEntry *c)
{
	const UserPpc64RegsEntry *r = c->ti_ppc64->gpregs;
	size_t begin = note_len(n);
	note_u64s(n, r->gpr, r->n_gpr);
	note_fit(n, begin + 32 * 8);
	note_fields(n, &r->base, 2, 8);
	note_number(n, 1, 8); /* softe: interrupts are on in user mode */
	note_number(n, r->trap, 8);
}

static void ppc64_others(struct notes *n, const CoreEntry *c)
{
	const ThreadInfoPpc64 *t = c->ti_ppc64;
	if (t->fpstate) {
		note_begin(n, "CORE", NT_FPREGSET);
		note_fields(n, &t->fpstate->base, 1, 1);
		note_fit(n, 264);
		note_end(n);
	}
	if (t->vrstate) {
		note_begin(n, "LINUX", NT_PPC_VMX);
		note_fields(n, &t->vrstate->base, 1, 1);
		note_fit(n, 528);
		note_number(n, t->vrstate->vrsave, 4);
		note_fit(n, 544);
		note_end(n);
	}
	if (t->vsxstate) {
		note_begin(n, "LINUX", NT_PPC_VSX);
		note_fields(n, &t->vsxstate->base, 1, 1);
		note_fit(n, 256);
		note_end(n);
	}
}

static bool s390_has(const CoreEntry *c)
{
	return c->ti_s390 && c->ti_s390->gpregs && c->ti_s390->fpregs;
}

static void s390_gregs(struct notes *n, const CoreEntry *c)
{
	size_t begin = note_len(n);
	note_fields(n, &c->ti_s390->gpregs->base, 1, 3);
	note_fit(n, begin + 18 * 8);
	note_fields(n, &c->ti_s390->gpregs->base, 4, 4);
	note_fit(n, begin + 26 * 8);
	note_fields(n, &c->ti_s390->gpregs->base, 5, 5);
}

static void s390_note(struct notes *n, uint32_t type, const ProtobufCMessage *msg, size_t len)
{
	if (!msg)
		return;
	note_begin(n, "LINUX", type);
	note_fields(n, msg, 1, 2);
	note_fit(n, len);
	note_end(n);
}

static void s390_others(struct notes *n, const CoreEntry *c)
{
	const ThreadInfoS390 *t = c->ti_s390;
	note_begin(n, "CORE", NT_FPREGSET);
	note_number(n, t->fpregs->fpc, 4);
	note_zero(n, 4);
	note_fields(n, &t->fpregs->base, 2, 2);
	note_fit(n, 136);
	note_end(n);
	note_begin(n, "LINUX", NT_S390_SYSTEM_CALL);
	note_number(n, t->gpregs->system_call, 4);
	note_end(n);
	s390_note(n, NT_S390_VXRS_LOW, t->vxrs_low ? &t->vxrs_low->base : NULL, 128);
	s390_note(n, NT_S390_VXRS_HIGH, t->vxrs_high ? &t->vxrs_high->base : NULL, 256);
	s390_note(n, NT_S390_GS_CB, t->gs_cb ? &t->gs_cb->base : NULL, 32);
	s390_note(n, NT_S390_GS_BC, t->gs_bc ? &t->gs_bc->base : NULL, 32);
}

static bool mips_has(const CoreEntry *c)
{
	return c->ti_mips && c->ti_mips->gpregs && c->ti_mips->fpregs;
}

static void mips_gregs(struct notes *n, const CoreEntry *c)
{
	note_fields(n, &c->ti_mips->gpregs->base, 1, 38);
}

static void mips_others(struct notes *n, const CoreEntry *c)
{
	const UserMipsFpregsEntry *fp = c->ti_mips->fpregs;
	note_begin(n, "CORE", NT_FPREGSET);
	note_fields(n, &fp->base, 1, 32);
	note_number(n, fp->fpu_fcr31, 4);
	note_number(n, fp->fpu_id, 4);
	note_end(n);
}

static bool loongarch64_has(const CoreEntry *c)
{
	return c->ti_loongarch64 && c->ti_loongarch64->gpregs && c->ti_loongarch64->fpregs;
}

static void loongarch64_gregs(struct notes *n, const CoreEntry *c)
{
	const UserLoongarch64GpregsEntry *r = c->ti_loongarch64->gpregs;
	size_t begin = note_len(n);
	note_u64s(n, r->regs, r->n_regs);
	note_fit(n, begin + 32 * 8);
	note_number(n, r->n_regs > 4 ? r->regs[4] : 0, 8); /* orig_a0 */
	note_number(n, r->pc, 8);
}

static void loongarch64_others(struct notes *n, const CoreEntry *c)
{
	note_begin(n, "CORE", NT_FPREGSET);
	note_fields(n, &c->ti_loongarch64->fpregs->base, 1, 1);
	note_fit(n, 256);
	note_fields(n, &c->ti_loongarch64->fpregs->base, 2, 3);
	note_fit(n, 272);
	note_end(n);
}

static bool riscv64_has(const CoreEntry *c)
{
	return c->ti_riscv64 && c->ti_riscv64->gpregs && c->ti_riscv64->fpsimd;
}

static void riscv64_gregs(struct notes *n, const CoreEntry *c)
{
	note_fields(n, &c->ti_riscv64->gpregs->base, 1, 32);
}

static void riscv64_others(struct notes *n, const CoreEntry *c)
{
	note_begin(n, "CORE", NT_FPREGSET);
	note_fields(n, &c->ti_riscv64->fpsimd->base, 1, 1);
	note_fit(n, 256);
	note_fields(n, &c->ti_riscv64->fpsimd->base, 2, 2);
	note_fit(n, 264);
	note_end(n);
}

#define MACHINE(upper, lower, elf_machine, flags, w64, be, len)                                    \
	{                                                                                          \
		CORE_ENTRY__MARCH__##upper, #lower, elf_machine, flags, w64, be, len, lower##_has, \
		    lower##_gregs, lower##_others                                                  \
	}

/* EF_ARM_EABI_VER5; ELFv2; n64 of MIPS III and later; double-float LP64D; RVC and LP64D */
static const struct core_machine machines[] = {
	MACHINE(X86_64, x86, EM_X86_64, 0, true, false, 27 * 8),
	MACHINE(AARCH64, aarch64, EM_AARCH64, 0, true, false, 34 * 8),
	MACHINE(ARM, arm, EM_ARM, 0x5000000, false, false, 18 * 4),
	MACHINE(PPC64, ppc64, EM_PPC64, 2, true, false, 48 * 8),
	MACHINE(S390, s390, EM_S390, 0, true, true, 27 * 8),
	MACHINE(MIPS, mips, EM_MIPS, 0x60000000, true, false, 45 * 8),
	MACHINE(LOONGARCH64, loongarch64, EM_LOONGARCH, 0x43, true, false, 45 * 8),
	MACHINE(RISCV64, riscv64, EM_RISCV, 5, true, false, 32 * 8),
};

const struct core_machine *core_machine_of(const CoreEntry *core, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		const struct core_machine *m = &machines[i];
		if (m->march != core->mtype)
			continue;
		if (m->has_regs(core))
			return m;
		error_set(err, EBADMSG, "the core image has no registers of %s", m->name);
		return NULL;
	}
	error_set(err, ENOTSUP, "machine %d is not known", core->mtype);
	return NULL;
}
