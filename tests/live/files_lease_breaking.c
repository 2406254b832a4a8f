/* SPDX-License-Identifier: MIT
 * A lease somebody has asked to give up is still to be given up, with no second signal for that.
 * live-dump: --file-locks
 * live-restore: --file-locks
 * live-modes: SS CS RR 2S
 */
#include <signal.h>

#include "tests/live/live.h"

static volatile sig_atomic_t signals;

static void count(int signo)
{
	(void)signo;
	signals++;
}

int main(void)
{
	struct sigaction action = { .sa_handler = count };
	int fd = open(live_path("file"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && sigaction(SIGRTMIN, &action, NULL) == 0);
	live_must(fcntl(fd, F_SETSIG, SIGRTMIN) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	live_must(open(live_path("file"), O_RDONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK);
	live_must(signals == 1 && fcntl(fd, F_GETLEASE) == F_RDLCK);
	live_ready();
	live_check(signals == 1, "%d signals", (int)signals);
	live_check(fcntl(fd, F_GETLEASE) == F_RDLCK, "the lease becomes %d", fcntl(fd, F_GETLEASE));
	live_check(open(live_path("file"), O_RDONLY | O_NONBLOCK) < 0, "it can be opened");
	live_check(fcntl(fd, F_SETLEASE, F_UNLCK) == 0, "give it up: %s", strerror(errno));
	int reader = open(live_path("file"), O_RDONLY | O_NONBLOCK);
	live_check(reader >= 0, "open after that: %s", strerror(errno));
	live_pass();
}
