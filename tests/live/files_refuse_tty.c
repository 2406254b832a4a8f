/* SPDX-License-Identifier: MIT
 * A terminal whose master is held by a process outside of the tree.
 * live-refuse: use --shell-job to go on in the restorer's terminal
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <signal.h>

#include "tests/live/live.h"

/* The holder has to be nobody's child: its parent is to be dumped. */
static void hold(int master, int slave)
{
	close(slave);
	if (fork() > 0)
		_exit(0);
	setsid();
	while (!live_go())
		live_sleep_ms(5);
	close(master);
	_exit(0);
}

int main(void)
{
	int zero = 0;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0);
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	live_must(slave >= 0);
	pid_t pid = fork();
	if (pid == 0)
		hold(master, slave);
	live_must(pid > 0);
	close(master);
	live_sleep_ms(50);
	live_ready();
	live_check(ioctl(slave, TIOCGWINSZ, &(struct winsize){ 0 }) == 0 || errno == EIO,
		   "the terminal: %s", strerror(errno));
	live_pass();
}
