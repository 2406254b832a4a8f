/* SPDX-License-Identifier: MIT
 * Tasks in IPC namespaces that are not the root's, two of them in one; objects have the same ids
 * and keys in each. A segment stays attached when its task goes elsewhere.
 */
#ifndef NESTED_ROOT /* has the root objects, too, in a box of its own? */
#define NESTED_ROOT 0
#endif
#ifndef NESTED_MOUNTS /* one in a mount namespace of its own, with its queues mounted */
#define NESTED_MOUNTS 0
#endif

#include <mqueue.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define KEY 0x7e57

static struct text {
	long type;
	char bytes[32];
} m;

struct objects {
	int queue, sem, shm, detached;
	mqd_t posix;
	char *at;
	const char *name; /* what it writes everywhere */
	bool mounted;
};

static void set(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void make(struct objects *o, const char *name, int value)
{
	const struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	o->name = name;
	o->queue = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	o->sem = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
	o->shm = shmget(KEY, 2 * 4096, IPC_CREAT | IPC_EXCL | 0600);
	o->detached = shmget(KEY + 1, 4096, IPC_CREAT | IPC_EXCL | 0600);
	o->posix = mq_open("/nested", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	live_must(o->queue >= 0 && o->sem >= 0 && o->shm >= 0 && o->detached >= 0);
	live_must(o->posix >= 0 && mq_send(o->posix, name, strlen(name), 1) == 0);
	m.type = 1;
	strcpy(m.bytes, name);
	live_must(msgsnd(o->queue, &m, strlen(name) + 1, 0) == 0);
	live_must(semctl(o->sem, 0, SETVAL, value) == 0);
	o->at = shmat(o->shm, NULL, 0);
	char *other = shmat(o->detached, NULL, 0);
	live_must(o->at != (char *)-1 && other != (char *)-1);
	strcpy(o->at + 4096, name);
	strcpy(other, name);
	live_must(shmdt(other) == 0);
}

static void check_queue(const struct objects *o)
{
	char text[16] = "";
	live_check(mq_receive(o->posix, text, sizeof(text), NULL) > 0 && !strcmp(text, o->name),
		   "%s: the POSIX queue has '%s'", o->name, text);
	mqd_t again = mq_open("/nested", O_RDWR);
	live_check(again >= 0 && mq_send(o->posix, "x", 1, 1) == 0 &&
		       mq_receive(again, text, sizeof(text), NULL) == 1 && text[0] == 'x',
		   "%s: the POSIX queue is another one", o->name);
	if (o->mounted)
		live_check(mq_unlink("/nested") == 0 && access("/mnt/nested", F_OK) < 0,
			   "%s: the mount shows other queues", o->name);
	close(again);
}

static void check(const struct objects *o, int value)
{
	live_check(msgget(KEY, 0) == o->queue && semget(KEY, 1, 0) == o->sem &&
		       shmget(KEY, 0, 0) == o->shm && shmget(KEY + 1, 0, 0) == o->detached,
		   "%s: keys are of other objects", o->name);
	live_check(msgrcv(o->queue, &m, sizeof(m.bytes), 0, IPC_NOWAIT) > 0 &&
		       !strcmp(m.bytes, o->name),
		   "%s: the queue has '%s'", o->name, m.bytes);
	live_check(semctl(o->sem, 0, GETVAL) == value, "%s: semaphore %d", o->name,
		   semctl(o->sem, 0, GETVAL));
	live_check(!strcmp(o->at + 4096, o->name), "%s: attached '%s'", o->name, o->at + 4096);
	char *again = shmat(o->shm, NULL, 0), *other = shmat(o->detached, NULL, 0);
	live_check(again != (char *)-1 && other != (char *)-1, "shmat: %s", strerror(errno));
	o->at[0] = (char)value;
	live_check(again[0] == (char)value, "%s: another segment is attached", o->name);
	live_check(!strcmp(other, o->name), "%s: detached '%s'", o->name, other);
	shmdt(again);
	shmdt(other);
	check_queue(o);
}

static void check_limit(const char *path, const char *want)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, text, 15) > 0 && !strcmp(text, want), "%s is %s", path,
		   text);
	close(fd);
}

static _Noreturn void inner(int ready, const char *of_outer)
{
	struct objects o = { .mounted = NESTED_MOUNTS };
	int status;
	live_must(unshare(CLONE_NEWIPC) == 0);
	set("/proc/sys/kernel/msgmnb", "12345");
	make(&o, "inner", 7);
	set("/proc/sys/kernel/shm_next_id", "4711");
	if (o.mounted)
		live_must(unshare(CLONE_NEWNS) == 0 &&
			  mount("mqueue", "/mnt", "mqueue", 0, NULL) == 0);
	pid_t pid = fork();
	live_must(pid >= 0 && write(ready, "r", 1) == 1);
	live_wait();
	live_check(!strcmp(of_outer + 4096, "outer"), "the other segment shows '%s'",
		   of_outer + 4096);
	if (pid == 0) {
		live_check(semctl(o.sem, 0, SETVAL, 8) == 0, "semctl: %s", strerror(errno));
		_exit(0);
	}
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child ended with %#x",
		   status);
	check_limit("/proc/sys/kernel/msgmnb", "12345\n");
	check_limit("/proc/sys/kernel/shm_next_id", "4711\n");
	check(&o, 8);
	_exit(0);
}

static _Noreturn void outer(int ready)
{
	struct objects o = { 0 };
	int status;
	live_must(unshare(CLONE_NEWIPC) == 0);
	make(&o, "outer", 5);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		inner(ready, o.at);
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the inner one ended with %#x",
		   status);
	live_check(o.at[0] == 0, "segments are one");
	check(&o, 5);
	_exit(0);
}

int main(void)
{
	struct objects o = { 0 };
	int ready[2], status;
	char text[2];
	if (NESTED_ROOT)
		make(&o, "root", 3);
	live_must(pipe(ready) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		outer(ready[1]);
	for (int i = 0; i < 3; i++)
		live_must(read(ready[0], text, 1) == 1);

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the outer one ended with %#x",
		   status);
	if (NESTED_ROOT)
		check(&o, 3);
	live_pass();
}
