/* SPDX-License-Identifier: MIT
 * Into the restorer, and a last system call after it; a process that shares memory.
 */
#include "engine/arch/arch.h"

#include <linux/sched.h>
#include <sys/syscall.h>

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

/* The child has nothing but registers until it is on its own stack. */
long arch_clone(const struct clone_args *ca, void (*entry)(void *), void *arg)
{
	register void *kept __asm__("r12") = arg;
	register void (*called)(void *) __asm__("r13") = entry;
	long ret;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r13\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "a"((long)SYS_clone3), "D"(ca), "S"(sizeof(*ca)), "r"(kept), "r"(called)
			 : "rcx", "r11", "memory");
	return ret;
}
