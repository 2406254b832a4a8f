/* SPDX-License-Identifier: MIT
 * Register sets of the machines the format knows, as ELF notes.
 */
#pragma once

#include "base/error.h"
#include "convert/core/notes.h"
#include "task.pb-c.h"

struct core_machine {
	CoreEntry__March march;
	const char *name;
	uint16_t elf;       /* e_machine */
	uint32_t elf_flags; /* e_flags */
	bool is64, big;
	size_t gregs_len; /* bytes of pr_reg */
	/** The registers of a core image are there. */
	bool (*has_regs)(const CoreEntry *core);
	/** pr_reg; what is short is padded with zeros. */
	void (*gregs)(struct notes *n, const CoreEntry *core);
	/** Notes of the other register sets of a thread. */
	void (*others)(struct notes *n, const CoreEntry *core);
};

/** By the core image of any thread. @return NULL with err set: -ENOTSUP, -EBADMSG */
const struct core_machine *core_machine_of(const CoreEntry *core, struct error *err);
