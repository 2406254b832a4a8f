/* SPDX-License-Identifier: MIT
 * A terminal with a line discipline that has no settings is refused as that.
 * live-refuse: has line discipline 27: not supported yet; set it to 0
 */
#include <sys/ioctl.h>

#include "tests/live/live.h"

#ifndef N_NULL
#define N_NULL 27
#endif

int main(void)
{
	int zero = 0, discipline = N_NULL;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	live_must(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0);
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	live_must(slave >= 0 && ioctl(slave, TIOCSETD, &discipline) == 0);
	live_ready();
	live_pass();
}
