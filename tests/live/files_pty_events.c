/* SPDX-License-Identifier: MIT
 * What a master in packet mode has not been told yet is told after the restore, once, and before
 * what waits; output that tcflow(3) has stopped is not started by a key, nor the other way round.
 *
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/live/live.h"

struct pair {
	int master, slave, event;
	void (*change)(const struct pair *p);
	const char *data; /* written to the slave before */
};

static void set(int slave, tcflag_t iflag, tcflag_t lflag)
{
	struct termios t;
	live_must(tcgetattr(slave, &t) == 0);
	t.c_iflag ^= iflag;
	t.c_lflag ^= lflag;
	live_must(tcsetattr(slave, TCSANOW, &t) == 0);
}

static void flush_read(const struct pair *p)
{
	live_must(tcflush(p->slave, TCIFLUSH) == 0);
}

static void flush_both(const struct pair *p)
{
	live_must(tcflush(p->slave, TCIOFLUSH) == 0);
	live_must(write(p->slave, "after", 5) == 5);
	live_must(write(p->master, "typed\n", 6) == 6);
}

static void stop(const struct pair *p)
{
	live_must(tcflow(p->slave, TCOOFF) == 0);
}

static void key(const struct pair *p)
{
	char c = 'S' & 037;
	live_must(write(p->master, &c, 1) == 1);
	live_sleep_ms(20);
}

static void stop_and_start(const struct pair *p)
{
	stop(p);
	live_must(tcflow(p->slave, TCOON) == 0);
}

static void ixon(const struct pair *p)
{
	set(p->slave, IXON, 0);
}

static void ixon_twice(const struct pair *p)
{
	ixon(p);
	ixon(p);
}

static void extproc(const struct pair *p)
{
	set(p->slave, 0, EXTPROC);
}

static void nothing(const struct pair *p)
{
	(void)p;
}

/* What was set is told only when it changes again. */
static void extproc_told(const struct pair *p)
{
	char event;
	extproc(p);
	live_must(read(p->master, &event, 1) == 1);
}

static struct pair pairs[] = {
	{ .change = nothing, .event = 0, .data = "data" },
	{ .change = flush_read, .event = TIOCPKT_FLUSHREAD },
	{ .change = flush_both, .event = TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE },
	{ .change = stop, .event = TIOCPKT_STOP, .data = "data" },
	{ .change = key, .event = TIOCPKT_STOP, .data = "data" },
	{ .change = stop_and_start, .event = TIOCPKT_START, .data = "data" },
	{ .change = ixon, .event = TIOCPKT_NOSTOP, .data = "data" },
	{ .change = ixon_twice, .event = TIOCPKT_DOSTOP },
	{ .change = extproc, .event = TIOCPKT_IOCTL, .data = "data" },
	{ .change = extproc_told, .event = 0, .data = "data" },
};
#define NR (int)(sizeof(pairs) / sizeof(pairs[0]))

static void make(struct pair *p)
{
	int zero = 0, one = 1;
	p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	live_must(p->master >= 0 && ioctl(p->master, TIOCSPTLCK, &zero) == 0);
	p->slave = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
	live_must(p->slave >= 0);
	set(p->slave, 0, ECHO);
	live_must(ioctl(p->master, TIOCPKT, &one) == 0);
	if (p->data)
		live_must(write(p->slave, p->data, strlen(p->data)) == (ssize_t)strlen(p->data));
	p->change(p);
}

static void expect(int nr, int fd, const char *want, size_t len)
{
	char buf[64];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	live_check(poll(&p, 1, 1000) == 1, "%d: nothing to read", nr);
	ssize_t n = read(fd, buf, sizeof(buf));
	live_check(n == (ssize_t)len && !memcmp(buf, want, len), "%d: read %zd: %#x \"%.*s\"", nr,
		   n, buf[0], n > 1 ? (int)n - 1 : 0, buf + 1);
}

static bool takes_output(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, 50) == 1 && p.revents & POLLOUT;
}

static void check_stopped(int nr, const struct pair *p)
{
	char start = 'Q' & 037;
	live_check(!takes_output(p->slave), "%d: it is not stopped", nr);
	if (p->change == key)
		live_must(tcflow(p->slave, TCOON) == 0);
	else
		live_must(write(p->master, &start, 1) == 1);
	live_check(!takes_output(p->slave), "%d: what did not stop it starts it", nr);
	if (p->change == stop)
		live_must(tcflow(p->slave, TCOON) == 0);
	else
		live_must(write(p->master, &start, 1) == 1);
	live_check(takes_output(p->slave), "%d: it stays stopped", nr);
	expect(nr, p->master, (const char[]){ TIOCPKT_START }, 1);
}

static void check(int nr, const struct pair *p)
{
	char c, event = (char)p->event;
	if (event)
		expect(nr, p->master, &event, 1);
	if (p->data)
		expect(nr, p->master, "\0data", 5);
	if (p->change == flush_both) {
		expect(nr, p->master, "\0after", 6);
		expect(nr, p->slave, "typed\n", 6);
	}
	live_check(read(p->master, &c, 1) < 0 && errno == EAGAIN, "%d: more: %#x", nr, c);
	if (p->event == TIOCPKT_STOP)
		check_stopped(nr, p);
}

int main(void)
{
	for (int i = 0; i < NR; i++)
		make(&pairs[i]);
	live_ready();
	for (int i = 0; i < NR; i++)
		check(i, &pairs[i]);
	live_pass();
}
