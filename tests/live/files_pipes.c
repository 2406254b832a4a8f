/* SPDX-License-Identifier: MIT
 * Pipes and FIFOs: contents, size, O_NONBLOCK, half open ones, and one between two processes.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define BIG 50000

static void child(int from_parent, int to_parent)
{
	char c;
	/* Sleeps in the pipe across the dump. */
	while (read(from_parent, &c, 1) == 1) {
		c++;
		if (write(to_parent, &c, 1) != 1)
			_exit(2);
	}
	_exit(0);
}

static void ping(int to, int from, char c)
{
	char back = 0;
	live_check(write(to, &c, 1) == 1 && read(from, &back, 1) == 1 && back == c + 1,
		   "sent %c, got %c: %s", c, back, strerror(errno));
}

int main(void)
{
	static char buf[BIG + 1];
	int full[2], big[2], no_writer[2], no_reader[2], down[2], up[2];
	signal(SIGPIPE, SIG_IGN);
	live_must(pipe(full) == 0 && write(full[1], "hello", 5) == 5);
	live_must(pipe2(big, O_NONBLOCK | O_CLOEXEC) == 0 &&
		  fcntl(big[1], F_SETPIPE_SZ, 262144) == 262144);
	memset(buf, 'x', BIG);
	live_must(write(big[1], buf, BIG) == BIG);
	live_must(pipe(no_writer) == 0 && write(no_writer[1], "rest", 4) == 4);
	live_must(close(no_writer[1]) == 0);
	live_must(pipe(no_reader) == 0 && close(no_reader[0]) == 0);
	live_must(mkfifo(live_path("fifo"), 0600) == 0);
	int fifo = open(live_path("fifo"), O_RDWR | O_NONBLOCK);
	live_must(fifo >= 0 && write(fifo, "queued", 6) == 6);
	live_must(pipe(down) == 0 && pipe(up) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		close(down[1]);
		close(up[0]);
		child(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	ping(down[1], up[0], 'a');
	live_ready();

	live_check(read(full[0], buf, 16) == 5 && !memcmp(buf, "hello", 5), "contents are lost");
	live_check(fcntl(big[0], F_GETPIPE_SZ) == 262144, "size is %d",
		   fcntl(big[0], F_GETPIPE_SZ));
	live_check(fcntl(big[0], F_GETFL) == O_NONBLOCK && fcntl(big[0], F_GETFD) == FD_CLOEXEC,
		   "flags are %#o", fcntl(big[0], F_GETFL));
	live_check(read(big[0], buf, BIG + 1) == BIG && buf[0] == 'x' && buf[BIG - 1] == 'x',
		   "%d bytes are lost", BIG);
	live_check(read(big[0], buf, 1) < 0 && errno == EAGAIN, "an empty pipe gave a byte");
	live_check(read(no_writer[0], buf, 16) == 4 && read(no_writer[0], buf, 16) == 0,
		   "a pipe without writer must end");
	live_check(write(no_reader[1], buf, 1) < 0 && errno == EPIPE,
		   "a pipe without reader must break");
	live_check(read(fifo, buf, 16) == 6 && !memcmp(buf, "queued", 6), "FIFO contents are lost");
	ping(down[1], up[0], 'p');
	close(down[1]);
	int status = -1;
	live_check(waitpid(pid, &status, 0) == pid && status == 0,
		   "child did not see the end of its pipe: %#x", status);
	live_pass();
}
