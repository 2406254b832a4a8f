/* SPDX-License-Identifier: MIT
 * The log: what a person reads after something went wrong. Levels as CRIU's -v0 … -v4.
 */
#pragma once

#include "base/error.h"

enum log_level {
	LOG_MSG = 0,   /* always */
	LOG_ERROR = 1, /* the operation fails */
	LOG_WARN = 2,  /* it goes on, but a person should know */
	LOG_INFO = 3,  /* a line per task and phase */
	LOG_DEBUG = 4, /* a line per object */
};

/**
 * Send the log to a descriptor, which becomes the log's own, and drop lines above `level`.
 * Every line starts with "(SECONDS.MICROSECONDS) " since this call. Before it, errors and
 * warnings go to standard error without the time.
 */
void log_to(int fd, enum log_level level);
/** The same log through another descriptor: time and level stay. The one before is closed. */
void log_move(int fd);
/** The descriptor in use; the restored tasks' early code inherits them. */
int log_fd(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
