/* SPDX-License-Identifier: MIT
 * A write lease, which the dump must not break by opening the file.
 * live-dump: --file-locks
 * live-restore: --file-locks
 * live-modes: SS SC RR 2S
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
	int fds[2];
	signal(SIGIO, count);
	for (int i = 0; i < 2; i++) {
		fds[i] = open(live_path(i ? "b" : "a"), (i ? O_WRONLY : O_RDWR) | O_CREAT, 0600);
		live_must(fds[i] >= 0 && ftruncate(fds[i], 4096) == 0);
		live_must(fcntl(fds[i], F_SETLEASE, F_WRLCK) == 0);
	}
	live_ready();
	live_check(signals == 0, "%d signals", (int)signals);
	for (int i = 0; i < 2; i++) {
		live_check(fcntl(fds[i], F_GETLEASE) == F_WRLCK, "the lease is gone");
		live_check(open(live_path(i ? "b" : "a"), O_RDONLY | O_NONBLOCK) < 0 &&
			       errno == EWOULDBLOCK,
			   "it holds nobody off");
		live_check(signals == i + 1, "%d signals of %d", (int)signals, i + 1);
		live_check(fcntl(fds[i], F_GETLEASE) == F_RDLCK, "it is not being broken");
	}
	live_pass();
}
