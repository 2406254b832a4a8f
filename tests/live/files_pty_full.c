/* SPDX-License-Identifier: MIT
 * Pairs whose buffers are full, as nobody reads: written in pieces of several sizes, raw and
 * translated, from either end and from both, in packet mode, after a stop; a program that waits to
 * write more goes on where it was.
 *
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/live/live.h"

#define MOST 40000

enum { RAW = 1, OUT = 2, IN = 4, PACKET = 8, STOPPED = 16, USED = 32 };

struct full {
	int how, piece, next;
	int master, slave;
	size_t len[2]; /* what waits: [0] at the slave, [1] at the master */
	size_t master_flags;
};

static struct full all[] = {
	{ RAW | OUT, 1, 1 },
	{ RAW | OUT, 100, 100 },
	{ RAW | OUT, 256, 7 },
	{ RAW | OUT, 512, 512 },
	{ RAW | OUT, 1792, 1024 },
	{ RAW | OUT, 2048, 1 },
	{ RAW | OUT | USED, 5000, 3 },
	{ OUT, 80, 80 },
	{ OUT, 5000, 1 },
	{ RAW | IN, 1, 1 },
	{ RAW | IN, 3000, 100 },
	{ RAW | IN | OUT, 1000, 1000 },
	{ RAW | OUT | PACKET, 1792, 500 },
	{ RAW | IN | OUT | PACKET, 100, 100 },
	{ RAW | OUT | STOPPED, 300, 300 },
	{ OUT | STOPPED | PACKET, 1000, 10 },
};
#define NR (int)(sizeof(all) / sizeof(all[0]))

/* Never a character that means something. */
static char byte_at(size_t i)
{
	return (char)('a' + (i / 7 + i) % 26);
}

static size_t fill(int fd, int piece, size_t from)
{
	char text[8192];
	for (int idle = 0; idle < 5;) {
		for (int i = 0; i < piece; i++)
			text[i] = byte_at(from + (size_t)i);
		ssize_t n = write(fd, text, (size_t)piece);
		live_must(n > 0 || errno == EAGAIN);
		from += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		if (n <= 0)
			live_sleep_ms(2);
	}
	live_must(from < MOST);
	return from;
}

/* @return how many bytes there were, all as they were written */
static size_t drain(int nr, const char *side, int fd, int packet)
{
	char buf[4096];
	size_t have = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (poll(&p, 1, 50) == 1) {
		ssize_t n = read(fd, buf, sizeof(buf));
		live_check(n > packet, "%d: %s: read: %zd, %s", nr, side, n, strerror(errno));
		live_check(!packet || !buf[0], "%d: event %#x", nr, buf[0]);
		for (ssize_t i = packet; i < n; i++, have++)
			live_check(buf[i] == byte_at(have), "%d: %s: byte %zu is %d", nr, side,
				   have, buf[i]);
	}
	return have;
}

static void make(struct full *f, int nr)
{
	int zero = 0, one = 1;
	struct termios t;
	f->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	live_must(f->master >= 0 && ioctl(f->master, TIOCSPTLCK, &zero) == 0);
	f->slave = ioctl(f->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
	live_must(f->slave >= 0 && tcgetattr(f->slave, &t) == 0);
	if (f->how & RAW)
		cfmakeraw(&t);
	t.c_lflag &= ~(tcflag_t)ECHO;
	live_must(tcsetattr(f->slave, TCSANOW, &t) == 0);
	if (f->how & PACKET)
		live_must(ioctl(f->master, TIOCPKT, &one) == 0);
	if (f->how & USED) { /* the kernel keeps small buffers of before */
		fill(f->slave, 1, 0);
		drain(nr, "before", f->master, 0);
	}
	if (f->how & OUT)
		f->len[1] = fill(f->slave, f->next, fill(f->slave, f->piece, 0));
	if (f->how & IN)
		f->len[0] = fill(f->master, f->next, fill(f->master, f->piece, 0));
	if (f->how & STOPPED)
		live_must(tcflow(f->slave, TCOOFF) == 0);
	if (f->how & STOPPED && f->how & PACKET) {
		char event;
		live_must(read(f->master, &event, 1) == 1 && event & TIOCPKT_STOP);
	}
}

static void check(struct full *f, int nr)
{
	int packet = f->how & PACKET ? 1 : 0;
	size_t out = drain(nr, "master", f->master, packet), in = drain(nr, "slave", f->slave, 0);
	live_check(out == f->len[1], "%d: %zu bytes at the master, want %zu", nr, out, f->len[1]);
	live_check(in == f->len[0], "%d: %zu bytes at the slave, want %zu", nr, in, f->len[0]);
	live_check(fcntl(f->master, F_GETFL) & O_NONBLOCK, "%d: the master would wait", nr);
	struct pollfd p = { .fd = f->slave, .events = POLLOUT };
	live_check(poll(&p, 1, 0) == !(f->how & STOPPED), "%d: output is %s", nr,
		   f->how & STOPPED ? "not stopped" : "stopped");
	if (f->how & STOPPED)
		live_must(tcflow(f->slave, TCOON) == 0);
	live_check(write(f->slave, "end", 3) == 3, "%d: write: %s", nr, strerror(errno));
}

/* One that waits in write(2) until somebody reads. */
static int start_writer(void)
{
	int zero = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0);
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	pid_t pid = fork();
	live_must(slave >= 0 && pid >= 0);
	if (pid == 0) {
		char line[32];
		for (int i = 0;; i++) {
			int len = snprintf(line, sizeof(line), "line %d\n", i);
			for (int at = 0; at < len;) {
				ssize_t n = write(slave, line + at, (size_t)(len - at));
				if (n < 0)
					_exit(0);
				at += (int)n;
			}
		}
	}
	close(slave);
	live_sleep_ms(100);
	return master;
}

static void check_writer(int master)
{
	char buf[4096];
	int line = 0, at = 0, len = 0;
	char want[32];
	while (line < 5000) {
		struct pollfd p = { .fd = master, .events = POLLIN };
		live_check(poll(&p, 1, 5000) == 1, "the writer stands still at line %d", line);
		ssize_t n = read(master, buf, sizeof(buf));
		live_check(n > 0, "read: %s", strerror(errno));
		for (ssize_t i = 0; i < n; i++) {
			if (at == len) {
				len = snprintf(want, sizeof(want), "line %d\r\n", line++);
				at = 0;
			}
			live_check(buf[i] == want[at++], "line %d is another", line - 1);
		}
	}
}

int main(void)
{
	for (int i = 0; i < NR; i++)
		make(&all[i], i);
	int writer = start_writer();
	live_ready();
	for (int i = 0; i < NR; i++)
		check(&all[i], i);
	check_writer(writer);
	live_pass();
}
