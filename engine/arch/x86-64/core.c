/* SPDX-License-Identifier: MIT
 * Registers to core_entry.thread_info; what comes back is checked here and used by regs-of-core.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>

#include "base/io.h"
#include "engine/arch/arch.h"
#include "engine/arch/x86-64/ldt.h"
#include "engine/arch/x86-64/xsave.h"
#include "images/message.h"
#include "task.pb-c.h"

#define NR_ST_WORDS   32
#define NR_XMM_WORDS  64
#define NR_TLS        3
#define FIRST_TLS     12
#define USER_CODE_SEG 0x33u
#define USER_RPL      3u /* privilege level in the selector of every user segment */
#define TASK_SIZE_MAX ((1ull << 56) - 4096) /* with five levels of page tables */

static void fill_gp(UserX86RegsEntry *e, const struct user_regs_struct *r)
{
	e->r15 = r->r15;
	e->r14 = r->r14;
	e->r13 = r->r13;
	e->r12 = r->r12;
	e->bp = r->rbp;
	e->bx = r->rbx;
	e->r11 = r->r11;
	e->r10 = r->r10;
	e->r9 = r->r9;
	e->r8 = r->r8;
	e->ax = r->rax;
	e->cx = r->rcx;
	e->dx = r->rdx;
	e->si = r->rsi;
	e->di = r->rdi;
	e->orig_ax = r->orig_rax;
	e->ip = r->rip;
	e->cs = r->cs;
	e->flags = r->eflags;
	e->sp = r->rsp;
	e->ss = r->ss;
	e->fs_base = r->fs_base;
	e->gs_base = r->gs_base;
	e->ds = r->ds;
	e->es = r->es;
	e->fs = r->fs;
	e->gs = r->gs;
	e->has_mode = true;
	e->mode = USER_X86_REGS_MODE__NATIVE;
}

static uint64_t enabled_parts(void)
{
	uint64_t mask = XSAVE_FP_SSE;
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++)
		mask |= 1ull << xsave_parts[i].bit;
	return mask;
}

static int fill_xsave(const struct arch_cpu *cpu, UserX86XsaveEntry *e,
		      const struct arch_regs *regs, pid_t tid, struct error *err)
{
	memcpy(&e->xstate_bv, regs->xsave + XSAVE_LEGACY_SIZE, sizeof(e->xstate_bv));
	uint64_t unknown = e->xstate_bv & ~enabled_parts();
	if (unknown)
		return error_set(
		    err, ENOTSUP,
		    "thread %d uses extended registers %#llx (AMX tiles or shadow "
		    "stack) that the image format cannot carry: switch that off in the "
		    "program (GLIBC_TUNABLES)",
		    tid, (unsigned long long)unknown);
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++) {
		const struct xsave_part *p = &xsave_parts[i];
		size_t offset = cpu->xsave_offset[i], size = xsave_part_size(p);
		if (!offset || offset + size > regs->xsave_len)
			continue;
		void *copy = malloc(size);
		if (!copy)
			return error_set(err, ENOMEM, "thread %d: out of memory", tid);
		memcpy(copy, regs->xsave + offset, size);
		*xsave_part_array(e, p) = copy;
		*xsave_part_count(e, p) = p->nr_elems;
	}
	return 0;
}

static int fill_fp(const struct arch_cpu *cpu, UserX86FpregsEntry *e, const struct arch_regs *regs,
		   pid_t tid, struct error *err)
{
	if (regs->xsave_len < XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE)
		return error_set(err, EPROTO, "thread %d: extended registers are %u bytes", tid,
				 regs->xsave_len);
	struct user_fpregs_struct fp;
	memcpy(&fp, regs->xsave, sizeof(fp));
	e->cwd = fp.cwd;
	e->swd = fp.swd;
	e->twd = fp.ftw;
	e->fop = fp.fop;
	e->rip = fp.rip;
	e->rdp = fp.rdp;
	e->mxcsr = fp.mxcsr;
	e->mxcsr_mask = fp.mxcr_mask;
	e->st_space = malloc(sizeof(fp.st_space));
	e->xmm_space = malloc(sizeof(fp.xmm_space));
	e->xsave = message_new(&user_x86_xsave_entry__descriptor);
	if (!e->st_space || !e->xmm_space || !e->xsave)
		return error_set(err, ENOMEM, "thread %d: out of memory", tid);
	e->n_st_space = NR_ST_WORDS;
	e->n_xmm_space = NR_XMM_WORDS;
	memcpy(e->st_space, fp.st_space, sizeof(fp.st_space));
	memcpy(e->xmm_space, fp.xmm_space, sizeof(fp.xmm_space));
	return fill_xsave(cpu, e->xsave, regs, tid, err);
}

/* A 64-bit thread has no segment descriptors of its own; readers expect three empty ones. */
static int fill_tls(ThreadInfoX86 *ti)
{
	ti->tls = message_array(&user_desc_t__descriptor, NR_TLS, &ti->n_tls);
	for (size_t i = 0; i < ti->n_tls; i++)
		ti->tls[i]->entry_number = FIRST_TLS + (uint32_t)i;
	return ti->tls ? 0 : -ENOMEM;
}

int arch_core_fill(const struct arch_cpu *cpu, CoreEntry *core, const struct arch_regs *regs,
		   uint64_t clear_tid_addr, pid_t tid, struct error *err)
{
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	if (regs->gp.cs != USER_CODE_SEG)
		return error_set(err, ENOTSUP,
				 "thread %d runs in 32-bit mode (code segment %#llx): not "
				 "supported; use a 64-bit build of the program",
				 tid, regs->gp.cs);
	ThreadInfoX86 *ti = core->thread_info = message_new(&thread_info_x86__descriptor);
	if (!ti)
		return error_set(err, ENOMEM, "thread %d: out of memory", tid);
	ti->clear_tid_addr = clear_tid_addr;
	ti->gpregs = message_new(&user_x86_regs_entry__descriptor);
	ti->fpregs = message_new(&user_x86_fpregs_entry__descriptor);
	if (!ti->gpregs || !ti->fpregs || fill_tls(ti) < 0)
		return error_set(err, ENOMEM, "thread %d: out of memory", tid);
	fill_gp(ti->gpregs, &regs->gp);
	return fill_fp(cpu, ti->fpregs, regs, tid, err);
}

static int check_xsave(const struct arch_cpu *cpu, UserX86XsaveEntry *e, struct error *err)
{
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++) {
		const struct xsave_part *p = &xsave_parts[i];
		size_t n = *xsave_part_count(e, p);
		if (n != 0 && n != p->nr_elems)
			return error_set(err, EBADMSG, "%s: %zu values, want %zu", p->name, n,
					 p->nr_elems);
		bool used = n && (e->xstate_bv & (1ull << p->bit)) &&
			    !bytes_are_zero(*xsave_part_array(e, p), xsave_part_size(p));
		if (used && !cpu->xsave_offset[i])
			return error_set(err, ENOTSUP,
					 "the thread uses %s, which this CPU does not have: "
					 "restore on a machine that has it",
					 p->name);
	}
	if (e->cet && (e->cet->cet & 1))
		return error_set(err, ENOTSUP, "the thread has a shadow stack: not supported");
	return 0;
}

static int check_gp(const UserX86RegsEntry *e, struct error *err)
{
	if ((e->has_mode && e->mode != USER_X86_REGS_MODE__NATIVE) || (e->cs | 3) != USER_CODE_SEG)
		return error_set(err, ENOTSUP,
				 "the thread runs in 32-bit mode (code segment %#llx): not "
				 "supported",
				 (unsigned long long)e->cs);
	if (e->fs_base >= TASK_SIZE_MAX || e->gs_base >= TASK_SIZE_MAX)
		return error_set(err, EBADMSG, "fs or gs base is not a user address");
	if (e->ip >= TASK_SIZE_MAX)
		return error_set(err, EBADMSG, "instruction pointer %#llx is not a user address",
				 (unsigned long long)e->ip);
	uint64_t selectors[] = { e->ss, e->ds, e->es, e->fs, e->gs };
	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++)
		if (selectors[i] > UINT16_MAX || (selectors[i] && (selectors[i] & 3) != USER_RPL))
			return error_set(err, EBADMSG, "%#llx is no segment of a user program",
					 (unsigned long long)selectors[i]);
	return 0;
}

static int check_tls(const ThreadInfoX86 *ti, struct error *err)
{
	for (size_t i = 0; i < ti->n_tls; i++)
		if (!ti->tls[i]->seg_not_present)
			return error_set(err, ENOTSUP,
					 "thread segment descriptor %u is in use: not supported",
					 ti->tls[i]->entry_number);
	return 0;
}

int arch_core_check(const struct arch_cpu *cpu, const CoreEntry *core, struct error *err)
{
	if (core->mtype != CORE_ENTRY__MARCH__X86_64)
		return error_set(err, ENOTSUP,
				 "the image is of another machine (mtype %d), this one is x86-64",
				 core->mtype);
	const ThreadInfoX86 *ti = core->thread_info;
	if (!ti)
		return error_set(err, EBADMSG, "thread_info is missing");
	int rc = check_gp(ti->gpregs, err);
	if (rc < 0)
		return rc;
	const UserX86FpregsEntry *fp = ti->fpregs;
	if (fp->n_st_space != NR_ST_WORDS || fp->n_xmm_space != NR_XMM_WORDS)
		return error_set(err, EBADMSG, "fpregs: %zu and %zu values, want %d and %d",
				 fp->n_st_space, fp->n_xmm_space, NR_ST_WORDS, NR_XMM_WORDS);
	rc = check_tls(ti, err);
	if (rc == 0)
		rc = ldt_check(core, err);
	if (rc < 0 || !fp->xsave)
		return rc;
	return check_xsave(cpu, fp->xsave, err);
}

int arch_machine(void)
{
	return CORE_ENTRY__MARCH__X86_64;
}

void arch_core_thread(const CoreEntry *core, struct arch_thread *out)
{
	out->tls = core->thread_info->gpregs->fs_base;
	out->gs_base = core->thread_info->gpregs->gs_base;
	out->clear_tid_addr = core->thread_info->clear_tid_addr;
}
