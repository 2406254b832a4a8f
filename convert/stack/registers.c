/* SPDX-License-Identifier: MIT
 * DWARF register numbers per machine, by word of the kernel's elf_gregset_t, which convert/core
 * writes. Sources: the DWARF chapters of each machine's ABI.
 */
#include "convert/stack/registers.h"

#include <elf.h>
#include <stdbool.h>

#include "base/array.h"
#include "convert/core/machine.h"

struct dwarf_machine {
	uint16_t elf;      /* e_machine of the process */
	uint16_t regs_elf; /* of the machine whose layout its registers have */
	bool is64, big;
	uint8_t nr, first; /* registers from 0 on; the word of register 0, the others follow it */
	const uint8_t *words; /* where they do not: the word of each */
	uint8_t pc;           /* the word of the program counter */
	uint8_t link,
	    link_number; /* word and number of a return address outside of these; 0: none */
};

/* word 10 is rax, … r15 is word 0, the return address rip */
static const uint8_t x86_64_words[] = { 10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16 };
/* eax, ecx, edx, ebx, esp, ebp, esi, edi, eip */
static const uint8_t i386_words[] = { 10, 11, 12, 5, 19, 4, 13, 14, 16 };

static const struct dwarf_machine machines[] = {
	{ .elf = EM_X86_64,
	  .regs_elf = EM_X86_64,
	  .is64 = true,
	  .nr = 17,
	  .words = x86_64_words,
	  .pc = 16 },
	{ .elf = EM_386, .regs_elf = EM_X86_64, .nr = 9, .words = i386_words, .pc = 16 },
	{ .elf = EM_AARCH64, .regs_elf = EM_AARCH64, .is64 = true, .nr = 32, .pc = 32 },
	{ .elf = EM_ARM, .regs_elf = EM_ARM, .nr = 16, .pc = 15 },
	{ .elf = EM_PPC64,
	  .regs_elf = EM_PPC64,
	  .is64 = true,
	  .nr = 32,
	  .pc = 32,
	  .link = 36,
	  .link_number = 65 },
	{ .elf = EM_S390,
	  .regs_elf = EM_S390,
	  .is64 = true,
	  .big = true,
	  .nr = 16,
	  .first = 2,
	  .pc = 1 },
	/* word 0 is the program counter, where x0 would be, which is always 0 */
	{ .elf = EM_RISCV, .regs_elf = EM_RISCV, .is64 = true, .nr = 32, .pc = 0 },
};

static bool is_compat(const CoreEntry *core)
{
	return core->thread_info && core->thread_info->gpregs &&
	       core->thread_info->gpregs->mode == USER_X86_REGS_MODE__COMPAT;
}

const struct dwarf_machine *dwarf_machine_of(const CoreEntry *core, struct error *err)
{
	const struct core_machine *known = core_machine_of(core, err);
	if (!known)
		return NULL;
	uint16_t elf = known->elf == EM_X86_64 && is_compat(core) ? EM_386 : known->elf;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (machines[i].elf == elf)
			return &machines[i];
	}
	error_set(err, ENOTSUP, "no backtraces of %s: elfutils does not unwind it", known->name);
	return NULL;
}

uint16_t dwarf_machine_elf(const struct dwarf_machine *machine)
{
	return machine->elf;
}

bool dwarf_machine_is64(const struct dwarf_machine *machine)
{
	return machine->is64;
}

bool dwarf_machine_is_big(const struct dwarf_machine *machine)
{
	return machine->big;
}

static uint64_t word_at(const struct core_machine *known, const char *words, size_t len, unsigned i)
{
	size_t size = known->is64 ? 8 : 4, at = i * size;
	uint64_t value = 0;
	if (at + size > len)
		return 0;
	for (size_t byte = 0; byte < size; byte++)
		value = value << 8 | (uint8_t)words[known->big ? at + byte : at + size - 1 - byte];
	return value;
}

static void number_registers(const struct dwarf_machine *m, const struct core_machine *known,
			     const char *words, size_t len, struct dwarf_regs *out)
{
	*out = (struct dwarf_regs){ .nr = m->nr, .pc = word_at(known, words, len, m->pc) };
	for (unsigned i = 0; i < m->nr; i++)
		out->values[i] = word_at(known, words, len, m->words ? m->words[i] : m->first + i);
	if (m->elf == EM_RISCV)
		out->values[0] = 0;
	out->has_link = m->link;
	out->link_number = m->link_number;
	out->link = m->link ? word_at(known, words, len, m->link) : 0;
}

int dwarf_regs_of(const struct dwarf_machine *machine, const CoreEntry *core,
		  struct dwarf_regs *out, struct error *err)
{
	const struct core_machine *known = core_machine_of(core, err);
	if (!known)
		return -EBADMSG;
	if (known->elf != machine->regs_elf || is_compat(core) != (machine->elf == EM_386))
		return error_set(err, EBADMSG, "its registers are of another machine");
	struct notes n = { .is64 = known->is64, .big = known->big };
	note_begin(&n, "", 0); /* the layout is written into a note */
	size_t head = n.buf.len;
	known->gregs(&n, core);
	if (!n.failed)
		number_registers(machine, known, n.buf.data + head, n.buf.len - head, out);
	strbuf_fini(&n.buf);
	return n.failed ? error_set(err, ENOMEM, "out of memory") : 0;
}
