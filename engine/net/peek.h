/* SPDX-License-Identifier: MIT
 * Looking at what waits in a socket of a task, one message after the other, without taking it.
 * That moves the socket's peek offset (SO_PEEK_OFF, unix(7)), which is the task's as well.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct peek {
	int fd;
	const char *what; /* for messages */
	pid_t keeper;     /* 0: nothing is to be put back */
	int line;         /* to it */
};

/**
 * From now on peeking goes through the queue, from its beginning.
 * @param fd, what  borrowed until peek_end()
 * @return 1; 0: nothing waits, there is nothing to end; -errno
 */
int peek_begin(struct peek *p, int fd, const char *what, struct error *err);
/** Begin again at the front. */
int peek_rewind(const struct peek *p, struct error *err);
/** The socket is as it was. */
int peek_end(struct peek *p, struct error *err);
