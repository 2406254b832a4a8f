/* SPDX-License-Identifier: MIT
 * Processes and threads that begin on a stack of their own, of the restorer and of the engine.
 */
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>

/**
 * clone3(2): the child calls entry(arg) on the stack that `ca` has to name, and must not return
 * from there: it has nothing but registers until it is there.
 * @return its pid; -errno
 */
static inline long clone_onto_stack(const struct clone_args *ca, void (*entry)(void *), void *arg)
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
