/* SPDX-License-Identifier: MIT
 * System V shared memory: by key and private, attached twice, in part and in a child, and marked
 * to go; contents, owner and numbers of attachments.
 * live-modes: SS RR 2S
 */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE 4096ul

static int make(key_t key, size_t size)
{
	int id = shmget(key, size, IPC_CREAT | IPC_EXCL | 0640);
	live_must(id >= 0);
	return id;
}

static char *attach(int id, int flags)
{
	char *at = shmat(id, NULL, flags);
	live_must(at != (char *)-1);
	return at;
}

static struct shmid_ds info(int id)
{
	struct shmid_ds ds;
	live_check(shmctl(id, IPC_STAT, &ds) == 0, "segment %d: %s", id, strerror(errno));
	return ds;
}

int main(void)
{
	key_t key = (key_t)(0x57a50000 | (getpid() & 0xffff));
	int keyed = make(key, 3 * PAGE + 7), going = make(IPC_PRIVATE, 2 * PAGE);
	volatile char *a = attach(keyed, 0), *b = attach(keyed, SHM_RDONLY);
	volatile char *c = attach(going, 0);
	struct shmid_ds ds = info(keyed);

	ds.shm_perm.uid = 5;
	live_must(shmctl(keyed, IPC_SET, &ds) == 0);
	a[0] = 'a';
	a[3 * PAGE + 6] = 'z';
	c[PAGE] = 'c';
	live_must(munmap((char *)b, PAGE) == 0); /* what is left begins at the second page */
	live_must(shmctl(going, IPC_RMID, NULL) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		while (a[1] != 'g')
			live_sleep_ms(1);
		c[1] = 'h';
		_exit(0);
	}
	unsigned long attached = info(keyed).shm_nattch, attached2 = info(going).shm_nattch;
	live_must(attached == 4 && attached2 == 2);
	live_ready();
	live_check(a[0] == 'a' && b[3 * PAGE + 6] == 'z' && a[PAGE] == 0 && c[PAGE] == 'c',
		   "contents: %d %d %d %d", a[0], b[3 * PAGE + 6], a[PAGE], c[PAGE]);
	ds = info(keyed);
	live_check(ds.shm_nattch == attached && ds.shm_segsz == 3 * PAGE + 7 &&
		       ds.shm_perm.uid == 5 && (ds.shm_perm.mode & 0777) == 0640 &&
		       ds.shm_perm.__key == key,
		   "attached %lu times, %zu bytes, owner %u, mode 0%o, key %#x",
		   (unsigned long)ds.shm_nattch, ds.shm_segsz, ds.shm_perm.uid, ds.shm_perm.mode,
		   (unsigned)ds.shm_perm.__key);
	live_check(shmget(key, 0, 0) == keyed, "its key leads to %d", shmget(key, 0, 0));
	ds = info(going);
	live_check(ds.shm_nattch == attached2 && (ds.shm_perm.mode & SHM_DEST),
		   "the one to go: attached %lu times, mode 0%o", (unsigned long)ds.shm_nattch,
		   ds.shm_perm.mode);
	a[1] = 'g';
	int status;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child: %#x", status);
	live_check(c[1] == 'h', "the child has another segment");
	live_check(shmdt((char *)a) == 0 && shmdt((char *)c) == 0, "detach: %s", strerror(errno));
	live_check(shmctl(going, IPC_STAT, &ds) < 0, "the one to go has not gone");
	live_check(shmctl(keyed, IPC_RMID, NULL) == 0, "remove: %s", strerror(errno));
	live_pass();
}
