/* SPDX-License-Identifier: MIT
 * Pipes whose other end a process outside the tree holds: that end is closed after the restore,
 * what was in the pipe can still be read.
 * live-modes: SS SC CS 2S
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

/* Nobody's child any more, so not in the tree. */
static void run_outside(int keep_read, int keep_write)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid > 0) {
		live_must(waitpid(pid, NULL, 0) == pid);
		return;
	}
	if (fork() != 0)
		_exit(0);
	setsid();
	for (int fd = 0; fd < 64; fd++)
		if (fd != keep_read && fd != keep_write)
			close(fd);
	live_wait();
	live_sleep_ms(2000);
	_exit(0);
}

int main(void)
{
	char buf[8];
	int out[2], in[2];
	signal(SIGPIPE, SIG_IGN);
	live_must(pipe(out) == 0 && pipe(in) == 0 && write(in[1], "last", 4) == 4);
	run_outside(out[0], in[1]);
	live_must(close(out[0]) == 0 && close(in[1]) == 0);
	live_ready();

	live_check(write(out[1], "x", 1) < 0 && errno == EPIPE, "write: %s", strerror(errno));
	live_check(read(in[0], buf, 8) == 4 && !memcmp(buf, "last", 4), "contents are lost");
	live_check(read(in[0], buf, 8) == 0, "no end of file");
	live_pass();
}
