/* SPDX-License-Identifier: MIT
 * Which nodes memory comes from, as set_mempolicy(2) and mbind(2) take it and get_mempolicy(2)
 * tells it.
 */
#pragma once

#include <stdint.h>

#define NUMA_NODE_WORDS 16                         /* 1024 nodes, no kernel has more */
#define NUMA_MAX_NODE   (NUMA_NODE_WORDS * 64 + 1) /* as these calls count: one more */
#define NUMA_DEFAULT    0
#define NUMA_OF_ADDRESS 2 /* MPOL_F_ADDR */
#define NUMA_MOVE       2 /* MPOL_MF_MOVE */

struct numa_policy {
	uint32_t mode; /* MPOL_*, with flags; NUMA_DEFAULT: none of its own */
	uint64_t nodes[NUMA_NODE_WORDS];
};
