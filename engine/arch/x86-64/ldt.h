/* SPDX-License-Identifier: MIT
 * What a core image says of segments of a process's own.
 */
#pragma once

#include "base/error.h"
#include "task.pb-c.h"

/** @return 0; -EBADMSG for what modify_ldt(2) never made. */
int ldt_check(const CoreEntry *core, struct error *err);
