/* SPDX-License-Identifier: MIT
 * Pseudo terminals: settings, window size, packet mode, a locked slave, flags; several
 * descriptions of a slave, a master alone, a slave without its master; who owns the slave.
 */
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/live/live.h"

struct state { /* of one pair */
	struct termios termios;
	struct winsize size;
	int exclusive, locked, packet, index, flags[2];
	struct stat st;
};

static int open_master(int *index)
{
	int unlock = 0, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(fd >= 0 && ioctl(fd, TIOCSPTLCK, &unlock) == 0);
	live_must(ioctl(fd, TIOCGPTN, index) == 0);
	return fd;
}

static int open_slave(int index, int flags)
{
	char path[32];
	snprintf(path, sizeof(path), "/dev/pts/%d", index);
	int fd = open(path, flags | O_NOCTTY);
	live_must(fd >= 0);
	return fd;
}

static void get(int master, int slave, struct state *s)
{
	memset(s, 0, sizeof(*s));
	live_must(tcgetattr(slave, &s->termios) == 0);
	live_must(ioctl(slave, TIOCGWINSZ, &s->size) == 0);
	live_must(ioctl(slave, TIOCGEXCL, &s->exclusive) == 0);
	live_must(ioctl(master, TIOCGPTLCK, &s->locked) == 0);
	live_must(ioctl(master, TIOCGPKT, &s->packet) == 0);
	live_must(ioctl(master, TIOCGPTN, &s->index) == 0);
	s->flags[0] = fcntl(master, F_GETFL);
	s->flags[1] = fcntl(slave, F_GETFL);
	live_must(fstat(slave, &s->st) == 0);
	memset(&s->st.st_atim, 0, 3 * sizeof(s->st.st_atim));
}

static void check(const char *name, int master, int slave, const struct state *before)
{
	struct state now;
	get(master, slave, &now);
	live_check(now.index == before->index, "%s: index %d, want %d", name, now.index,
		   before->index);
	live_check(!memcmp(&now.termios, &before->termios, sizeof(now.termios)),
		   "%s: other settings", name);
	live_check(!memcmp(&now.size, &before->size, sizeof(now.size)), "%s: size %dx%d", name,
		   now.size.ws_col, now.size.ws_row);
	live_check(now.exclusive == before->exclusive, "%s: exclusive %d", name, now.exclusive);
	live_check(now.locked == before->locked, "%s: locked %d", name, now.locked);
	live_check(now.packet == before->packet, "%s: packet mode %d", name, now.packet);
	live_check(now.flags[0] == before->flags[0] && now.flags[1] == before->flags[1],
		   "%s: flags %#x and %#x, want %#x and %#x", name, now.flags[0], now.flags[1],
		   before->flags[0], before->flags[1]);
	live_check(now.st.st_uid == before->st.st_uid && now.st.st_gid == before->st.st_gid &&
		       now.st.st_mode == before->st.st_mode,
		   "%s: owner %u:%u, mode 0%o", name, now.st.st_uid, now.st.st_gid, now.st.st_mode);
}

/* @param packet  bytes of the mode, before what each read brings */
static void pass(const char *name, int from, int to, const char *want, int packet)
{
	char got[64] = "", buf[64];
	size_t len = 0;
	live_check(write(from, "xyz\n", 4) == 4, "%s: write: %s", name, strerror(errno));
	while (len < strlen(want)) { /* the end of the line may come after the line */
		ssize_t n = read(to, buf, sizeof(buf) / 2);
		live_check(n > packet && len + (size_t)n < sizeof(got),
			   "%s: read %zd bytes after \"%s\"", name, n, got);
		memcpy(got + len, buf + packet, (size_t)(n - packet));
		len += (size_t)(n - packet);
	}
	live_check(!strcmp(got, want), "%s: read \"%s\", want \"%s\"", name, got, want);
}

int main(void)
{
	struct state raw, odd, locked, second;
	int index, alone_index, hung_index;
	int m1 = open_master(&index);
	int s1 = open_slave(index, O_RDWR);
	struct termios t;
	live_must(tcgetattr(s1, &t) == 0);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 7;
	live_must(tcsetattr(s1, TCSANOW, &t) == 0);
	live_must(ioctl(s1, TIOCSWINSZ, &(struct winsize){ 33, 111, 640, 480 }) == 0);
	live_must(fchown(s1, 1234, 5) == 0 && fchmod(s1, 0622) == 0);
	int s1b = open_slave(index, O_WRONLY | O_NONBLOCK);
	get(m1, s1, &raw);
	get(m1, s1, &second);

	int m2 = open_master(&index);
	int s2 = open_slave(index, O_RDWR | O_NONBLOCK | O_APPEND);
	live_must(tcgetattr(s2, &t) == 0);
	t.c_iflag |= IUTF8 | IXANY;
	t.c_oflag &= (tcflag_t)~ONLCR;
	t.c_lflag &= (tcflag_t)~ECHO;
	t.c_cc[VINTR] = 2;
	t.c_cc[VEOL] = '!';
	cfsetspeed(&t, B9600);
	live_must(tcsetattr(s2, TCSANOW, &t) == 0);
	live_must(ioctl(m2, TIOCPKT, &(int){ 1 }) == 0);
	get(m2, s2, &odd);

	int m3 = open_master(&index);
	int s3 = open_slave(index, O_RDWR);
	live_must(fcntl(m3, F_SETFL, O_NONBLOCK) == 0);
	live_must(ioctl(m3, TIOCSPTLCK, &(int){ 1 }) == 0);
	get(m3, s3, &locked);

	int alone = open_master(&alone_index);
	int gone = open_master(&hung_index);
	int hung = open_slave(hung_index, O_RDWR);
	close(gone);
	live_ready();

	check("raw pair", m1, s1, &raw);
	check("odd pair", m2, s2, &odd);
	check("locked pair", m3, s3, &locked);
	live_check((fcntl(s1b, F_GETFL) & O_ACCMODE) == O_WRONLY &&
		       (fcntl(s1b, F_GETFL) & O_NONBLOCK),
		   "second slave: flags %#x", fcntl(s1b, F_GETFL));
	pass("raw pair", s1, m1, "xyz\n", 0);
	pass("raw pair, second", s1b, m1, "xyz\n", 0);
	pass("raw pair, in", m1, s1, "xyz\n", 0);
	pass("odd pair", s2, m2, "xyz\n", 1);
	pass("locked pair", s3, m3, "xyz\r\n", 0);
	char byte;
	live_check(read(hung, &byte, 1) == 0, "the slave without master can be read");
	live_check(write(hung, "x", 1) < 0 && errno == EIO, "and written to");
	int now;
	live_check(ioctl(alone, TIOCGPTN, &now) == 0 && now == alone_index,
		   "master alone: index %d, want %d", now, alone_index);
	int late = open_slave(alone_index, O_RDWR);
	pass("master alone", late, alone, "xyz\r\n", 0);
	live_pass();
}
