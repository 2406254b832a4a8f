/* SPDX-License-Identifier: MIT
 * Named semaphores: sem_open(3) makes a file by a name that it removes once it has the right one.
 * They are still those that others find by that name, without any option.
 * live-modes: SS RR 2S
 */
#include <semaphore.h>

#include "tests/live/live.h"

static int value(sem_t *sem)
{
	int v = -1;
	live_must(sem_getvalue(sem, &v) == 0);
	return v;
}

int main(void)
{
	char name[64], kept[64];
	snprintf(name, sizeof(name), "/stasis-%d", getpid());
	sem_t *made = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
	live_must(made != SEM_FAILED && sem_wait(made) == 0);
	int dir = open(live_path("."), O_RDONLY);
	int fd = openat(dir, "first", O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && write(fd, "both", 4) == 4 &&
		  linkat(dir, "first", dir, "kept", 0) == 0);
	live_must(unlinkat(dir, "first", 0) == 0);
	live_ready();
	sem_t *found = sem_open(name, 0);
	live_check(found != SEM_FAILED, "%s: %s", name, strerror(errno));
	live_check(value(made) == 2 && value(found) == 2, "values %d and %d", value(made),
		   value(found));
	live_must(sem_post(found) == 0);
	live_check(value(made) == 3, "what is posted goes to another one");
	sem_unlink(name);
	int other = openat(dir, "kept", O_RDONLY);
	live_check(pwrite(fd, "B", 1, 0) == 1 && pread(other, kept, sizeof(kept), 0) == 4 &&
		       !memcmp(kept, "Both", 4),
		   "the file is another");
	live_check(faccessat(dir, "first", F_OK, 0) < 0, "the first name is back");
	live_pass();
}
