/* SPDX-License-Identifier: MIT
 * Room for memory in a task.
 */
#pragma once

#include "engine/context/task.h"

/**
 * Why a task could not map `len` bytes: which of its limits they do not fit, and how to raise that.
 * @param code  errno of mmap(2), negative; @return the same
 * Source: mmap(2), getrlimit(2), proc_pid_limits(5).
 */
int room_error(const struct task *t, size_t len, int code, struct error *err);
