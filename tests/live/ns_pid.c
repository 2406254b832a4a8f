/* SPDX-License-Identifier: MIT
 * A tree in pid and UTS namespaces of its own: the same pids inside, threads, sessions and groups,
 * children that are reaped by pid 1, and the host name.
 * live-unshare: --pid --uts
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static volatile pid_t tid, tid_after;

static void *thread(void *arg)
{
	(void)arg;
	tid = (pid_t)syscall(SYS_gettid);
	live_wait();
	tid_after = (pid_t)syscall(SYS_gettid);
	return NULL;
}

/* A child in a session of its own, with a child that outlives it. */
static _Noreturn void child(int report)
{
	setsid();
	pid_t orphan = fork();
	if (orphan == 0) {
		live_wait();
		while (getppid() != 1)
			live_sleep_ms(1);
		_exit(getsid(0) == 2 ? 7 : 8);
	}
	live_must(write(report, &orphan, sizeof(orphan)) == sizeof(orphan));
	live_wait();
	_exit(getpid() == 2 && getppid() == 1 && getsid(0) == 2 ? 5 : 6);
}

int main(void)
{
	char name[65];
	int report[2], status;
	pid_t orphan;
	pthread_t other;
	live_must(getpid() == 1 && getsid(0) == 1);
	live_must(sethostname("frozen", 6) == 0 && setdomainname("example", 7) == 0);
	live_must(pipe(report) == 0);
	pid_t pid = fork();
	if (pid == 0)
		child(report[1]);
	live_must(read(report[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	while (!tid)
		live_sleep_ms(1);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int own[2];
	live_must(pidfd >= 0 && pipe(own) == 0 && fcntl(own[0], F_SETOWN, pid) == 0);

	live_ready();

	live_check(getpid() == 1 && getsid(0) == 1, "pid is %d, session %d", getpid(), getsid(0));
	live_check(gethostname(name, sizeof(name)) == 0 && !strcmp(name, "frozen"), "host %s",
		   name);
	live_check(getdomainname(name, sizeof(name)) == 0 && !strcmp(name, "example"), "domain %s",
		   name);
	live_check(fcntl(own[0], F_GETOWN) == pid, "owner is %d, was %d", fcntl(own[0], F_GETOWN),
		   pid);
	live_check(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0, "pidfd: %s",
		   strerror(errno));
	live_check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5,
		   "child ended with %#x", status);
	live_check(waitpid(orphan, &status, 0) == orphan && WIFEXITED(status) &&
		       WEXITSTATUS(status) == 7,
		   "orphan ended with %#x", status);
	pthread_join(other, NULL);
	live_check(tid_after == tid, "thread is %d, was %d", tid_after, tid);
	pid = fork();
	if (pid == 0)
		_exit(0);
	live_check(pid > tid && pid < 100, "a new child is %d", pid);
	live_pass();
}
