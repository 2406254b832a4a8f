/* SPDX-License-Identifier: MIT
 * Into the restorer, and a last system call after it.
 */
#include "engine/arch/arch.h"

void arch_regs_to_call(struct arch_regs *regs, uint64_t insn_addr, long nr, const uint64_t args[4])
{
	regs->gp.rip = insn_addr;
	regs->gp.rax = (unsigned long long)nr;
	regs->gp.orig_rax = (unsigned long long)-1;
	regs->gp.rdi = args[0];
	regs->gp.rsi = args[1];
	regs->gp.rdx = args[2];
	regs->gp.r10 = args[3];
}

long arch_regs_result(const struct arch_regs *regs)
{
	return (long)regs->gp.rax;
}

void arch_jump(uint64_t entry, uint64_t stack_top, const void *arg)
{
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
			 :
			 : "r"(stack_top), "r"(entry), "D"(arg)
			 : "memory");
	__builtin_unreachable();
}
