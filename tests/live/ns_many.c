/* SPDX-License-Identifier: MIT
 * Many tasks in a mount namespace of their own: cores and memory of as many are written at the same
 * time, and what they map and run is looked at from where they stand.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NR_TASKS 24

static char *mapped;

static void set_up(void)
{
	const char *dir = live_path("mnt");
	char name[128];
	live_must(mkdir(dir, 0755) == 0 && mount("live", dir, "tmpfs", 0, NULL) == 0);
	snprintf(name, sizeof(name), "%s/file", dir);
	int fd = open(name, O_RDWR | O_CREAT, 0644);
	live_must(fd >= 0 && ftruncate(fd, 8192) == 0);
	mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	live_must(mapped != MAP_FAILED);
	close(fd);
}

int main(void)
{
	pid_t pids[NR_TASKS];
	set_up();
	for (int i = 0; i < NR_TASKS; i++) {
		pids[i] = fork();
		live_must(pids[i] >= 0);
		if (pids[i] == 0) {
			live_wait();
			mapped[4096 + i] = (char)(i + 1);
			_exit(0);
		}
	}
	live_ready();
	for (int i = 0; i < NR_TASKS; i++) {
		int status;
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "task %d ended with %#x", i, status);
		live_check(mapped[4096 + i] == i + 1, "task %d wrote %d", i, mapped[4096 + i]);
	}
	live_pass();
}
