/* SPDX-License-Identifier: MIT
 * Children that look like their parent but for what a birth from it would give them by mistake:
 * where their own children go, and what its personality does to mappings.
 *
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE 4096ul

static char *ready; /* a byte of shared memory for each child */

static void apart(void)
{
	char own[64] = "", children[64] = "";
	live_must(unshare(CLONE_NEWPID) == 0);
	ready[0] = 1;
	live_wait();
	live_must(readlink("/proc/self/ns/pid", own, sizeof(own) - 1) > 0);
	/* nobody is in it yet: then there is no such file */
	bool any = readlink("/proc/self/ns/pid_for_children", children, sizeof(children) - 1) > 0;
	live_check(!any || strcmp(own, children) != 0, "its children would be born beside it");
}

static bool is_executable(const void *at)
{
	char line[512], wanted[32];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false, executable = false;
	live_must(maps);
	snprintf(wanted, sizeof(wanted), "%lx-", (unsigned long)at);
	while (!found && fgets(line, sizeof(line), maps))
		found = !strncmp(line, wanted, strlen(wanted));
	live_must(found);
	executable = strstr(line, " rw-p ") == NULL;
	fclose(maps);
	return executable;
}

static void writable(void)
{
	live_must(personality(0) >= 0);
	char *own =
	    mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* neighbours that differ, so it is a line of its own */
	live_must(own != MAP_FAILED && mprotect(own, PAGE, PROT_NONE) == 0);
	own[PAGE] = 'o';
	live_must(personality(READ_IMPLIES_EXEC) >= 0 && !is_executable(own + PAGE));
	ready[1] = 1;
	live_wait();
	live_check(own[PAGE] == 'o' && !is_executable(own + PAGE), "data can be executed");
}

static pid_t start(void (*run)(void), int nr)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	while (!ready[nr])
		live_sleep_ms(1);
	return pid;
}

int main(void)
{
	pid_t pids[2];
	ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(ready != MAP_FAILED);
	live_must(personality(READ_IMPLIES_EXEC) >= 0);
	pids[0] = start(apart, 0);
	pids[1] = start(writable, 1);
	live_ready();
	for (int i = 0; i < 2; i++) {
		int status = 0;
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "child %d ends with %#x", i, status);
	}
	live_pass();
}
