/* SPDX-License-Identifier: MIT
 * Registers under their DWARF numbers, by name of the register in the image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <elf.h>

#include "convert/stack/registers.h"

static struct dwarf_regs numbered(const CoreEntry *core, uint16_t elf)
{
	struct error err = { 0 };
	struct dwarf_regs regs;
	const struct dwarf_machine *machine = dwarf_machine_of(core, &err);
	assert_non_null(machine);
	assert_int_equal(dwarf_machine_elf(machine), elf);
	assert_int_equal(dwarf_regs_of(machine, core, &regs, &err), 0);
	return regs;
}

static void regs_x86(void **state, UserX86RegsMode mode, struct dwarf_regs *out)
{
	(void)state;
	UserX86RegsEntry gp = USER_X86_REGS_ENTRY__INIT;
	UserX86FpregsEntry fp = USER_X86_FPREGS_ENTRY__INIT;
	ThreadInfoX86 info = THREAD_INFO_X86__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	core.mtype = CORE_ENTRY__MARCH__X86_64;
	core.thread_info = &info;
	info.gpregs = &gp;
	info.fpregs = &fp;
	gp.has_mode = true;
	gp.mode = mode;
	gp.ax = 100;
	gp.dx = 101;
	gp.cx = 102;
	gp.bx = 103;
	gp.si = 104;
	gp.di = 105;
	gp.bp = 106;
	gp.sp = 107;
	gp.r8 = 108;
	gp.r9 = 109;
	gp.r10 = 110;
	gp.r11 = 111;
	gp.r12 = 112;
	gp.r13 = 113;
	gp.r14 = 114;
	gp.r15 = 115;
	gp.ip = 116;
	*out = numbered(&core, mode == USER_X86_REGS_MODE__COMPAT ? EM_386 : EM_X86_64);
}

static void registers_of_x86_64_in_order_of_its_abi(void **state)
{
	struct dwarf_regs regs;
	regs_x86(state, USER_X86_REGS_MODE__NATIVE, &regs);
	assert_int_equal(regs.nr, 17);
	for (unsigned i = 0; i < regs.nr; i++)
		assert_int_equal(regs.values[i], 100 + i);
	assert_int_equal(regs.pc, 116);
}

static void registers_of_32_bit_programs_in_order_of_i386(void **state)
{
	static const uint64_t want[] = { 100, 102, 101, 103, 107, 106, 104, 105, 116 };
	struct dwarf_regs regs;
	regs_x86(state, USER_X86_REGS_MODE__COMPAT, &regs);
	assert_int_equal(regs.nr, 9);
	assert_memory_equal(regs.values, want, sizeof(want));
	assert_int_equal(regs.pc, 116);
}

static void registers_of_aarch64_end_with_the_stack_pointer(void **state)
{
	(void)state;
	uint64_t words[31];
	UserAarch64RegsEntry gp = USER_AARCH64_REGS_ENTRY__INIT;
	UserAarch64FpsimdContextEntry fp = USER_AARCH64_FPSIMD_CONTEXT_ENTRY__INIT;
	ThreadInfoAarch64 info = THREAD_INFO_AARCH64__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	for (unsigned i = 0; i < 31; i++)
		words[i] = 100 + i;
	core.mtype = CORE_ENTRY__MARCH__AARCH64;
	core.ti_aarch64 = &info;
	info.gpregs = &gp;
	info.fpsimd = &fp;
	gp.regs = words;
	gp.n_regs = 31;
	gp.sp = 131;
	gp.pc = 7;
	struct dwarf_regs regs = numbered(&core, EM_AARCH64);
	assert_int_equal(regs.nr, 32);
	for (unsigned i = 0; i < regs.nr; i++)
		assert_int_equal(regs.values[i], 100 + i);
	assert_int_equal(regs.pc, 7);
}

static void registers_of_ppc64_have_the_link_register_apart(void **state)
{
	(void)state;
	uint64_t words[32];
	UserPpc64RegsEntry gp = USER_PPC64_REGS_ENTRY__INIT;
	ThreadInfoPpc64 info = THREAD_INFO_PPC64__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	for (unsigned i = 0; i < 32; i++)
		words[i] = 100 + i;
	core.mtype = CORE_ENTRY__MARCH__PPC64;
	core.ti_ppc64 = &info;
	info.gpregs = &gp;
	gp.gpr = words;
	gp.n_gpr = 32;
	gp.nip = 7;
	gp.link = 8;
	struct dwarf_regs regs = numbered(&core, EM_PPC64);
	assert_int_equal(regs.values[31], 131);
	assert_int_equal(regs.pc, 7);
	assert_true(regs.has_link);
	assert_int_equal(regs.link_number, 65);
	assert_int_equal(regs.link, 8);
}

static void registers_of_s390_stand_behind_the_program_status_word(void **state)
{
	(void)state;
	uint64_t words[16];
	UserS390RegsEntry gp = USER_S390_REGS_ENTRY__INIT;
	UserS390FpregsEntry fp = USER_S390_FPREGS_ENTRY__INIT;
	ThreadInfoS390 info = THREAD_INFO_S390__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	for (unsigned i = 0; i < 16; i++)
		words[i] = 100 + i;
	core.mtype = CORE_ENTRY__MARCH__S390;
	core.ti_s390 = &info;
	info.gpregs = &gp;
	info.fpregs = &fp;
	gp.gprs = words;
	gp.n_gprs = 16;
	gp.psw_mask = 6;
	gp.psw_addr = 7;
	struct dwarf_regs regs = numbered(&core, EM_S390);
	assert_int_equal(regs.nr, 16);
	for (unsigned i = 0; i < regs.nr; i++)
		assert_int_equal(regs.values[i], 100 + i);
	assert_int_equal(regs.pc, 7);
}

static void registers_of_riscv64_have_zero_where_the_image_has_pc(void **state)
{
	(void)state;
	UserRiscv64RegsEntry gp = USER_RISCV64_REGS_ENTRY__INIT;
	UserRiscv64DExtEntry fp = USER_RISCV64_D_EXT_ENTRY__INIT;
	ThreadInfoRiscv64 info = THREAD_INFO_RISCV64__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	core.mtype = CORE_ENTRY__MARCH__RISCV64;
	core.ti_riscv64 = &info;
	info.gpregs = &gp;
	info.fpsimd = &fp;
	gp.pc = 7;
	gp.ra = 101;
	gp.sp = 102;
	gp.s0 = 108;
	gp.t6 = 131;
	struct dwarf_regs regs = numbered(&core, EM_RISCV);
	assert_int_equal(regs.values[0], 0);
	assert_int_equal(regs.values[1], 101);
	assert_int_equal(regs.values[2], 102);
	assert_int_equal(regs.values[8], 108);
	assert_int_equal(regs.values[31], 131);
	assert_int_equal(regs.pc, 7);
}

static void registers_of_unknown_machines_are_refused_by_name(void **state)
{
	(void)state;
	UserMipsRegsEntry gp = USER_MIPS_REGS_ENTRY__INIT;
	UserMipsFpregsEntry fp = USER_MIPS_FPREGS_ENTRY__INIT;
	ThreadInfoMips info = THREAD_INFO_MIPS__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	struct error err = { 0 };
	core.mtype = CORE_ENTRY__MARCH__MIPS;
	core.ti_mips = &info;
	info.gpregs = &gp;
	info.fpregs = &fp;
	assert_null(dwarf_machine_of(&core, &err));
	assert_int_equal(err.code, -ENOTSUP);
	assert_non_null(strstr(err.text, "mips"));
}

static void registers_of_another_machine_than_the_process_are_refused(void **state)
{
	(void)state;
	UserPpc64RegsEntry gp = USER_PPC64_REGS_ENTRY__INIT;
	ThreadInfoPpc64 info = THREAD_INFO_PPC64__INIT;
	UserRiscv64RegsEntry other_gp = USER_RISCV64_REGS_ENTRY__INIT;
	UserRiscv64DExtEntry other_fp = USER_RISCV64_D_EXT_ENTRY__INIT;
	ThreadInfoRiscv64 other = THREAD_INFO_RISCV64__INIT;
	CoreEntry leader = CORE_ENTRY__INIT, thread = CORE_ENTRY__INIT;
	struct error err = { 0 };
	struct dwarf_regs regs;
	leader.mtype = CORE_ENTRY__MARCH__PPC64;
	leader.ti_ppc64 = &info;
	info.gpregs = &gp;
	thread.mtype = CORE_ENTRY__MARCH__RISCV64;
	thread.ti_riscv64 = &other;
	other.gpregs = &other_gp;
	other.fpsimd = &other_fp;
	const struct dwarf_machine *machine = dwarf_machine_of(&leader, &err);
	assert_non_null(machine);
	assert_int_equal(dwarf_regs_of(machine, &thread, &regs, &err), -EBADMSG);
	thread.ti_riscv64 = NULL;
	assert_int_equal(dwarf_regs_of(machine, &thread, &regs, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_of_x86_64_in_order_of_its_abi),
		cmocka_unit_test(registers_of_32_bit_programs_in_order_of_i386),
		cmocka_unit_test(registers_of_aarch64_end_with_the_stack_pointer),
		cmocka_unit_test(registers_of_ppc64_have_the_link_register_apart),
		cmocka_unit_test(registers_of_s390_stand_behind_the_program_status_word),
		cmocka_unit_test(registers_of_riscv64_have_zero_where_the_image_has_pc),
		cmocka_unit_test(registers_of_unknown_machines_are_refused_by_name),
		cmocka_unit_test(registers_of_another_machine_than_the_process_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
