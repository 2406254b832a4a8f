/* SPDX-License-Identifier: MIT
 * mlockall(2) for what a program will map, at once or as pages come.
 * live-modes: SS RR 2S
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGES 16

static long locked_kb(void)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");
	live_must(f != NULL);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	return kb;
}

static void check_new_memory(const char *who, int there)
{
	unsigned char present[PAGES];
	long page = sysconf(_SC_PAGESIZE), before = locked_kb();
	void *memory = mmap(NULL, (size_t)(PAGES * page), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(memory != MAP_FAILED);
	long locked = locked_kb() - before;
	live_check(locked == PAGES * page / 1024, "%s: %ld KiB of new memory are locked", who,
		   locked);
	live_must(mincore(memory, (size_t)(PAGES * page), present) == 0);
	int nr = 0;
	for (int i = 0; i < PAGES; i++)
		nr += present[i] & 1;
	live_check(nr == there, "%s: %d pages of new memory are there", who, nr);
	live_must(munmap(memory, (size_t)(PAGES * page)) == 0);
}

static void child(void)
{
	live_must(mlockall(MCL_FUTURE | MCL_ONFAULT) == 0);
	live_say("child", "set up\n");
	live_wait();
	check_new_memory("the child", 0);
	_exit(0);
}

int main(void)
{
	int status;
	locked_kb(); /* the stream's buffer exists */
	pid_t other = fork();
	live_must(other >= 0);
	if (other == 0)
		child();
	pid_t free = fork(); /* of whose memory nothing is locked */
	live_must(free >= 0);
	if (free == 0) {
		live_wait();
		long kb = locked_kb();
		live_check(kb == 0, "%ld KiB are locked in a task that locked nothing", kb);
		_exit(0);
	}
	live_must(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
	while (access(live_path("child"), F_OK) < 0)
		live_sleep_ms(1);
	live_ready();
	check_new_memory("the parent", PAGES);
	live_must(waitpid(other, &status, 0) == other && status == 0);
	live_must(waitpid(free, &status, 0) == free && status == 0);
	live_pass();
}
