/* SPDX-License-Identifier: MIT
 * Policies of memory on several nodes (NUMA): of threads, and of mappings.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/context/restore.h"
#include "engine/pie/numa.h"
#include "memory.pb-c.h"

/** @param out  its bytes stay those of the policy */
void numa_entry_of(const struct numa_policy *p, NumaPolicyEntry *out);
/** As a message of its own. @return NULL without memory */
NumaPolicyEntry *numa_entry_new(const struct numa_policy *p);
/** @param e  NULL is fine */
int numa_check(const NumaPolicyEntry *e, struct error *err);

/**
 * In a task before its restorer, which sets the policy.
 * @param e  NULL: none. @return false: none, or not on this machine, of which a warning tells
 */
bool numa_fill(const struct rtask *t, const NumaPolicyEntry *e, struct numa_policy *out);
/** Bytes of the arena that policies of its mappings need. */
size_t numa_args_size(const struct rtask *t);
