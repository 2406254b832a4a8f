/* SPDX-License-Identifier: MIT
 * Registers of a thread to a core message and back; what a bad image is told.
 */
#include <asm/ldt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/arch/arch.h"
#include "engine/arch/x86-64/xsave.h"
#include "images/message.h"
#include "images/reader.h"

/* Fill what a compiler leaves alone and stop: rbx, r12-r15, the x87 stack, mxcsr, (y|z)mm. */
__attribute__((noreturn)) static void child_with_state(bool avx512)
{
	static uint8_t pattern[64];
	uint32_t mxcsr = 0x1f80 | 0x8000;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(0xa0 + i);
	if (avx512)
		__asm__ volatile(
		    ".byte 0x62, 0x61, 0xfe, 0x48, 0x6f, 0x38\n" /* vmovdqu64 (%rax), zmm31 */
		    "kmovw %%ecx, %%k3"
		    :
		    : "a"(pattern), "c"(0x5a5a));
	__asm__ volatile("fldpi; fld1\n"
			 "ldmxcsr %1\n"
			 "vmovdqu (%0), %%ymm13\n"
			 "movdqu (%0), %%xmm7\n"
			 "mov $0x1122334455667788, %%r12\n"
			 "mov $0x99, %%rbx\n"
			 "mov %2, %%rax\n"
			 "mov %3, %%rdi\n"
			 "mov $19, %%rsi\n"
			 "syscall\n"
			 "mov $0x123, %%r15\n"
			 "ud2"
			 :
			 : "r"(pattern), "m"(mxcsr), "i"(SYS_kill), "r"((long)getpid())
			 : "rax", "rdi", "rsi", "rbx", "r12");
	__builtin_unreachable();
}

static bool has_avx512(void)
{
	struct arch_cpu cpu = { 0 };
	arch_cpu_probe(&cpu);
	return (cpu.xfeatures & 0xe0) == 0xe0;
}

struct fixture {
	struct arch_cpu cpu;
	pid_t child; /* stopped */
	struct arch_regs regs;
	CoreEntry *core;
};

static void start_child(struct fixture *f)
{
	f->child = fork();
	assert_true(f->child >= 0);
	if (f->child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		child_with_state(has_avx512());
	}
	int status;
	assert_int_equal(waitpid(f->child, &status, 0), f->child);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };
	arch_cpu_probe(&f->cpu);
	start_child(f);
	assert_int_equal(arch_regs_get(f->child, &f->regs, &err), 0);
	f->core = message_new(&core_entry__descriptor);
	assert_int_equal(arch_core_fill(&f->cpu, f->core, &f->regs, 0x1234, f->child, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kill(f->child, SIGKILL);
	waitpid(f->child, NULL, 0);
	arch_regs_fini(&f->regs);
	core_entry__free_unpacked(f->core, NULL);
	free(f);
	return 0;
}

static void fill_has_what_the_thread_had(void **state)
{
	struct fixture *f = *state;
	const ThreadInfoX86 *ti = f->core->thread_info;
	assert_int_equal(f->core->mtype, CORE_ENTRY__MARCH__X86_64);
	assert_int_equal(ti->clear_tid_addr, 0x1234);
	assert_int_equal(ti->gpregs->bx, 0x99);
	assert_int_equal(ti->gpregs->r12, 0x1122334455667788);
	assert_int_equal(ti->n_tls, 3);
	assert_int_equal(ti->tls[2]->entry_number, 14);
	assert_true(ti->tls[2]->seg_not_present);
	assert_int_equal(ti->fpregs->mxcsr, 0x9f80);
	assert_int_equal(ti->fpregs->xmm_space[7 * 4], 0xa3a2a1a0);
	assert_int_equal(ti->fpregs->xsave->n_ymmh_space, 64);
	assert_int_equal(ti->fpregs->xsave->ymmh_space[13 * 4], 0xb3b2b1b0);
	if (!has_avx512())
		return;
	assert_int_equal(ti->fpregs->xsave->opmask_reg[3], 0x5a5a);
	assert_int_equal(ti->fpregs->xsave->hi16_zmm[15 * 8], 0xa7a6a5a4a3a2a1a0);
}

/* Take everything away from the child but its memory. */
static void scrub_registers(struct fixture *f)
{
	struct user_regs_struct gp = f->regs.gp;
	gp.rbx = gp.r12 = gp.r13 = gp.r14 = gp.r15 = gp.rbp = gp.rdi = gp.rsi = 0xdead;
	gp.rax = gp.rip = gp.rsp = 0xdead;
	gp.orig_rax = (unsigned long long)-1;
	gp.eflags = 0x202;
	struct iovec iov = { &gp, sizeof(gp) };
	assert_int_equal(ptrace(PTRACE_SETREGSET, f->child, (void *)1, &iov), 0);
	uint8_t *junk = calloc(1, f->cpu.xsave_size);
	uint32_t mxcsr = 0x1f80;
	uint64_t used = 3;
	memset(junk + 160, 0x77, 256);
	memcpy(junk + 24, &mxcsr, sizeof(mxcsr));
	memcpy(junk + XSAVE_LEGACY_SIZE, &used, sizeof(used));
	struct iovec xs = { junk, f->cpu.xsave_size };
	assert_int_equal(ptrace(PTRACE_SETREGSET, f->child, (void *)0x202, &xs), 0);
	free(junk);
}

static void assert_same_registers(const struct arch_regs *a, const struct arch_regs *b)
{
	struct user_regs_struct x = a->gp, y = b->gp;
	x.orig_rax = y.orig_rax = 0;
	assert_memory_equal(&x, &y, sizeof(x));
	struct arch_cpu cpu = { 0 };
	arch_cpu_probe(&cpu);
	assert_memory_equal(a->xsave, b->xsave, 416);
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++)
		if (cpu.xsave_offset[i])
			assert_memory_equal(a->xsave + cpu.xsave_offset[i],
					    b->xsave + cpu.xsave_offset[i],
					    xsave_part_size(&xsave_parts[i]));
}

/* Give the child what a core says. @param after  what it has then */
static void set_registers(struct fixture *f, const CoreEntry *core, struct arch_regs *after)
{
	struct error err = { 0 };
	struct arch_regs want = { 0 };
	assert_int_equal(arch_regs_of_core(&f->cpu, core, &want, &err), 0);
	scrub_registers(f);
	assert_int_equal(arch_regs_set(f->child, &want, &err), 0);
	assert_int_equal(arch_regs_get(f->child, after, &err), 0);
	arch_regs_fini(&want);
}

static void regs_of_core_bring_every_register_back(void **state)
{
	struct fixture *f = *state;
	struct arch_regs after = { 0 };
	set_registers(f, f->core, &after);
	assert_same_registers(&f->regs, &after);
	arch_regs_fini(&after);
}

static void regs_of_core_survive_packing(void **state)
{
	struct fixture *f = *state;
	struct arch_regs after = { 0 };
	size_t len = core_entry__get_packed_size(f->core);
	uint8_t *bytes = malloc(len);
	core_entry__pack(f->core, bytes);
	auto_message CoreEntry *again = core_entry__unpack(NULL, len, bytes);
	assert_non_null(again);
	set_registers(f, again, &after);
	assert_same_registers(&f->regs, &after);
	arch_regs_fini(&after);
	free(bytes);
}

/* The kernel would take none of the registers. */
static void regs_of_core_mask_reserved_mxcsr_bits(void **state)
{
	struct fixture *f = *state;
	struct arch_regs after = { 0 };
	uint32_t mxcsr;
	f->core->thread_info->fpregs->mxcsr = 0xffff1f80;
	set_registers(f, f->core, &after);
	memcpy(&mxcsr, after.xsave + 24, sizeof(mxcsr));
	assert_int_equal(mxcsr & 0xffff, 0x1f80);
	arch_regs_fini(&after);
}

static void regs_of_core_without_xsave_are_initial(void **state)
{
	struct fixture *f = *state;
	struct arch_regs after = { 0 };
	static const uint8_t zero[256];
	user_x86_xsave_entry__free_unpacked(f->core->thread_info->fpregs->xsave, NULL);
	f->core->thread_info->fpregs->xsave = NULL;
	set_registers(f, f->core, &after);
	assert_memory_equal(f->regs.xsave, after.xsave, 416);
	assert_memory_equal(after.xsave + f->cpu.xsave_offset[0], zero, sizeof(zero));
	arch_regs_fini(&after);
}

static void expect_refused(struct fixture *f, int code, const char *words)
{
	struct error err = { 0 };
	assert_int_equal(arch_core_check(&f->cpu, f->core, &err), -code);
	assert_non_null(strstr(err.text, words));
	struct arch_regs none = { 0 };
	assert_int_equal(arch_regs_of_core(&f->cpu, f->core, &none, &err), -code);
	assert_null(none.xsave);
}

static void check_refuses_other_machines(void **state)
{
	struct fixture *f = *state;
	f->core->mtype = CORE_ENTRY__MARCH__AARCH64;
	expect_refused(f, ENOTSUP, "another machine");
}

static void check_refuses_missing_thread_info(void **state)
{
	struct fixture *f = *state;
	thread_info_x86__free_unpacked(f->core->thread_info, NULL);
	f->core->thread_info = NULL;
	expect_refused(f, EBADMSG, "thread_info");
}

static void check_refuses_short_arrays(void **state)
{
	struct fixture *f = *state;
	UserX86FpregsEntry *fp = f->core->thread_info->fpregs;
	fp->n_xmm_space = 63;
	expect_refused(f, EBADMSG, "63");
	fp->n_xmm_space = 64;
	fp->n_st_space = 0;
	expect_refused(f, EBADMSG, "fpregs");
	fp->n_st_space = 32;
	fp->xsave->n_ymmh_space = 8;
	expect_refused(f, EBADMSG, "AVX: 8 values");
	fp->xsave->n_ymmh_space = 64;
}

static void check_refuses_32_bit_mode(void **state)
{
	struct fixture *f = *state;
	f->core->thread_info->gpregs->mode = USER_X86_REGS_MODE__COMPAT;
	expect_refused(f, ENOTSUP, "32-bit");
	f->core->thread_info->gpregs->mode = USER_X86_REGS_MODE__NATIVE;
	f->core->thread_info->gpregs->cs = 0x23;
	expect_refused(f, ENOTSUP, "32-bit");
}

static void check_refuses_kernel_tls_base(void **state)
{
	struct fixture *f = *state;
	f->core->thread_info->gpregs->fs_base = 0xffffffff80000000;
	expect_refused(f, EBADMSG, "fs or gs");
}

static void check_refuses_used_part_this_cpu_lacks(void **state)
{
	struct fixture *f = *state;
	f->cpu.xsave_offset[0] = 0;
	f->core->thread_info->fpregs->xsave->xstate_bv |= 4;
	expect_refused(f, ENOTSUP, "AVX");
}

static void give_ldt(struct fixture *f, const void *table, size_t len)
{
	struct error err;
	ThreadInfoX86 *ti = f->core->thread_info;
	free(ti->ldt.data);
	ti->ldt.data = NULL;
	ti->has_ldt = false;
	assert_int_equal(arch_ldt_fill(f->core, table, len, &err), 0);
}

static void ldt_without_entries_is_left_out(void **state)
{
	static const uint64_t none[4];
	struct fixture *f = *state;
	give_ldt(f, none, sizeof(none));
	assert_false(f->core->thread_info->has_ldt);
	assert_int_equal(arch_ldt_count(f->core), 0);
}

/* Data of 32 bits at 0x12345678, 0xabcde pages long, read only. */
static void ldt_entries_are_those_of_the_descriptors(void **state)
{
	static const uint64_t table[] = { 0, 0x12caf1345678bcde, 0 };
	struct fixture *f = *state;
	struct user_desc e;
	give_ldt(f, table, sizeof(table));
	assert_int_equal(arch_ldt_count(f->core), 1);
	arch_ldt_entries(f->core, &e);
	assert_int_equal(e.entry_number, 1);
	assert_int_equal(e.base_addr, 0x12345678);
	assert_int_equal(e.limit, 0xabcde);
	assert_int_equal(e.contents, 0);
	assert_true(e.seg_32bit && e.limit_in_pages && e.read_exec_only);
	assert_false(e.seg_not_present || e.useable);
}

static void check_refuses_segments_of_the_kernel(void **state)
{
	static const uint64_t kernel_data = 0x00cf93000000ffff, long_code = 0x00affb000000ffff,
			      gate = 0x0000ec0000001234;
	const uint64_t *bad[] = { &kernel_data, &long_code, &gate };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		give_ldt(f, bad[i], sizeof(*bad[i]));
		expect_refused(f, EBADMSG, "ldt: entry 0");
	}
	f->core->thread_info->ldt.len = 7;
	expect_refused(f, EBADMSG, "ldt is 7 bytes");
}

static void fill_refuses_state_without_a_field(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	uint64_t amx = 1ull << 18 | 3;
	memcpy(f->regs.xsave + XSAVE_LEGACY_SIZE, &amx, sizeof(amx));
	auto_message CoreEntry *core = message_new(&core_entry__descriptor);
	assert_int_equal(arch_core_fill(&f->cpu, core, &f->regs, 0, 7, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "thread 7"));
}

static void fix_restart_starts_the_call_again(void **state)
{
	(void)state;
	static const int restarting[] = { 512, 513, 514, 516 };
	for (size_t i = 0; i < 4; i++) {
		struct arch_regs r = { .gp = { .rip = 0x1002,
					       .orig_rax = 35,
					       .rax = (unsigned long long)-restarting[i] } };
		arch_regs_fix_restart(&r, true);
		assert_int_equal(r.gp.rip, 0x1000);
		assert_int_equal(r.gp.rax, 35);
	}
}

static void fix_restart_leaves_finished_calls_and_user_code(void **state)
{
	(void)state;
	struct arch_regs done = {
		.gp = { .rip = 0x1002, .orig_rax = 35, .rax = (unsigned long long)-EINTR }
	};
	arch_regs_fix_restart(&done, false);
	assert_int_equal(done.gp.rip, 0x1002);
	struct arch_regs user = { .gp = { .rip = 0x1002,
					  .orig_rax = (unsigned long long)-1,
					  .rax = (unsigned long long)-512 } };
	arch_regs_fix_restart(&user, false);
	assert_int_equal(user.gp.rip, 0x1002);
}

static void fix_restart_takes_back_an_eintr_of_its_own_making(void **state)
{
	(void)state;
	static const int calls[] = { SYS_epoll_wait, SYS_semop, SYS_rt_sigtimedwait };
	for (size_t i = 0; i < 3; i++) {
		struct arch_regs r = { .gp = { .rip = 0x1002,
					       .orig_rax = (unsigned long long)calls[i],
					       .rax = (unsigned long long)-EINTR } };
		arch_regs_fix_restart(&r, true);
		assert_int_equal(r.gp.rip, 0x1002);
		arch_regs_fix_restart(&r, false);
		assert_int_equal(r.gp.rip, 0x1000);
		assert_int_equal(r.gp.rax, calls[i]);
	}
}

int main(void)
{
#define WITH_CHILD(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_CHILD(fill_has_what_the_thread_had),
		WITH_CHILD(regs_of_core_bring_every_register_back),
		WITH_CHILD(regs_of_core_survive_packing),
		WITH_CHILD(regs_of_core_mask_reserved_mxcsr_bits),
		WITH_CHILD(regs_of_core_without_xsave_are_initial),
		WITH_CHILD(check_refuses_other_machines),
		WITH_CHILD(check_refuses_missing_thread_info),
		WITH_CHILD(check_refuses_short_arrays),
		WITH_CHILD(check_refuses_32_bit_mode),
		WITH_CHILD(check_refuses_kernel_tls_base),
		WITH_CHILD(check_refuses_used_part_this_cpu_lacks),
		WITH_CHILD(ldt_without_entries_is_left_out),
		WITH_CHILD(ldt_entries_are_those_of_the_descriptors),
		WITH_CHILD(check_refuses_segments_of_the_kernel),
		WITH_CHILD(fill_refuses_state_without_a_field),
		cmocka_unit_test(fix_restart_starts_the_call_again),
		cmocka_unit_test(fix_restart_takes_back_an_eintr_of_its_own_making),
		cmocka_unit_test(fix_restart_leaves_finished_calls_and_user_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
