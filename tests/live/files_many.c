/* SPDX-License-Identifier: MIT
 * Five thousand descriptors: files of their own, one file opened again and again, duplicates;
 * some close on exec, some append.
 * live-skip: [ "$(ulimit -Hn)" -gt 12000 ]
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define NR 5000

static int kind_of(int i)
{
	return i % 10 < 8 ? 0 : i % 10 == 8 ? 1 : 2; /* own file, one file, duplicate */
}

static int same(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0, a, b) == 0;
}

int main(void)
{
	static int fds[NR];
	char name[32];
	struct rlimit limit = { NR + 100, 12000 };
	live_must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = NR + 100;
	live_must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	live_must(mkdir(live_path("many"), 0700) == 0);
	for (int i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "many/%d", kind_of(i) == 0 ? i : 0);
		fds[i] =
		    kind_of(i) == 2 ? dup(fds[0]) : open(live_path(name), O_RDWR | O_CREAT, 0600);
		live_must(fds[i] >= 0);
		live_must(fcntl(fds[i], F_SETFD, i % 3 ? 0 : FD_CLOEXEC) == 0);
		if (kind_of(i) == 0 && i % 4 == 2)
			live_must(fcntl(fds[i], F_SETFL, O_APPEND) == 0);
		if (kind_of(i) == 0)
			live_must(ftruncate(fds[i], i) == 0 && lseek(fds[i], i, SEEK_SET) == i);
	}
	live_ready();

	for (int i = 0; i < NR; i++) {
		long want = kind_of(i) == 0 ? i : 0;
		live_check(lseek(fds[i], 0, SEEK_CUR) == want, "fd %d is at %ld, want %ld", fds[i],
			   (long)lseek(fds[i], 0, SEEK_CUR), want);
		live_check(fcntl(fds[i], F_GETFD) == (i % 3 ? 0 : FD_CLOEXEC),
			   "fd %d: its close-on-exec flag has changed", fds[i]);
		int append = kind_of(i) == 0 && i % 4 == 2 ? O_APPEND : 0;
		live_check((fcntl(fds[i], F_GETFL) & O_APPEND) == append, "fd %d: flags %#x",
			   fds[i], fcntl(fds[i], F_GETFL));
		live_check(same(fds[i], fds[0]) == (kind_of(i) == 2 || i == 0),
			   "fd %d: sharing is wrong", fds[i]);
	}
	live_pass();
}
