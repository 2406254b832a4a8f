/* SPDX-License-Identifier: MIT
 * Pipes in packet mode (O_DIRECT): several packets, one alone, plain bytes from before the mode was
 * set, a FIFO, a large one.
 * live-modes: SS RR 2S
 */
#include "tests/live/live.h"

#define LARGE 3000

static char buf[LARGE + 1];

static void expect(int fd, const char *what, ssize_t room, const char *want)
{
	ssize_t n = read(fd, buf, (size_t)room);
	live_check(n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n),
		   "%s: %zd bytes, want '%s'", what, n, want);
}

static void packets(int to[2])
{
	live_must(pipe2(to, O_DIRECT | O_NONBLOCK) == 0);
}

int main(void)
{
	int many[2], one[2], large[2], late[2];
	packets(many);
	packets(one);
	packets(large);
	live_must(write(many[1], "first", 5) == 5 && write(many[1], "2nd", 3) == 3 &&
		  write(many[1], "third", 5) == 5);
	live_must(write(one[1], "alone", 5) == 5);
	memset(buf, 'x', LARGE);
	for (int i = 0; i < 5; i++)
		live_must(write(large[1], buf, LARGE) == LARGE);
	live_must(pipe2(late, O_NONBLOCK) == 0 && write(late[1], "plain", 5) == 5);
	live_must(mkfifo(live_path("fifo"), 0600) == 0);
	int fifo = open(live_path("fifo"), O_RDWR | O_NONBLOCK);
	live_must(fifo >= 0 && fcntl(fifo, F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
	live_must(write(fifo, "ab", 2) == 2 && write(fifo, "c", 1) == 1);

	live_ready();

	expect(many[0], "first of many", 4, "firs"); /* the rest of it is gone */
	expect(many[0], "second of many", 100, "2nd");
	expect(many[0], "third of many", 100, "third");
	expect(one[0], "one alone", 2, "al");
	live_check(read(one[0], buf, 10) < 0 && errno == EAGAIN, "one alone was no packet");
	for (int i = 0; i < 5; i++)
		live_check(read(large[0], buf, LARGE + 1) == LARGE, "packet %d is cut", i);
	expect(late[0], "plain bytes", 3, "pla");
	expect(late[0], "the rest of plain bytes", 3, "in");
	expect(fifo, "FIFO", 9, "ab");
	expect(fifo, "FIFO again", 9, "c");
	live_check(fcntl(many[1], F_GETFL) == (O_WRONLY | O_DIRECT | O_NONBLOCK), "flags are %#o",
		   fcntl(many[1], F_GETFL));
	live_must(write(many[1], "new", 3) == 3 && write(many[1], "er", 2) == 2);
	expect(many[0], "a new one", 9, "new");
	live_pass();
}
