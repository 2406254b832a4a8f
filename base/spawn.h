/* SPDX-License-Identifier: MIT
 * Running a program to its end.
 */
#pragma once

#include <spawn.h>

/**
 * Run a program and wait for it. No signal is blocked in it, and none is ignored
 * because this process does.
 * @param files   what becomes of its descriptors, posix_spawn(3)
 * @param status  set to its wait status
 * @return 0 or -errno
 */
int spawn_wait(const char *path, char *const argv[], char *const env[],
	       const posix_spawn_file_actions_t *files, int *status);
