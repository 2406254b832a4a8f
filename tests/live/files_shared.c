/* SPDX-License-Identifier: MIT
 * Processes that share one table of descriptors, or one current directory (clone(2)): what one
 * opens or closes the others see, and who does not share does not; a lock belongs to all who share.
 *
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define HIGH 200 /* a number that is free */

static char stacks[4][65536];

static pid_t start(int (*fn)(void *), int which, int flags)
{
	pid_t pid = clone(fn, stacks[which] + sizeof(stacks[which]), flags | SIGCHLD, NULL);
	live_must(pid > 0);
	return pid;
}

static void wait_open(int want)
{
	for (int i = 0; i < 5000 && (fcntl(HIGH, F_GETFD) >= 0) != want; i++)
		live_sleep_ms(1);
}

static int grandchild(void *arg)
{
	(void)arg;
	live_wait();
	wait_open(1);
	return fcntl(HIGH, F_GETFD) >= 0 && close(HIGH) == 0 ? 3 : 4;
}

static int sharer(void *arg)
{
	int status;
	(void)arg;
	pid_t pid = start(grandchild, 3, CLONE_FILES);
	live_wait();
	live_must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 5 : 6;
}

static int loner(void *arg)
{
	(void)arg;
	live_wait();
	live_sleep_ms(100);
	return fcntl(HIGH, F_GETFD) < 0 ? 7 : 8;
}

static int wanderer(void *arg)
{
	(void)arg;
	live_wait();
	return chdir("/proc") == 0 ? 9 : 10;
}

static int status_of(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	char dir[4096] = "";
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
	int fd = open(live_path("locked"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && chdir("/") == 0);
	pid_t a = start(sharer, 0, CLONE_FILES), b = start(loner, 1, 0),
	      c = start(wanderer, 2, CLONE_FS);

	live_ready();

	live_check(dup2(fd, HIGH) == HIGH, "dup2: %s", strerror(errno));
	int rc = status_of(a);
	live_check(rc == 5, "descriptors are not shared: %d", rc);
	wait_open(0);
	live_check(fcntl(HIGH, F_GETFD) < 0, "what another has closed is open here");
	rc = status_of(b);
	live_check(rc == 7, "descriptors are shared with who had its own: %d", rc);
	rc = status_of(c);
	live_check(rc == 9 && getcwd(dir, sizeof(dir)) && !strcmp(dir, "/proc"),
		   "the current directory is not shared: %d, %s", rc, dir);
	live_check(fcntl(fd, F_SETLK, &lock) == 0, "lock: %s", strerror(errno));
	live_pass();
}
