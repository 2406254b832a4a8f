/* SPDX-License-Identifier: MIT
 * Output that ^S has stopped goes on with ^Q, not before; a master in packet mode hears nothing of
 * the restore.
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <stdbool.h>
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

static void type(const struct pair *p, const char *what, char c, bool runs)
{
	live_must(write(p->master, &c, 1) == 1);
	for (int i = 0; i < 400 && takes_output(p->slave, 0) != runs; i++)
		live_sleep_ms(5);
	live_check(takes_output(p->slave, 0) == runs, "%s: after %#x output is %s", what, c,
		   runs ? "stopped" : "not stopped");
}

int main(void)
{
	char buf[4096];
	int one = 1;
	struct pair plain = make(), packet = make();
	live_must(write(plain.slave, "before", 6) == 6);
	type(&plain, "plain", 'S' & 037, false);
	live_must(ioctl(packet.master, TIOCPKT, &one) == 0);
	type(&packet, "packet", 'S' & 037, false);
	live_must(read(packet.master, buf, sizeof(buf)) == 1 && (buf[0] & TIOCPKT_STOP));
	live_ready();
	live_check(!takes_output(plain.slave, 100), "it goes on without ^Q");
	live_check(read(plain.master, buf, sizeof(buf)) == 6 && !memcmp(buf, "before", 6),
		   "what was written before");
	type(&plain, "plain", 'Q' & 037, true);
	live_check(write(plain.slave, "after", 5) == 5, "write: %s", strerror(errno));
	live_check(read(packet.master, buf, sizeof(buf)) < 0 && errno == EAGAIN,
		   "the master hears of the restore");
	type(&packet, "packet", 'Q' & 037, true);
	live_pass();
}
