/* SPDX-License-Identifier: MIT
 * Code in unused bytes of a task that heals itself: whenever its tracer dies, the thread that
 * runs it ends with the registers and the signal mask it had. Per machine: arch/MACHINE/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/arch/arch.h"

/** Bytes the slot of the first thread takes: the code, and the registers of who may use it. */
size_t inject_slot_size(void);
/** That of another thread, which only ever starts at INJECT_THREAD or INJECT_HEAL. */
size_t inject_thread_slot_size(void);

/* A thread that visits a slot. */
struct inject {
	pid_t tid;
	int mem_fd;              /* /proc/PID/mem of its task; borrowed */
	uint64_t slot_addr;      /* in the task, 16-byte aligned */
	bool is_thread;          /* the slot is that of another thread than the first */
	int tell_signo;          /* sent by the slot itself before it heals; 0: none */
	struct arch_regs frozen; /* exact, orig_ax included; only the general ones */
	uint64_t sigmask;
	bool healing; /* it continues on the way out */
};

/**
 * Fill the slot with code that leads to `healed` (interrupted system calls made to start again) and
 * the signal mask. The thread is in the ptrace stop where both were read, and still has what was
 * read. Does not change where it continues.
 */
int inject_prepare(struct inject *in, const struct arch_regs *healed, uint64_t sigmask,
		   struct error *err);

/* Where in the code a thread starts. */
enum inject_entry {
	INJECT_MMAP,      /* map `len` bytes and stop; then INJECT_CALL, or unmap and heal */
	INJECT_MMAP_CODE, /* the same, but they may not be written */
	INJECT_PROTECT, /* `arg1` bytes at `arg0` are data now; then INJECT_CALL, or unmap, heal */
	INJECT_CALL,    /* call `entry(arg0, arg1)` on `stack`, unmap [base, len), heal */
	INJECT_THREAD,  /* the same, and set the word at `base` instead of unmapping */
	INJECT_HEAL,    /* heal: the way everything ends */
	INJECT_BYE,     /* close descriptor `arg0`, unmap [base, len), heal */
};
struct inject_args {
	uint64_t base, len, entry, stack, arg0, arg1;
};
/** Block the thread's signals and make it continue in the slot. */
int inject_enter(struct inject *in, enum inject_entry where, const struct inject_args *args,
		 struct error *err);
/** Change where it continues, while it is in the slot already. */
int inject_move(struct inject *in, enum inject_entry where, const struct inject_args *args,
		struct error *err);
/** Put the frozen registers and signal mask back: the thread continues as if nothing was. */
int inject_leave(struct inject *in, struct error *err);

/** What the slot's munmap returned to the thread, which is in the stop of `tell_signo`. */
int inject_unmapped(const struct inject *in, int64_t *out, struct error *err);

/** The value the last system call returned to a thread in a stop. */
int inject_result(pid_t tid, int64_t *out, struct error *err);
/** Is the thread's instruction pointer within [start, end)? */
bool inject_ip_within(const struct arch_regs *regs, uint64_t start, uint64_t end);

/** Its stack pointer. */
uint64_t inject_stack(const struct arch_regs *regs);

/**
 * Move a stopped thread that is inside a restartable sequence to its abort handler, which is
 * where any preemption takes it, and `regs` with it.
 * @param rseq_addr  of its struct rseq; @return 1: moved; 0: it was in none; -errno
 */
int inject_rseq_abort(pid_t tid, int mem_fd, uint64_t rseq_addr, struct arch_regs *regs,
		      struct error *err);
