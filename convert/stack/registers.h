/* SPDX-License-Identifier: MIT
 * Registers of a core image under the numbers DWARF has for them.
 */
#pragma once

#include "base/error.h"
#include "task.pb-c.h"

#define DWARF_REGS_MAX 34

struct dwarf_machine; /* a row */

struct dwarf_regs {
	uint64_t values[DWARF_REGS_MAX]; /* registers 0 and up */
	unsigned nr;
	uint64_t pc;
	bool has_link; /* a register with the return address whose number does not follow */
	unsigned link_number;
	uint64_t link;
};

/** By the core image of any thread. @return NULL with err set: -ENOTSUP, -EBADMSG */
const struct dwarf_machine *dwarf_machine_of(const CoreEntry *core, struct error *err);
uint16_t dwarf_machine_elf(const struct dwarf_machine *machine); /* e_machine */
bool dwarf_machine_is64(const struct dwarf_machine *machine);
bool dwarf_machine_is_big(const struct dwarf_machine *machine);

/** @return 0; -EBADMSG: the image has no registers of that machine; -ENOMEM */
int dwarf_regs_of(const struct dwarf_machine *machine, const CoreEntry *core,
		  struct dwarf_regs *out, struct error *err);
