/* SPDX-License-Identifier: MIT
 * Signals that would end this process while half of its work is done: they wait, and are looked
 * for where the work can be undone.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

/** From here on every signal waits. @param before  for interrupt_end() */
void interrupt_hold(sigset_t *before);
/** @return -EINTR: one waits that would have ended this process */
int interrupt_check(struct error *err);
/**
 * Signals come again.
 * @param forget  what waits came too late: all is done, and the caller is to hear so
 */
void interrupt_end(const sigset_t *before, bool forget);
