/* SPDX-License-Identifier: MIT
 * A child that is there for its number, or for where it is, and does nothing.
 */
#pragma once

#include <sys/types.h>

/**
 * By the child: sleep until somebody kills it, or its parent is gone. A change of its user ids or
 * namespaces comes before, as it takes away what this sets.
 * @param parent  as getppid(2) tells it; it may be gone already
 */
_Noreturn void idle_while_child_of(pid_t parent);
