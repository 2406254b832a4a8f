/* SPDX-License-Identifier: MIT
 * Short words between sockets.
 */
#pragma once

#include <sys/socket.h>

#include "tests/live/live.h"

static inline void words_say(int fd, const char *text)
{
	live_check(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text), "send %s: %s", text,
		   strerror(errno));
}

/* What waits there is that, and nothing else. */
static inline void words_hear(int fd, const char *text)
{
	char got[16] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(text) && !strcmp(got, text), "got \"%s\", want \"%s\"", got,
		   text);
}
