/* SPDX-License-Identifier: MIT
 * What scheduling of this machine is like, to tell what a thread has of its own. Read once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CPU_MASK_MAX 1024 /* bytes: as many CPUs as Linux can be built for */

struct cpu_mask {
	uint8_t bits[CPU_MASK_MAX];
	bool known;
};

struct sched_host {
	struct cpu_mask online;
	bool has_slice;
	uint64_t slice;       /* nanoseconds, of a thread that asked for none */
	bool has_clamps;      /* of utilisation (CONFIG_UCLAMP_TASK) */
	uint32_t rt_util_min; /* of a realtime thread that asked for none */
};
