/* SPDX-License-Identifier: MIT
 * Layout of the XSAVE area, asked from CPUID leaf 0xd.
 */
#include "engine/arch/x86-64/xsave.h"

#include <cpuid.h>

#define PART(bit_, name_, elem_, nr_, field)                                                       \
	{                                                                                          \
		.bit = (bit_), .name = (name_), .elem_size = sizeof(elem_), .nr_elems = (nr_),     \
		.count_field = offsetof(UserX86XsaveEntry, n_##field),                             \
		.array_field = offsetof(UserX86XsaveEntry, field),                                 \
	}

const struct xsave_part xsave_parts[XSAVE_NR_PARTS] = {
	PART(2, "AVX", uint32_t, 64, ymmh_space),
	PART(3, "MPX bounds", uint64_t, 8, bndreg_state),
	PART(4, "MPX configuration", uint64_t, 8, bndcsr_state),
	PART(5, "AVX-512 masks", uint64_t, 8, opmask_reg),
	PART(6, "AVX-512 upper halves", uint64_t, 64, zmm_upper),
	PART(7, "AVX-512 registers 16-31", uint64_t, 128, hi16_zmm),
	PART(9, "protection keys", uint32_t, 2, pkru),
};

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | ((uint64_t)hi << 32);
}

void arch_cpu_probe(struct arch_cpu *out)
{
	unsigned a, b, c, d;
	if (out->known)
		return;
	*out = (struct arch_cpu){ .known = true };
	__cpuid(1, a, b, c, d);
	if (!(c & bit_OSXSAVE))
		return;
	out->xfeatures = read_xcr0();
	__cpuid_count(0xd, 0, a, b, c, d);
	out->xsave_size = b;
	for (size_t i = 0; i < XSAVE_NR_PARTS; i++) {
		const struct xsave_part *p = &xsave_parts[i];
		if (!(out->xfeatures & (1ull << p->bit)))
			continue;
		__cpuid_count(0xd, p->bit, a, b, c, d);
		/* One that reaches past the end is a lying hypervisor: no state is better. */
		if (a == xsave_part_size(p) && b + a <= out->xsave_size)
			out->xsave_offset[i] = b;
	}
}
