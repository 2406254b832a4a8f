/* SPDX-License-Identifier: MIT
 * A watch of a deleted file that only a program outside of the tree has open is refused.
 * live-refuse: watches a deleted file (inode
 */
#include <sys/inotify.h>
#include <sys/wait.h>

#include "tests/live/live.h"

int main(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	int file = open(live_path("gone"), O_RDWR | O_CREAT, 0600);
	live_must(inotify_add_watch(fd, live_path("gone"), IN_MODIFY) == 1);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		if (fork() == 0) { /* nobody's child by the time of the dump */
			live_must(setsid() > 0);
			live_wait();
			live_must(write(file, "x", 1) == 1);
			live_sleep_ms(1000);
		}
		_exit(0);
	}
	live_must(waitpid(pid, NULL, 0) == pid && close(file) == 0);
	live_must(unlink(live_path("gone")) == 0);
	live_ready();
	char buf[64];
	int n = 0;
	while (read(fd, buf, sizeof(buf)) < 0 && n++ < 500)
		live_sleep_ms(10);
	live_check(n < 500, "the event did not come");
	live_pass();
}
