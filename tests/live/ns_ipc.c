/* SPDX-License-Identifier: MIT
 * An IPC namespace: limits, message queues with messages, semaphores, shared memory that is
 * attached and that is not, and objects whose ids are not the lowest.
 * live-unshare: --pid --ipc
 */
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "tests/live/live.h"

static struct text {
	long type;
	char bytes[100];
} m;

static void send_text(int id, long type, const char *text)
{
	m.type = type;
	strcpy(m.bytes, text);
	live_must(msgsnd(id, &m, strlen(text), 0) == 0);
}

static void expect_text(int id, long type, const char *text)
{
	ssize_t n = msgrcv(id, &m, sizeof(m.bytes), type, IPC_NOWAIT);
	live_check(n == (ssize_t)strlen(text) && !memcmp(m.bytes, text, (size_t)n),
		   "message of type %ld: %zd bytes, want \"%s\"", type, n, text);
}

static long limit(const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atol(text);
}

static void set_limit(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

int main(void)
{
	set_limit("/proc/sys/kernel/msgmnb", "12345");
	set_limit("/proc/sys/kernel/shmmni", "77");
	set_limit("/proc/sys/kernel/sem", "100 3200 50 60");
	/* ids with a history */
	live_must(msgctl(msgget(1, IPC_CREAT | 0600), IPC_RMID, NULL) == 0);
	live_must(semctl(semget(1, 1, IPC_CREAT | 0600), 0, IPC_RMID) == 0);
	live_must(shmctl(shmget(1, 4096, IPC_CREAT | 0600), IPC_RMID, NULL) == 0);
	int queue = msgget(0x1234, IPC_CREAT | 0640), empty = msgget(IPC_PRIVATE, 0600);
	int sem = semget(0x5678, 3, IPC_CREAT | 0604);
	int shm = shmget(0x9abc, 3 * 4096 + 5, IPC_CREAT | 0600);
	int detached = shmget(IPC_PRIVATE, 2 * 4096, IPC_CREAT | 0660);
	live_must(queue > 0 && empty > 0 && sem > 0 && shm > 0 && detached > 0);
	send_text(queue, 5, "first");
	send_text(queue, 9, "");
	send_text(queue, 5, "the third is longer than eight bytes");
	struct sembuf up[] = { { 0, 3, 0 }, { 2, 70, 0 } };
	live_must(semop(sem, up, 2) == 0);
	char *at = shmat(shm, NULL, 0), *other = shmat(detached, NULL, 0);
	live_must(at != (char *)-1 && other != (char *)-1);
	strcpy(at, "attached");
	strcpy(at + 3 * 4096, "end");
	strcpy(other + 4096, "nobody has it");
	live_must(shmdt(other) == 0);
	struct shmid_ds before, after;
	live_must(shmctl(detached, IPC_STAT, &before) == 0);

	set_limit("/proc/sys/kernel/shm_next_id", "4711"); /* the next one gets it */

	live_ready();

	live_check(limit("/proc/sys/kernel/shm_next_id") == 4711, "shm_next_id is %ld",
		   limit("/proc/sys/kernel/shm_next_id"));
	live_check(limit("/proc/sys/kernel/msgmnb") == 12345, "msgmnb is %ld",
		   limit("/proc/sys/kernel/msgmnb"));
	live_check(limit("/proc/sys/kernel/shmmni") == 77, "shmmni is %ld",
		   limit("/proc/sys/kernel/shmmni"));
	live_check(limit("/proc/sys/kernel/sem") == 100, "sem is %ld",
		   limit("/proc/sys/kernel/sem"));
	live_check(msgget(0x1234, 0) == queue, "key of the queue");
	expect_text(queue, 9, "");
	expect_text(queue, 0, "first");
	expect_text(queue, 5, "the third is longer than eight bytes");
	struct msqid_ds q;
	live_check(msgctl(empty, IPC_STAT, &q) == 0 && q.msg_qnum == 0, "the empty queue");
	live_check(semget(0x5678, 3, 0) == sem, "key of the semaphores");
	live_check(semctl(sem, 0, GETVAL) == 3 && semctl(sem, 1, GETVAL) == 0 &&
		       semctl(sem, 2, GETVAL) == 70,
		   "semaphores are %d %d %d", semctl(sem, 0, GETVAL), semctl(sem, 1, GETVAL),
		   semctl(sem, 2, GETVAL));
	live_check(shmget(0x9abc, 0, 0) == shm, "key of the segment");
	live_check(!strcmp(at, "attached") && !strcmp(at + 3 * 4096, "end"), "attached segment");
	live_check(shmctl(detached, IPC_STAT, &after) == 0, "detached segment: %s",
		   strerror(errno));
	live_check(after.shm_perm.mode == before.shm_perm.mode &&
		       after.shm_segsz == before.shm_segsz,
		   "detached segment: mode 0%o, %zu bytes", after.shm_perm.mode, after.shm_segsz);
	other = shmat(detached, NULL, 0);
	live_check(other != (char *)-1 && !strcmp(other + 4096, "nobody has it"),
		   "contents of the detached segment");
	live_pass();
}
