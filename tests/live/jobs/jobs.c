/* SPDX-License-Identifier: MIT
 * See jobs.h.
 */
#include "tests/live/jobs/jobs.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct board *board;
static int full_pipe[2], empty_pipe[2];

int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	while (nanosleep(&t, &t) < 0)
		;
}

void board_complain(struct board *on, const char *fmt, ...)
{
	if (__sync_lock_test_and_set(&on->failed, 1))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(on->why, sizeof(on->why), fmt, ap);
	va_end(ap);
}

const char *board_stuck(const struct board *now, const struct board *then)
{
	static char text[64];
	for (int i = 0; i < NR_JOBS; i++) {
		if (now->count[i] == then->count[i]) {
			snprintf(text, sizeof(text), "thread %d stands still", i);
			return text;
		}
	}
	return now->ticks == then->ticks ? "the timer stands still" : NULL;
}

/* Each step returns when it is done with one round. */

static void expect(const char *what, long got, long want)
{
	if (got != want)
		board_complain(board, "%s returned %ld (%s), want %ld", what, got, strerror(errno),
			       want);
}

static void do_nanosleep(void)
{
	struct timespec t = { .tv_nsec = 40000000 };
	int64_t start = now_ms();
	expect("nanosleep", nanosleep(&t, NULL), 0);
	if (now_ms() - start < 39)
		board_complain(board, "nanosleep of 40 ms took %ld", (long)(now_ms() - start));
}

static void do_poll(void)
{
	struct pollfd p = { .fd = empty_pipe[0], .events = POLLIN };
	expect("poll", poll(&p, 1, 30), 0);
}

static void do_read(void)
{
	char c;
	expect("read", read(full_pipe[0], &c, 1), 1);
}

static void do_write(void)
{
	char c = 1;
	sleep_us(3000);
	expect("write", write(full_pipe[1], &c, 1), 1);
}

static void do_futex(void)
{
	static int word;
	struct timespec t = { .tv_nsec = 25000000 };
	errno = 0;
	expect("futex", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0), -1);
	if (errno != ETIMEDOUT)
		board_complain(board, "futex: %s, want a timeout", strerror(errno));
}

static void check_mask(void)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int signo = 1; signo <= 31; signo++) {
		int want = signo == SIGUSR2 || signo == SIGALRM;
		if (sigismember(&now, signo) != want)
			board_complain(board, "signal %d is %s", signo,
				       want ? "not blocked" : "blocked");
	}
}

static void do_ppoll(void)
{
	sigset_t m;
	sigfillset(&m);
	struct timespec t = { .tv_nsec = 20000000 };
	expect("ppoll", ppoll(NULL, 0, &t, &m), 0);
	check_mask();
}

static void do_sigtimedwait(void)
{
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR2);
	struct timespec t = { .tv_nsec = 20000000 };
	errno = 0;
	/* the one call signal(7) lists as interrupted by a stop */
	if (sigtimedwait(&m, NULL, &t) != -1 || (errno != EAGAIN && errno != EINTR))
		board_complain(board, "sigtimedwait: %s", strerror(errno));
}

static void do_float(void)
{
	double y = 1.5;
	for (int i = 0; i < 20000; i++)
		y = y * 1.0000001 + 0.0000001;
	static double want;
	if (want == 0)
		want = y;
	if (want != y)
		board_complain(board, "floating point went astray");
}

/* Values in every register, compared after a while; flags by the loop itself. */
static void do_registers(void)
{
	uint64_t bad = 0;
	__asm__ volatile(
	    "mov $0x1111, %%r8\n mov $0x2222, %%r9\n mov $0x3333, %%r10\n"
	    "mov $0x4444, %%r11\n mov $0x5555, %%r12\n mov $0x6666, %%r13\n"
	    "mov $0x7777, %%r14\n mov $0x8888, %%r15\n mov $0x9999, %%rsi\n"
	    "mov $0xaaaa, %%rdi\n mov $0xbbbb, %%rdx\n std\n"
	    "mov $20000, %%ecx\n"
	    "1: dec %%ecx\n jnz 1b\n"
	    "pushf\n pop %%rcx\n cld\n and $0x400, %%ecx\n cmp $0x400, %%ecx\n jne 2f\n"
	    "cmp $0x1111, %%r8\n jne 2f\n cmp $0x2222, %%r9\n jne 2f\n"
	    "cmp $0x3333, %%r10\n jne 2f\n cmp $0x4444, %%r11\n jne 2f\n"
	    "cmp $0x5555, %%r12\n jne 2f\n cmp $0x6666, %%r13\n jne 2f\n"
	    "cmp $0x7777, %%r14\n jne 2f\n cmp $0x8888, %%r15\n jne 2f\n"
	    "cmp $0x9999, %%rsi\n jne 2f\n cmp $0xaaaa, %%rdi\n jne 2f\n"
	    "cmp $0xbbbb, %%rdx\n je 3f\n"
	    "2: mov $1, %0\n 3:\n"
	    : "+a"(bad)
	    :
	    : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	      "cc", "memory");
	if (bad)
		board_complain(board, "registers changed");
}

/* The red zone below the stack pointer belongs to the program. */
static void do_red_zone(void)
{
	uint64_t bad = 0;
	__asm__ volatile("mov $0x5aa5, %%rdx\n mov %%rdx, -8(%%rsp)\n mov %%rdx, -64(%%rsp)\n"
			 "mov %%rdx, -128(%%rsp)\n mov $20000, %%ecx\n"
			 "1: dec %%ecx\n jnz 1b\n"
			 "cmp %%rdx, -8(%%rsp)\n jne 2f\n cmp %%rdx, -64(%%rsp)\n jne 2f\n"
			 "cmp %%rdx, -128(%%rsp)\n je 3f\n"
			 "2: mov $1, %0\n 3:\n"
			 : "+a"(bad)
			 :
			 : "rcx", "rdx", "cc", "memory");
	if (bad)
		board_complain(board, "red zone changed");
}

static void do_getpid(void)
{
	for (int i = 0; i < 100; i++) {
		if (syscall(SYS_getpid) != getpid())
			board_complain(board, "getpid went astray");
	}
}

static void (*const jobs[NR_JOBS])(void) = {
	do_nanosleep,    do_poll,  do_read,      do_write,    do_futex,  do_ppoll,
	do_sigtimedwait, do_float, do_registers, do_red_zone, do_getpid, check_mask,
};

static void *job(void *arg)
{
	long i = (long)arg;
	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		jobs[i]();
		board->count[i]++;
		if (i >= 7)
			sleep_us(500); /* two processors are shared with others */
	}
	return NULL;
}

static void on_alarm(int signo)
{
	(void)signo;
	board->ticks++;
}

void jobs_start(struct board *on)
{
	board = on;
	if (pipe(full_pipe) < 0 || pipe(empty_pipe) < 0)
		_exit(1);
	/* Signals come in all the time, to the first thread only. The mask stays as it is. */
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_NODEFER };
	sigaction(SIGALRM, &sa, NULL);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR2);
	sigaddset(&m, SIGALRM);
	sigprocmask(SIG_BLOCK, &m, NULL);
	for (long i = 0; i < NR_JOBS; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, job, (void *)i))
			_exit(1);
	}
	sigdelset(&m, SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &m, NULL);
	struct itimerspec its = { { 0, 3000000 }, { 0, 3000000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	timer_t timer;
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &its, NULL);
}
