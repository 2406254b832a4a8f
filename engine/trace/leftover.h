/* SPDX-License-Identifier: MIT
 * What a killed engine left in a task, and whether somebody is still on the way out of it.
 */
#pragma once

#include "engine/trace/padding.h"

/** Does any thread run in these bytes, or will it come back to them? */
bool leftover_in_use(const struct task *t, const struct padding *p);
/** Is there still a parasite in the task? */
bool leftover_parasite(const struct task *t);
