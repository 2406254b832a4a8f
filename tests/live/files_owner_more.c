/* SPDX-License-Identifier: MIT
 * Signal-driven input of a FIFO and of an inotify. CRIU restores neither with O_ASYNC.
 * live-modes: SS RR CS 2S
 */
#include <signal.h>
#include <sys/inotify.h>

#include "tests/live/live.h"

static volatile sig_atomic_t seen;

static void on_input(int signo)
{
	seen = signo;
}

static void watch(int fd)
{
	live_must(fd >= 0 && fcntl(fd, F_SETOWN, getpid()) == 0);
	live_must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC | O_NONBLOCK) == 0);
}

static void check(const char *what, int fd, int other)
{
	char bytes[256];
	live_check(fcntl(fd, F_GETFL) & O_ASYNC, "%s: flags are %#x", what, fcntl(fd, F_GETFL));
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	seen = 0;
	live_check(write(other, "x", 1) == 1, "%s: write: %s", what, strerror(errno));
	for (int i = 0; i < 1000 && !seen; i++)
		live_sleep_ms(5);
	live_check(seen == SIGIO, "%s: no signal", what);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_input, .sa_flags = SA_RESTART };
	live_must(sigaction(SIGIO, &action, NULL) == 0 && mkfifo("fifo", 0600) == 0);
	int fifo = open("fifo", O_RDWR), notify = inotify_init();
	int file = open("file", O_CREAT | O_WRONLY, 0600);
	live_must(file >= 0 && inotify_add_watch(notify, "file", IN_MODIFY) >= 0);
	watch(fifo);
	watch(notify);
	live_ready();

	check("FIFO", fifo, fifo);
	check("inotify", notify, file);
	live_pass();
}
