/* SPDX-License-Identifier: MIT
 * Seccomp: filters that all threads of a task have in common still are, so that another one can be
 * installed for all at once; with no_new_privs in each, and in none. CRIU does that only where all
 * filters of all threads are the same.
 *
 * live-modes: SS RR 2S
 * live-between: crit audit . | grep 'mode disabled *1 '
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

enum { THREADS = 3 };

static pthread_barrier_t begun, installed;
static bool own; /* one of the threads has a filter more */

static int deny(int nr, int error, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int denied(int nr, int error)
{
	return syscall(nr, -1, -1, -1) < 0 && errno == error;
}

static void check(const char *who)
{
	live_check(denied(SYS_getresuid, EDOM), "%s: the filter from before its birth", who);
	live_check(denied(SYS_getresgid, EXDEV), "%s: the filter for all", who);
	live_check(denied(SYS_getpgid, ERANGE), "%s: the filter for all, installed now", who);
	live_check(denied(SYS_getsid, EDEADLK) == own, "%s: the filter below that", who);
}

/* A filter for all, by one whose own all others are below. */
static void install_now(void)
{
	int rc = deny(SYS_getpgid, ERANGE, SECCOMP_FILTER_FLAG_TSYNC);
	live_check(rc == 0, "a filter for all: %d (%s)", rc, rc < 0 ? strerror(errno) : "thread");
}

static void *other(void *arg)
{
	bool one = own && arg;
	pthread_barrier_wait(&begun);
	pthread_barrier_wait(&installed);
	live_must(!one || deny(SYS_getsid, EDEADLK, 0) == 0);
	pthread_barrier_wait(&begun);
	live_wait();
	live_check(denied(SYS_getsid, EDEADLK) == one, "thread: the filter of its own");
	pthread_barrier_wait(&begun);
	if (one)
		install_now();
	pthread_barrier_wait(&installed);
	check("thread");
	return NULL;
}

static void task(const char *name)
{
	pthread_t thread[THREADS];
	live_must(pthread_barrier_init(&begun, NULL, THREADS + 1) == 0);
	live_must(pthread_barrier_init(&installed, NULL, THREADS + 1) == 0);
	live_must(deny(SYS_getresuid, EDOM, 0) == 0);
	for (int i = 0; i < THREADS; i++)
		live_must(pthread_create(&thread[i], NULL, other, i ? NULL : &own) == 0);
	pthread_barrier_wait(&begun);
	live_must(deny(SYS_getresgid, EXDEV, SECCOMP_FILTER_FLAG_TSYNC) == 0);
	pthread_barrier_wait(&installed);
	pthread_barrier_wait(&begun);
	live_say(name, "x");
	live_wait();
	pthread_barrier_wait(&begun);
	if (!own)
		install_now();
	pthread_barrier_wait(&installed);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	check("first thread");
}

static pid_t child(const char *name, bool no_new_privs, bool one)
{
	struct stat st;
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_must(!no_new_privs || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		own = one;
		task(name);
		live_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == no_new_privs,
			   "%s: no_new_privs is not %d", name, no_new_privs);
		_exit(5);
	}
	while (stat(live_path(name), &st) < 0)
		live_sleep_ms(5);
	return pid;
}

int main(void)
{
	int status;
	pid_t pids[] = { child("same", true, false), child("privileged", false, false),
			 child("own", true, true) };
	live_ready();
	for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++)
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 5 << 8,
			   "task %zu ended with %#x", i, status);
	live_pass();
}
