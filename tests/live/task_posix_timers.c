/* SPDX-License-Identifier: MIT
 * Timers of timer_create(2): ids with gaps, every clock and notification, and that they fire.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int got_value, got_id = -1, thread_got;
static volatile pid_t tid, handled_by;

static void handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	got_value = info->si_value.sival_int;
	got_id = info->si_timerid;
}

static void thread_handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	handled_by = (pid_t)syscall(SYS_gettid);
	thread_got = info->si_value.sival_int;
}

static void *thread(void *arg)
{
	sigset_t set;
	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, 41);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	tid = (pid_t)syscall(SYS_gettid);
	live_wait();
	for (;;)
		live_sleep_ms(5);
	return NULL;
}

/* The raw call: libc's timer_t is a pointer of its own for SIGEV_THREAD. */
static int create(clockid_t clock, int notify, int signo, int value)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = signo };
	int id;
	ev.sigev_value.sival_int = value;
	if (notify == SIGEV_THREAD_ID)
		ev.sigev_notify_thread_id = tid;
	live_must(syscall(SYS_timer_create, clock, &ev, &id) == 0);
	return id;
}

static void arm(int id, long interval_s, long first_s, long first_ns)
{
	struct itimerspec t = { { interval_s, interval_s ? 5 : 0 }, { first_s, first_ns } };
	live_must(syscall(SYS_timer_settime, id, 0, &t, NULL) == 0);
}

static void expect(int id, long interval_s, long left_s)
{
	struct itimerspec t;
	live_check(syscall(SYS_timer_gettime, id, &t) == 0, "timer %d is gone: %s", id,
		   strerror(errno));
	live_check(t.it_interval.tv_sec == interval_s, "timer %d: interval %ld, want %ld", id,
		   (long)t.it_interval.tv_sec, interval_s);
	live_check(t.it_value.tv_sec <= left_s && t.it_value.tv_sec >= left_s - 60,
		   "timer %d: %ld s left, want about %ld", id, (long)t.it_value.tv_sec, left_s);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigset_t set;
	pthread_t other;
	sigemptyset(&set);
	sigaddset(&set, 41);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live_must(sigaction(40, &sa, NULL) == 0);
	sa.sa_sigaction = thread_handler;
	live_must(sigaction(41, &sa, NULL) == 0);
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	while (!tid)
		live_sleep_ms(1);

	int realtime = create(CLOCK_REALTIME, SIGEV_SIGNAL, 40, 11);
	int gone = create(CLOCK_REALTIME, SIGEV_SIGNAL, 40, 0);
	int monotonic = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40, 12);
	int gone2 = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40, 0);
	int none = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	int boottime = create(CLOCK_BOOTTIME, SIGEV_THREAD_ID, 41, 13);
	int cpu = create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 40, 15);
	clockid_t thread_clock;
	live_must(pthread_getcpuclockid(other, &thread_clock) == 0);
	int thread_cpu = create(thread_clock, SIGEV_NONE, 0, 16);
	int idle = create(CLOCK_REALTIME, SIGEV_SIGNAL, 40, 14);
	live_must(syscall(SYS_timer_delete, gone) == 0 && syscall(SYS_timer_delete, gone2) == 0);
	arm(realtime, 500, 1000, 0);
	arm(monotonic, 0, 2000, 0);
	arm(none, 0, 3000, 0);
	arm(boottime, 700, 4000, 0);
	arm(cpu, 800, 5000, 0);
	arm(thread_cpu, 0, 6000, 0);

	live_ready();

	expect(realtime, 500, 1000);
	expect(monotonic, 0, 2000);
	expect(none, 0, 3000);
	expect(boottime, 700, 4000);
	expect(cpu, 800, 5000);
	expect(thread_cpu, 0, 6000);
	expect(idle, 0, 0);
	struct itimerspec t;
	live_check(syscall(SYS_timer_gettime, gone, &t) < 0, "a deleted timer is back");
	arm(monotonic, 0, 0, 1000000);
	arm(boottime, 0, 0, 1000000);
	for (int i = 0; i < 3000 && (!got_value || !thread_got); i++)
		live_sleep_ms(1);
	live_check(got_value == 12 && got_id == monotonic,
		   "timer %d fired with %d, want %d with 12", got_id, got_value, monotonic);
	live_check(thread_got == 13 && handled_by == tid,
		   "the thread's timer: %d in %d, want 13 in %d", thread_got, handled_by, tid);
	live_pass();
}
