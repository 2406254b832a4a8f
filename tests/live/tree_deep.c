/* SPDX-License-Identifier: MIT
 * A tree of many tasks: chains and fans, threads in each third one, zombies here and there; memory
 * shared by fork stays as each task left it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define DEPTH 6
#define FAN   2

static volatile unsigned value; /* each task has its own */

static void *thread(void *arg)
{
	while (!live_go())
		live_sleep_ms(2);
	return arg;
}

/* Bears its subtree; returns in no task but the root. @return children and zombies alive */
static int grow(int depth, unsigned path)
{
	value = path;
	int zombies = 0;
	for (unsigned i = 0; depth && i < FAN; i++) {
		pid_t pid = fork();
		live_must(pid >= 0);
		if (pid)
			continue;
		pthread_t t;
		int n = grow(depth - 1, path * 10 + i + 1);
		if (path % 3 == 0)
			live_must(pthread_create(&t, NULL, thread, NULL) == 0);
		while (!live_go())
			live_sleep_ms(2);
		int bad = value != path * 10 + i + 1, status;
		while (wait(&status) > 0) {
			n--;
			bad |= WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		}
		_exit(bad || n);
	}
	if (depth == 1) { /* killed by SIGTERM, waited for after the restore only */
		pid_t pid = fork();
		live_must(pid >= 0);
		if (!pid) {
			raise(SIGTERM);
			_exit(1);
		}
		zombies++;
	}
	return (depth ? FAN : 0) + zombies;
}

int main(void)
{
	int n = grow(DEPTH, 1);
	live_sleep_ms(200);

	live_ready();

	int status, bad = 0;
	while (wait(&status) > 0) {
		n--;
		bad += status != 0;
	}
	live_check(bad == 0 && n == 0, "%d subtrees are wrong, %d children are missing", bad, n);
	live_check(value == 1, "the root has the value %u", value);
	live_pass();
}
