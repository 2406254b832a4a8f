/* SPDX-License-Identifier: MIT
 * Queued signals: of the process and of single threads, with values, in order.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

static pthread_barrier_t barrier;
static volatile pid_t tid;

static void queue_to(pid_t thread, int signo, int value)
{
	siginfo_t info = { .si_signo = signo, .si_code = SI_QUEUE };
	info.si_pid = getpid();
	info.si_value.sival_int = value;
	live_must(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, signo, &info) == 0);
}

/* The next signal of this number must carry the value. */
static void expect(int signo, int value)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = { 0 };
	sigemptyset(&set);
	sigaddset(&set, signo);
	int got = sigtimedwait(&set, &info, &none);
	live_check(got == signo, "signal %d with %d is not there", signo, value);
	live_check(info.si_value.sival_int == value && info.si_code == SI_QUEUE,
		   "signal %d brings %d (code %d), want %d", signo, info.si_value.sival_int,
		   info.si_code, value);
	live_check(info.si_pid == getpid(), "signal %d is from %d", signo, info.si_pid);
}

static void *thread(void *arg)
{
	(void)arg;
	tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	live_wait();
	expect(36, 21);
	expect(36, 22);
	pthread_barrier_wait(&barrier);
	return NULL;
}

int main(void)
{
	sigset_t all, pending;
	pthread_t other;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	pthread_barrier_init(&barrier, NULL, 2);
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&barrier);
	queue_to(tid, 36, 21);
	queue_to(tid, 36, 22);
	queue_to(getpid(), 35, 11);
	queue_to(getpid(), SIGUSR2, 12);
	sigqueue(getpid(), 34, (union sigval){ .sival_int = 1 });
	sigqueue(getpid(), 34, (union sigval){ .sival_int = 2 });
	sigqueue(getpid(), 34, (union sigval){ .sival_int = 3 });
	kill(getpid(), SIGUSR1);

	live_ready();

	pthread_barrier_wait(&barrier);
	sigpending(&pending);
	live_check(sigismember(&pending, SIGUSR1), "SIGUSR1 is not pending");
	live_check(!sigismember(&pending, 36), "the thread's signal is everybody's");
	for (int i = 1; i <= 3; i++)
		expect(34, i);
	expect(35, 11);
	expect(SIGUSR2, 12);
	siginfo_t info;
	struct timespec none = { 0 };
	live_check(sigtimedwait(&all, &info, &none) == SIGUSR1, "SIGUSR1 is not queued");
	live_check(info.si_code == SI_USER && info.si_pid == getpid(), "SIGUSR1 has code %d of %d",
		   info.si_code, info.si_pid);
	live_check(sigtimedwait(&all, &info, &none) < 0, "signal %d was queued twice",
		   info.si_signo);
	live_pass();
}
