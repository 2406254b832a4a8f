/* SPDX-License-Identifier: MIT
 * Exclusive terminals, which CRIU 4.2 dumps and forgets; a speed without a name; signal-driven
 * input from a terminal.
 *
 * live-modes: SS RR 2S
 */
#include <asm/termbits.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tests/live/live.h"

static volatile sig_atomic_t seen_fd = -1;

static void on_input(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	seen_fd = info->si_fd;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_input, .sa_flags = SA_SIGINFO | SA_RESTART };
	int zero = 0, value;
	char byte;
	struct termios2 t;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0);
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	live_must(slave >= 0);
	live_must(ioctl(slave, TCGETS2, &t) == 0);
	t.c_cflag = (t.c_cflag & ~(tcflag_t)CBAUD) | BOTHER;
	t.c_ospeed = t.c_ispeed = 12345;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	live_must(ioctl(slave, TCSETS2, &t) == 0);
	live_must(ioctl(slave, TIOCEXCL) == 0 && ioctl(master, TIOCEXCL) == 0);

	live_must(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
	live_must(fcntl(slave, F_SETOWN, getpid()) == 0);
	live_must(fcntl(slave, F_SETSIG, SIGRTMIN + 3) == 0);
	live_must(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC | O_NONBLOCK) == 0);
	live_ready();

	live_check(ioctl(slave, TIOCGEXCL, &value) == 0 && value, "slave is not exclusive");
	live_check(ioctl(master, TIOCGEXCL, &value) == 0 && value, "master is not exclusive");
	live_check(ioctl(slave, TCGETS2, &t) == 0 && t.c_ospeed == 12345, "speed is %u",
		   t.c_ospeed);
	live_check(write(master, "x", 1) == 1, "write: %s", strerror(errno));
	for (int i = 0; i < 400 && seen_fd < 0; i++)
		live_sleep_ms(5);
	live_check(seen_fd == slave, "a signal from fd %d, want %d", (int)seen_fd, slave);
	live_check(read(slave, &byte, 1) == 1 && byte == 'x', "read: %s", strerror(errno));
	live_pass();
}
