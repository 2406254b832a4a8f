/* SPDX-License-Identifier: MIT
 * A datagram socket connected by name to a program outside the tree, as to a log, is connected to
 * it again.
 * live-dump: --ext-unix-sk
 * live-restore: --ext-unix-sk
 */
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static struct sockaddr_un name_of(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path("log"));
	return addr;
}

/* Nobody's child here: it writes down what it receives. */
static void log_outside(void)
{
	struct sockaddr_un addr = name_of();
	char text[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	live_must(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_say("logging", "yes\n");
	for (;;) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
		if (n <= 0)
			_exit(0);
		text[n] = 0;
		live_say(text, "received\n");
	}
}

static int exists(const char *name)
{
	struct stat st;
	for (int i = 0; i < 1000; i++) {
		if (stat(live_path(name), &st) == 0)
			return 1;
		live_sleep_ms(5);
	}
	return 0;
}

int main(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			log_outside();
		_exit(0);
	}
	wait(NULL);
	live_must(exists("logging"));
	struct sockaddr_un addr = name_of();
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	live_must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_must(send(fd, "before", 6, 0) == 6 && exists("before"));

	live_ready();

	live_check(send(fd, "after", 5, 0) == 5, "send: %s", strerror(errno));
	live_check(exists("after"), "the log did not hear of it");
	live_pass();
}
