/* SPDX-License-Identifier: MIT
 * What waits in a pair: whole lines, one ended by end of file, half a line, quoted characters,
 * bytes without a line, output nobody has read, more than a line discipline holds; a slave that is
 * closed. CRIU puts bytes back through echo and translation.
 *
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/live/live.h"

#define MANY 6000

struct pair {
	int master, slave;
};

static struct pair make(int raw)
{
	struct pair p;
	char path[32];
	int index, unlock = 0;
	struct termios t;
	p.master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(p.master >= 0 && ioctl(p.master, TIOCSPTLCK, &unlock) == 0);
	live_must(ioctl(p.master, TIOCGPTN, &index) == 0);
	snprintf(path, sizeof(path), "/dev/pts/%d", index);
	p.slave = open(path, O_RDWR | O_NOCTTY);
	live_must(p.slave >= 0);
	if (raw) {
		live_must(tcgetattr(p.slave, &t) == 0);
		cfmakeraw(&t);
		t.c_cc[VMIN] = 200; /* more than ever waits: a read would not return */
		live_must(tcsetattr(p.slave, TCSANOW, &t) == 0);
	}
	return p;
}

static void say(int fd, const char *text, size_t len)
{
	live_must(write(fd, text, len) == (ssize_t)len);
}

static void expect(const char *name, int fd, const char *want, size_t len)
{
	char buf[128];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	live_check(poll(&p, 1, 1000) == 1, "%s: nothing to read", name);
	ssize_t n = read(fd, buf, sizeof(buf));
	live_check(n == (ssize_t)len && !memcmp(buf, want, len), "%s: %zd bytes \"%.*s\", want %zu",
		   name, n, n < 0 ? 0 : (int)n, buf, len);
}

static void quiet(const char *name, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	live_check(poll(&p, 1, 20) == 0, "%s: something is there to read", name);
}

static void check_many(int fd)
{
	char buf[MANY];
	size_t have = 0;
	while (have < MANY) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		live_check(poll(&p, 1, 1000) == 1, "many: %zu bytes, want %d", have, MANY);
		ssize_t n = read(fd, buf + have, MANY - have);
		live_check(n > 0, "many: read: %s", strerror(errno));
		have += (size_t)n;
	}
	for (size_t i = 0; i < MANY; i++)
		live_check(buf[i] == (char)('a' + i % 26), "many: byte %zu is %d", i, buf[i]);
	quiet("many, after", fd);
}

int main(void)
{
	struct pair lines = make(0), bytes = make(1), many = make(1), closed = make(0),
		    silent = make(0);
	char text[MANY];
	for (size_t i = 0; i < MANY; i++)
		text[i] = (char)('a' + i % 26);

	say(lines.master, "one\ntwo\nthr\4q\026\4\026\003\026\026\nhal", 23);
	live_sleep_ms(50);
	char echo[128];
	ssize_t nr_echo = read(lines.master, echo, sizeof(echo));
	live_must(nr_echo > 0);
	say(lines.slave, "out\n", 4);

	say(bytes.master, "\0\003\r\n\377", 5);
	live_sleep_ms(20);
	say(bytes.slave, "a\nb", 3);
	live_must(ioctl(bytes.slave, TIOCSWINSZ, &(struct winsize){ 1, 2, 3, 4 }) == 0);
	for (size_t i = 0; i < MANY; i += 1000)
		say(many.slave, text + i, 1000);
	say(closed.slave, "last\n", 5);
	close(closed.slave);
	(void)silent;
	live_ready();

	expect("first line", lines.slave, "one\n", 4);
	expect("second line", lines.slave, "two\n", 4);
	expect("line without end", lines.slave, "thr", 3);
	expect("quoted", lines.slave, "q\4\003\026\n", 5);
	quiet("half a line", lines.slave);
	expect("output", lines.master, "out\r\n", 5);
	quiet("no second echo", lines.master);
	say(lines.master, "f\n", 2);
	expect("the other half", lines.slave, "half\n", 5);

	struct termios t;
	live_must(tcgetattr(bytes.slave, &t) == 0);
	live_check(t.c_cc[VMIN] == 200, "VMIN is %d", t.c_cc[VMIN]);
	t.c_cc[VMIN] = 1;
	live_must(tcsetattr(bytes.slave, TCSANOW, &t) == 0);
	expect("bytes", bytes.slave, "\0\003\r\n\377", 5);
	expect("bytes out", bytes.master, "a\nb", 3);
	check_many(many.master);
	expect("of the closed slave", closed.master, "last\r\n", 6);
	live_check(read(closed.master, text, 1) < 0 && errno == EIO,
		   "the master does not see that its slave is closed");
	quiet("nothing", silent.master);
	quiet("nothing in", silent.slave);
	live_pass();
}
