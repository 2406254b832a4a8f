/* SPDX-License-Identifier: MIT
 * Files below a directory, and nowhere else, whatever links are on the way (openat2).
 */
#pragma once

#include <linux/openat2.h>
#include <stdint.h>

/**
 * Open a path that may not lead out of a directory.
 * @param flags  O_…; O_CLOEXEC is added; @param mode  of a new file, else 0
 * @param resolve  RESOLVE_… besides RESOLVE_BENEATH
 * @return descriptor; -EXDEV: a link leads out; -errno
 */
int open_beneath(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
