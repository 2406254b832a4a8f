/* SPDX-License-Identifier: MIT
 * The small interface behind which all code of one machine stands (arch/MACHINE/).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/error.h"
#include "task.pb-c.h"

/* What this CPU keeps where. */
struct arch_cpu {
	bool known;
	uint64_t xfeatures;       /* components the kernel enabled (XCR0) */
	uint32_t xsave_size;      /* of everything enabled; 0: no XSAVE */
	uint32_t xsave_offset[7]; /* of each row of xsave_parts; 0: absent */
};
/** Ask the CPU, unless `cpu` is known already: CPUID takes tens of microseconds in some machines.
 */
void arch_cpu_probe(struct arch_cpu *cpu);

/* General registers and the whole extended state of a stopped thread. */
struct arch_regs {
	struct user_regs_struct gp;
	struct user_regs_struct exact; /* as read, the marks of an interrupted call included */
	uint32_t xsave_len;
	uint8_t *xsave; /* NT_X86_XSTATE bytes, standard format, up to AMX tiles; owned */
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
 * A wait that was interrupted before goes on in the kernel, in restart_syscall(2), which nobody can
 * call elsewhere: find the call it was by the code that made it. Not found, it ends with EINTR.
 */
void arch_regs_find_call(pid_t tid, struct arch_regs *regs);
/**
 * Make the registers such that an interrupted system call is started again when the thread
 * continues from them without the kernel's help. Sleeps and waits with a relative timeout that
 * the kernel would resume with what was left (ERESTART_RESTARTBLOCK) start over: a program sees
 * a longer wait rather than an EINTR it never expected.
 * @param signalled  a signal waits to be delivered. Without one, the EINTR of calls that any stop
 *                   ends (signal(7): epoll_wait, sigtimedwait, semop) is ours, and they start over.
 */
void arch_regs_fix_restart(struct arch_regs *regs, bool signalled);

/**
 * Registers to core_entry.mtype and thread_info. The message owns what is allocated, also when
 * it fails. @return 0; -ENOTSUP for state the image has no field for, naming tid
 */
int arch_core_fill(const struct arch_cpu *cpu, CoreEntry *core, const struct arch_regs *regs,
		   uint64_t clear_tid_addr, pid_t tid, struct error *err);
#define ARCH_LDT_ENTRY 16
/**
 * Segment descriptors of the whole task, in the core of its first thread, which is filled already.
 * @param table  as modify_ldt(2) tells it
 */
int arch_ldt_fill(CoreEntry *core, const void *table, size_t len, struct error *err);
/** How many entries of modify_ldt(2) make them again; those in use. */
size_t arch_ldt_count(const CoreEntry *core);
/** @param out  arch_ldt_count() × ARCH_LDT_ENTRY bytes, as modify_ldt(2) takes each */
void arch_ldt_entries(const CoreEntry *core, void *out);
/** Machine, mode and array lengths of an image. @return 0; -EBADMSG; -ENOTSUP: another machine. */
int arch_core_check(const struct arch_cpu *cpu, const CoreEntry *core, struct error *err);

/** core_entry.mtype of this machine. */
int arch_machine(void);

/* What a thread is told by system calls. */
struct arch_thread {
	uint64_t tls, gs_base, clear_tid_addr;
};
/** @param core  passed arch_core_check() */
void arch_core_thread(const CoreEntry *core, struct arch_thread *out);

/**
 * The registers an image holds, for a thread stopped by ptrace: the coordinator sets them when
 * every thread waits. @param out  released with arch_regs_fini()
 */
int arch_regs_of_core(const struct arch_cpu *cpu, const CoreEntry *core, struct arch_regs *out,
		      struct error *err);
/** Set all registers of a ptrace-stopped thread; it is in no system call then. */
int arch_regs_set(pid_t tid, const struct arch_regs *regs, struct error *err);

/** Registers with which a stopped thread makes one system call, at `insn_addr`, then stops. */
void arch_regs_to_call(struct arch_regs *regs, uint64_t insn_addr, long nr, const uint64_t args[4]);
/** What the system call returned: registers of a thread at its exit. */
long arch_regs_result(const struct arch_regs *regs);
/** Leave this program: go on at `entry` with another stack and one argument. */
_Noreturn void arch_jump(uint64_t entry, uint64_t stack_top, const void *arg);
