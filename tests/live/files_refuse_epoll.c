/* SPDX-License-Identifier: MIT
 * An epoll instance that watches a file only a program outside the tree has open is refused.
 * live-refuse: watches a file (added as fd
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "tests/live/live.h"

int main(void)
{
	int ep = epoll_create1(0), outside = eventfd(0, EFD_NONBLOCK);
	struct epoll_event e = { EPOLLIN, { .u64 = 9 } };

	live_must(epoll_ctl(ep, EPOLL_CTL_ADD, outside, &e) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		if (fork() == 0) { /* nobody's child by the time of the dump */
			live_must(setsid() > 0);
			live_wait();
			live_must(write(outside, &(uint64_t){ 1 }, 8) == 8);
			while (kill(getppid(), 0) == 0 && !access(live_path("ready"), F_OK))
				live_sleep_ms(10);
		}
		_exit(0);
	}
	live_must(waitpid(pid, NULL, 0) == pid && close(outside) == 0);
	live_ready();
	live_check(epoll_wait(ep, &e, 1, 5000) == 1 && e.data.u64 == 9, "the event did not come");
	live_pass();
}
