/* SPDX-License-Identifier: MIT
 * Has this processor SSSE3? The C library knows it since it was loaded. The compiler's
 * __builtin_cpu_supports() would ask the processor itself before main(): every command of a program
 * that has it anywhere would pay for some CPUID, which virtual machines leave to their host.
 * Source: glibc 2.33, sys/platform/x86.h.
 */
#pragma once

#include <stdbool.h>
#include <sys/platform/x86.h>

static inline bool cpu_has_ssse3(void)
{
	return CPU_FEATURE_ACTIVE(SSSE3);
}
