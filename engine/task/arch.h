/* SPDX-License-Identifier: MIT
 * The small interface behind which all code of one machine stands (task/arch/MACHINE/).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/error.h"
#include "task.pb-c.h"

/* General registers and the whole extended state of a stopped thread. */
struct arch_regs {
	struct user_regs_struct gp;
	uint32_t xsave_len;
	uint8_t *xsave; /* NT_X86_XSTATE bytes, standard format; owned */
};

struct arch_rseq {
	uint64_t addr; /* 0: not registered */
	uint32_t size, signature;
	uint64_t cs_addr; /* rseq_cs pointer at the freeze */
};

/** Read all registers of a ptrace-stopped thread. @return 0; -ESRCH when it is gone. */
int arch_regs_get(pid_t tid, struct arch_regs *regs, struct error *err);
void arch_regs_fini(struct arch_regs *regs);
/**
 * Make the registers such that an interrupted system call is started again when the thread
 * continues from them without the kernel's help.
 */
void arch_regs_fix_restart(struct arch_regs *regs);

/** Registers to core_entry.thread_info and back. The message owns what is allocated. */
int arch_core_fill(CoreEntry *core, const struct arch_regs *regs, uint64_t clear_tid_addr,
		   pid_t tid, struct error *err);

/**
 * Build the signal frame from which rt_sigreturn continues as the image says.
 * @param frame  buffer at its final address, arch_sigframe_size() bytes, 64-byte aligned
 * @return the stack pointer to hold when rt_sigreturn is called; 0 and err on a bad image
 */
size_t arch_sigframe_size(void);
uint64_t arch_sigframe_build(const CoreEntry *core, uint64_t sigmask, void *frame,
			     struct error *err);
