/* SPDX-License-Identifier: MIT
 * Locks of every kind are held by who held them: POSIX ranges of two processes on one file, flock
 * and open file description locks through duplicates and in a child, a read lease.
 * live-dump: --file-locks
 * live-restore: --file-locks
 * live-modes: SS SC RR 2S
 */
#include <sys/file.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static int make(const char *name)
{
	int fd = open(live_path(name), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && ftruncate(fd, 4096) == 0);
	return fd;
}

static void set(int fd, int cmd, short type, long start, long len)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = len };
	live_must(fcntl(fd, cmd, &l) == 0);
}

/* Who has a byte of a file, as another process sees it; 0: nobody, -1: a description. */
static pid_t holder(const char *name, long byte, short want, short *type)
{
	int pipes[2];
	pid_t answer[2] = { 0, 0 };
	live_check(pipe(pipes) == 0, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(live_path(name), O_RDWR);
		struct flock l = { .l_type = want, .l_start = byte, .l_len = 1 };
		fcntl(fd, F_OFD_GETLK, &l);
		answer[0] = l.l_type == F_UNLCK ? 0 : l.l_pid;
		answer[1] = l.l_type;
		_exit(write(pipes[1], answer, sizeof(answer)) < 0);
	}
	live_check(read(pipes[0], answer, sizeof(answer)) == sizeof(answer), "no answer");
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	*type = (short)answer[1];
	return answer[0];
}

static void expect(const char *name, long byte, short want, pid_t pid, short type)
{
	short found;
	pid_t who = holder(name, byte, want, &found);
	live_check(who == pid && found == type, "%s, byte %ld: held by %d with %d, want %d with %d",
		   name, byte, who, found, pid, type);
}

static int flock_free(const char *name, int how)
{
	int fd = open(live_path(name), O_RDWR);
	int rc = flock(fd, how | LOCK_NB);
	close(fd);
	return rc == 0;
}

int main(void)
{
	int posix = make("posix"), copy = dup(posix);
	int flocked = make("flocked"), shared = make("shared"), ofd = make("ofd");
	int read_lease;
	pid_t me = getpid();

	set(posix, F_SETLK, F_WRLCK, 0, 100);
	set(posix, F_SETLK, F_RDLCK, 200, 0);
	live_must(flock(flocked, LOCK_EX) == 0 && dup(flocked) >= 0);
	live_must(flock(shared, LOCK_SH) == 0);
	set(ofd, F_OFD_SETLK, F_WRLCK, 10, 10);
	set(ofd, F_OFD_SETLK, F_RDLCK, 50, 1);
	close(make("read_lease"));
	read_lease = open(live_path("read_lease"), O_RDONLY);
	live_must(fcntl(read_lease, F_SETLEASE, F_RDLCK) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		set(posix, F_SETLK, F_WRLCK, 100, 100);
		live_say("child", "");
		live_wait();
		while (access(live_path("seen"), F_OK) < 0)
			live_sleep_ms(2);
		_exit(0);
	}
	while (access(live_path("child"), F_OK) < 0)
		live_sleep_ms(2);

	live_ready();

	expect("posix", 0, F_RDLCK, me, F_WRLCK);
	expect("posix", 99, F_RDLCK, me, F_WRLCK);
	expect("posix", 100, F_RDLCK, pid, F_WRLCK);
	expect("posix", 1000000, F_WRLCK, me, F_RDLCK);
	expect("posix", 1000000, F_RDLCK, 0, F_UNLCK);
	expect("ofd", 10, F_RDLCK, -1, F_WRLCK);
	expect("ofd", 50, F_WRLCK, -1, F_RDLCK);
	expect("ofd", 50, F_RDLCK, 0, F_UNLCK);
	live_check(!flock_free("flocked", LOCK_SH), "the flock is gone");
	live_check(flock_free("shared", LOCK_SH) && !flock_free("shared", LOCK_EX),
		   "the shared flock is another");
	live_check(fcntl(read_lease, F_GETLEASE) == F_RDLCK, "the read lease is gone");
	/* they end as they would have */
	live_check(close(copy) == 0, "close: %s", strerror(errno));
	expect("posix", 0, F_RDLCK, 0, F_UNLCK);
	live_say("seen", "");
	live_check(waitpid(pid, NULL, 0) == pid, "wait: %s", strerror(errno));
	expect("posix", 100, F_RDLCK, 0, F_UNLCK);
	live_check(flock(flocked, LOCK_UN) == 0 && flock_free("flocked", LOCK_EX), "unlock");
	live_pass();
}
