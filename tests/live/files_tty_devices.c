/* SPDX-License-Identifier: MIT
 * A virtual console and the console: settings come back, whatever they are meanwhile.
 * live-skip: sh -c ': <>/dev/tty11 && : <>/dev/tty12 && : <>/dev/console'
 */
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "tests/live/live.h"

static int prepare(const char *path, int *fd, struct termios *t)
{
	memset(t, 0, sizeof(*t)); /* padding is compared, too */
	*fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	return *fd >= 0 && tcgetattr(*fd, t) == 0;
}

static void check(const char *path, int fd, const struct termios *before)
{
	struct termios now;
	memset(&now, 0, sizeof(now));
	struct stat mine, named;
	live_check(fstat(fd, &mine) == 0 && stat(path, &named) == 0 &&
		       mine.st_rdev == named.st_rdev,
		   "%s: device %u:%u", path, major(mine.st_rdev), minor(mine.st_rdev));
	live_check(tcgetattr(fd, &now) == 0 && !memcmp(&now, before, sizeof(now)),
		   "%s: other settings: %x %x %x %x, want %x %x %x %x", path, now.c_iflag,
		   now.c_oflag, now.c_cflag, now.c_lflag, before->c_iflag, before->c_oflag,
		   before->c_cflag, before->c_lflag);
	live_check(fcntl(fd, F_GETFL) & O_NONBLOCK, "%s: flags %#x", path, fcntl(fd, F_GETFL));
}

int main(void)
{
	struct termios first, other, third, console;
	int a, b, c;
	live_must(prepare("/dev/tty11", &a, &first) && prepare("/dev/console", &c, &console));
	other = first;
	other.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	other.c_cc[VINTR] = 7;
	live_must(tcsetattr(a, TCSANOW, &other) == 0);
	live_must(prepare("/dev/tty12", &b, &third));
	live_ready();

	check("/dev/tty11", a, &other);
	check("/dev/tty12", b, &third);
	check("/dev/console", c, &console);
	live_must(tcsetattr(a, TCSANOW, &first) == 0);
	live_pass();
}
