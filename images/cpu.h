/* SPDX-License-Identifier: MIT
 * Processors as cpuinfo.img has them: words of capability bits in the order of Linux, what XSAVE
 * saves, and which instructions of one another has not.
 * Source: Intel SDM volume 2, CPUID; arch/x86/include/asm/cpufeatures.h for the order of the words.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "cpuinfo.pb-c.h"

#define CPU_X86_WORDS    19 /* capability_ver 2 */
#define CPU_X86_WORDS_V1 11

struct cpu_x86 {
	CpuinfoX86Entry__Vendor vendor;
	uint32_t family, model, stepping;
	uint32_t words[CPU_X86_WORDS];
	uint64_t xfeatures; /* of cpuinfo_x86_entry.xfeatures_mask */
	uint32_t xsave_size, xsave_size_max;
	char model_id[64];
};

/** This processor. @return false: not of the x86 family, or of a vendor the format has no name for
 */
bool cpu_x86_here(struct cpu_x86 *out);
/** Parts of the extended state (bits of xstate_bv) that are switched on here, those of the kernel
 *  included; 0 on other machines. */
uint64_t cpu_x86_xsave_here(void);
/** Is bit `bit` of capability word `word` set? */
static inline bool cpu_x86_has(const uint32_t *words, unsigned word, unsigned bit)
{
	return words[word] >> bit & 1;
}
/** Append the names of instructions that `theirs` has and `here` has not. @return -ENOMEM */
int cpu_x86_missing(const CpuinfoX86Entry *theirs, const struct cpu_x86 *here, struct strbuf *out);
