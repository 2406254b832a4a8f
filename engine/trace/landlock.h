/* SPDX-License-Identifier: MIT
 * Tasks that are restricted by Landlock: nothing tells by which rules, so they are refused.
 */
#pragma once

#include "base/error.h"
#include "engine/context/task.h"
#include "engine/pie/parasite-area.h"

/** @param child_stack  top of one in the parasite's memory */
void landlock_ask(const struct task *t, uint64_t child_stack, struct parasite_request *req);
/** @return -ENOTSUP: the task is. What could not be told is worth a warning. */
int landlock_check(const struct task *t, struct error *err);
