/* SPDX-License-Identifier: MIT
 * The two directories and the log every command of the engine opens first.
 */
#pragma once

#include "base/error.h"
#include "engine/context/options.h"

/**
 * Open the images and work directories and direct the log as -o and -v ask.
 * @param images_fd, work_fd  set on success; owned by the caller
 */
int dirs_open(const struct options *opts, int *images_fd, int *work_fd, struct error *err);

/** Write pid, just the number, to --pidfile if there is one; an old file is never written over. */
int dirs_write_pidfile(const struct options *opts, int work_fd, pid_t pid, struct error *err);

/** Write the final error to the log file, when there is one: standard error gets it anyway. */
void dirs_log_failure(const struct options *opts, const struct error *err);
