/* SPDX-License-Identifier: MIT
 * Output that ^S has stopped goes on with ^Q, not before; a master in packet mode hears nothing of
 * the restore. Another pair is full, which is no stop.
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/live/live.h"

struct pair {
	int master, slave;
};

static struct pair make(void)
{
	int zero = 0;
	struct pair p = { .master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK) };
	live_must(p.master >= 0 && ioctl(p.master, TIOCSPTLCK, &zero) == 0);
	p.slave = ioctl(p.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
	live_must(p.slave >= 0);
	return p;
}

static bool takes_output(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, wait_ms) == 1 && p.revents & POLLOUT;
}

static void type(const struct pair *p, char c, bool runs)
{
	live_must(write(p->master, &c, 1) == 1);
	for (int i = 0; i < 400 && takes_output(p->slave, 0) != runs; i++)
		live_sleep_ms(5);
	live_check(takes_output(p->slave, 0) == runs, "after %#x output is %s", c,
		   runs ? "stopped" : "not stopped");
}

static void fill(int fd)
{
	char buf[1024];
	memset(buf, 'f', sizeof(buf));
	while (write(fd, buf, sizeof(buf)) > 0)
		continue;
	live_must(!takes_output(fd, 0));
}

int main(void)
{
	char buf[4096];
	int one = 1;
	struct pair plain = make(), packet = make(), full = make();
	live_must(write(plain.slave, "before", 6) == 6);
	type(&plain, 'S' & 037, false);
	live_must(ioctl(packet.master, TIOCPKT, &one) == 0);
	type(&packet, 'S' & 037, false);
	live_must(read(packet.master, buf, sizeof(buf)) == 1 && (buf[0] & TIOCPKT_STOP));
	fill(full.slave);
	live_ready();
	live_check(!takes_output(plain.slave, 100), "it goes on without ^Q");
	live_check(read(plain.master, buf, sizeof(buf)) == 6 && !memcmp(buf, "before", 6),
		   "what was written before");
	type(&plain, 'Q' & 037, true);
	live_check(write(plain.slave, "after", 5) == 5, "write: %s", strerror(errno));
	live_check(read(packet.master, buf, sizeof(buf)) < 0 && errno == EAGAIN,
		   "the master hears of the restore");
	type(&packet, 'Q' & 037, true);
	while (read(full.master, buf, sizeof(buf)) > 0)
		continue;
	live_check(takes_output(full.slave, 2000), "the full one was stopped");
	live_pass();
}
