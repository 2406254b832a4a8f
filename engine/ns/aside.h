/* SPDX-License-Identifier: MIT
 * A short visit elsewhere: a process with this one's memory and descriptors, but with namespaces
 * and directories of its own.
 */
#pragma once

#include "base/error.h"

/**
 * Run a function there, while this process waits. It is born into the pid namespace that children
 * of this process are born into.
 * @return what it returned, with its message; -ECHILD when it was killed
 */
int ns_aside(int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err);
