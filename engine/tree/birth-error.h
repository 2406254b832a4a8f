/* SPDX-License-Identifier: MIT
 * Why a task could not be born, in words.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** @param code  of clone3(2), which was to choose this pid. @return -errno */
int birth_error(const struct restore *r, pid_t pid, int code, struct error *err);
