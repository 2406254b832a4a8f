/* SPDX-License-Identifier: MIT
 * The pids of a process and its thread are taken when it is restored: it has others, wherever the
 * kernel or the C library knows them.
 *
 * live-restore: --remap-pids
 * live-modes: SS 2S
 * live-between: "$O"/live/task_remap_pids hold $pid $(cat ../tids)
 */
#include "tests/live/remap_pids.h"

#include <pthread.h>
#include <time.h>

static pthread_mutex_t robust, recursive, checking;
static pthread_barrier_t begun, checked;
static volatile pid_t thread_tid;

static void mutex_init(pthread_mutex_t *mutex, int type, int robustness)
{
	pthread_mutexattr_t attr;
	live_must(pthread_mutexattr_init(&attr) == 0);
	live_must(pthread_mutexattr_settype(&attr, type) == 0);
	live_must(pthread_mutexattr_setrobust(&attr, robustness) == 0);
	live_must(pthread_mutex_init(mutex, &attr) == 0);
	live_must(pthread_mutex_lock(mutex) == 0);
}

static void check_unlock(pthread_mutex_t *mutex, const char *what)
{
	int rc = pthread_mutex_unlock(mutex);
	live_check(rc == 0, "a %s mutex held before is somebody else's: %s", what, strerror(rc));
}

static void *thread(void *arg)
{
	thread_tid = gettid();
	mutex_init(&checking, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
	pthread_barrier_wait(&begun);
	live_wait();
	check_unlock(&checking, "checking");
	thread_tid = gettid();
	pthread_barrier_wait(&checked);
	return arg;
}

/* A timer whose signal goes to this thread alone. */
static timer_t start_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	timer_t timer;
	event._sigev_un._tid = gettid();
	live_must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	return timer;
}

static void check_timer(timer_t timer)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	live_check(timer_settime(timer, 0, &soon, NULL) == 0, "timer_settime: %s", strerror(errno));
	live_check(sigtimedwait(&set, NULL, &(struct timespec){ .tv_sec = 10 }) == SIGUSR2,
		   "the timer has lost its thread");
}

static void check_sender(void)
{
	siginfo_t info;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	live_check(sigtimedwait(&set, &info, &(struct timespec){ .tv_sec = 10 }) == SIGUSR1,
		   "the signal is lost");
	live_check(info.si_pid == getpid(), "it was sent by %d, want %d", info.si_pid, getpid());
}

static void check_proc(int fd)
{
	char text[64] = "";
	live_check(pread(fd, text, sizeof(text) - 1, 0) > 0, "read stat: %s", strerror(errno));
	live_check(atoi(text) == getpid(), "/proc/self/stat, opened before, says %d, want %d",
		   atoi(text), getpid());
}

static void check_ids(pid_t old, pid_t old_tid, pthread_t other)
{
	live_check(getpid() != old, "the process still is %d", old);
	live_check(thread_tid != old_tid, "the thread still is %d", old_tid);
	live_check(getsid(0) == getpid() && getpgrp() == getpid(), "pid %d: session %d, group %d",
		   getpid(), getsid(0), getpgrp());
	live_check(pthread_kill(other, 0) == 0, "pthread_kill does not know the other thread");
	check_unlock(&robust, "robust");
	check_unlock(&recursive, "recursive");
}

int main(int argc, char **argv)
{
	char text[32];
	pthread_t other;
	sigset_t set;
	int ends[2];
	hold(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	live_must(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	live_must(kill(getpid(), SIGUSR1) == 0);
	live_must(pthread_barrier_init(&begun, NULL, 2) == 0);
	live_must(pthread_barrier_init(&checked, NULL, 2) == 0);
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&begun);
	mutex_init(&robust, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST);
	mutex_init(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
	timer_t timer = start_timer();
	int proc = open("/proc/self/stat", O_RDONLY);
	live_must(proc >= 0);
	live_must(pipe(ends) == 0);
	live_must(fcntl(ends[0], F_SETOWN, getpid()) == 0);
	pid_t old = getpid(), old_tid = thread_tid;
	snprintf(text, sizeof(text), "%d\n", old_tid);
	live_say("tids", text);
	live_ready();
	pthread_barrier_wait(&checked);
	check_ids(old, old_tid, other);
	live_check(fcntl(ends[0], F_GETOWN) == getpid(), "the owner of a pipe is %d, want %d",
		   fcntl(ends[0], F_GETOWN), getpid());
	check_timer(timer);
	check_sender();
	check_proc(proc);
	live_must(pthread_join(other, NULL) == 0);
	live_pass();
}
