/* SPDX-License-Identifier: MIT
 * CPUs a task may be given: what is online, and what its cpuset leaves of that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/context/sched-host.h"

/** The CPUs that are online. */
void cpuset_online(struct cpu_mask *out);

/**
 * Does a mask leave out CPUs that the cpuset of this thread (or, where that is not to be found,
 * the machine) has? @param len  bytes, at most CPU_MASK_MAX
 */
bool cpuset_is_narrowed(const struct cpu_mask *online, pid_t tid, const uint8_t *mask, size_t len);

/** "0-3,8" into a mask; pure. @return false: not such a list, or a number too large */
bool cpu_list_parse(const char *text, size_t len, uint8_t mask[CPU_MASK_MAX]);
