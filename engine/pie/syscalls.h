/* SPDX-License-Identifier: MIT
 * Raw system calls for code without a libc: results are values or -errno.
 */
#pragma once

#include <stdint.h>
#include <sys/syscall.h>

#ifndef __x86_64__
#error "pie: no system call sequence for this machine"
#endif

static inline long sys6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* sys(SYS_x, …): up to six arguments, each an integer or a pointer. */
#define sys_arg_(x)           ((uint64_t)(uintptr_t)(x))
#define sys_0_(n)             sys6(n, 0, 0, 0, 0, 0, 0)
#define sys_1_(n, a)          sys6(n, sys_arg_(a), 0, 0, 0, 0, 0)
#define sys_2_(n, a, b)       sys6(n, sys_arg_(a), sys_arg_(b), 0, 0, 0, 0)
#define sys_3_(n, a, b, c)    sys6(n, sys_arg_(a), sys_arg_(b), sys_arg_(c), 0, 0, 0)
#define sys_4_(n, a, b, c, d) sys6(n, sys_arg_(a), sys_arg_(b), sys_arg_(c), sys_arg_(d), 0, 0)
#define sys_5_(n, a, b, c, d, e)                                                                   \
	sys6(n, sys_arg_(a), sys_arg_(b), sys_arg_(c), sys_arg_(d), sys_arg_(e), 0)
#define sys_6_(n, a, b, c, d, e, f)                                                                \
	sys6(n, sys_arg_(a), sys_arg_(b), sys_arg_(c), sys_arg_(d), sys_arg_(e), sys_arg_(f))
#define sys_pick_(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define sys(...)                                                                                   \
	sys_pick_(__VA_ARGS__, sys_6_, sys_5_, sys_4_, sys_3_, sys_2_, sys_1_, sys_0_)(__VA_ARGS__)

/*
 * Components of the extended state that a program has to ask for before it uses them: AMX tiles.
 * Source: arch/x86/include/uapi/asm/prctl.h; Linux 5.16 and later.
 */
#define EXTENDED_ON_DEMAND   (UINT64_C(1) << 18)
#define ARCH_GET_XCOMP_PERM_ 0x1022
#define ARCH_REQ_XCOMP_PERM_ 0x1023

static inline uint64_t extended_asked_for(void)
{
	uint64_t mask = 0;
	long rc = sys(SYS_arch_prctl, ARCH_GET_XCOMP_PERM_, &mask);
	return rc < 0 ? 0 : mask & EXTENDED_ON_DEMAND;
}

/* @param component  its number */
static inline long extended_ask_for(unsigned component)
{
	return sys(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM_, component);
}

/* modify_ldt(2): descriptors as the processor has them, or one entry as struct user_desc. */
#define LDT_READ  0
#define LDT_WRITE 0x11

/* An error from the kernel, as opposed to an address (mmap, mremap, brk). */
static inline int sys_failed(long ret)
{
	return ret < 0 && ret >= -4095;
}
