/* SPDX-License-Identifier: MIT
 * Kills the engine at random moments of a dump, and before chosen system calls of it, and looks
 * whether its target noticed.
 * kill9 STASIS IMAGES_DIR KILLS STEP: prints TAP, one line per property. Every STEP-th call.
 *
 * The target has threads in many blocking states and in user code; each checks what its own
 * calls return, its registers and its signal mask. After each kill every thread must get on, and
 * nothing may be left: no mapping, no descriptor, no tracer, no blocked signal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/live/kill9/at-call.h"

#define NR_THREADS 12
#define PROMPT_MS  1500 /* the parasite gives up on lost threads after 2000 */
#define LATE_MAX   2    /* that a loaded machine may excuse */
#define SETTLE_MS  3000 /* how long a loaded machine may take to run everybody */

struct shared {
	volatile uint64_t count[NR_THREADS];
	volatile int failed;
	char why[256];
	volatile uint64_t ticks;
};
static struct shared *shared;
static int full_pipe[2], empty_pipe[2];

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	while (nanosleep(&t, &t) < 0)
		;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	if (__sync_lock_test_and_set(&shared->failed, 1))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
	va_end(ap);
}

/* ---- what the threads do; each step returns when it is done with one round ---- */

static void expect(const char *what, long got, long want)
{
	if (got != want)
		complain("%s returned %ld (%s), want %ld", what, got, strerror(errno), want);
}

static void do_nanosleep(void)
{
	struct timespec t = { .tv_nsec = 40000000 };
	int64_t start = now_ms();
	expect("nanosleep", nanosleep(&t, NULL), 0);
	if (now_ms() - start < 39)
		complain("nanosleep of 40 ms took %ld", (long)(now_ms() - start));
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
		complain("futex: %s, want a timeout", strerror(errno));
}

static void check_mask(void)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int signo = 1; signo <= 31; signo++) {
		int want = signo == SIGUSR2 || signo == SIGALRM;
		if (sigismember(&now, signo) != want)
			complain("signal %d is %s", signo, want ? "not blocked" : "blocked");
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
		complain("sigtimedwait: %s", strerror(errno));
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
		complain("floating point went astray");
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
		complain("registers changed");
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
		complain("red zone changed");
}

static void do_getpid(void)
{
	for (int i = 0; i < 100; i++) {
		if (syscall(SYS_getpid) != getpid())
			complain("getpid went astray");
	}
}

static void (*const jobs[NR_THREADS])(void) = {
	do_nanosleep,    do_poll,  do_read,      do_write,    do_futex,  do_ppoll,
	do_sigtimedwait, do_float, do_registers, do_red_zone, do_getpid, check_mask,
};

static void *job(void *arg)
{
	long i = (long)arg;
	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		jobs[i]();
		shared->count[i]++;
		if (i >= 7)
			sleep_us(500); /* two processors are shared with others */
	}
	return NULL;
}

static void on_alarm(int signo)
{
	(void)signo;
	shared->ticks++;
}

static void target(void)
{
	setsid();
	if (pipe(full_pipe) < 0 || pipe(empty_pipe) < 0)
		_exit(1);
	/* Signals come in all the time, to the first thread only. */
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &sa, NULL);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR2);
	sigaddset(&m, SIGALRM);
	sigprocmask(SIG_BLOCK, &m, NULL);
	for (long i = 0; i < NR_THREADS; i++) {
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
	for (;;)
		pause();
}

/* ---- looking at it ---- */

static size_t read_maps(pid_t pid, char *buf, size_t len)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	int fd = open(path, O_RDONLY);
	size_t n = 0;
	ssize_t got;
	while (fd >= 0 && n < len - 1 && (got = read(fd, buf + n, len - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	buf[n] = '\0';
	return n;
}

static int count_fds(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	int n = 0;
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int is_traced(pid_t pid)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	int tracer = -1;
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "TracerPid: %d", &tracer);
	if (f)
		fclose(f);
	return tracer != 0;
}

static char before[65536], after[65536];
static int fds_before;

static const char *what_is_left(pid_t pid)
{
	read_maps(pid, after, sizeof(after));
	if (strcmp(before, after) != 0)
		return "mappings differ";
	if (count_fds(pid) != fds_before)
		return "descriptors differ";
	return is_traced(pid) ? "still traced" : NULL;
}

static const char *who_stands_still(const uint64_t *counts, uint64_t ticks)
{
	static char text[64];
	for (int i = 0; i < NR_THREADS; i++) {
		if (shared->count[i] == counts[i]) {
			snprintf(text, sizeof(text), "thread %d stands still", i);
			return text;
		}
	}
	return shared->ticks == ticks ? "the timer stands still" : NULL;
}

/* Poll until it is all right, or for too long. */
static const char *check(pid_t pid)
{
	uint64_t counts[NR_THREADS], ticks = shared->ticks;
	for (int i = 0; i < NR_THREADS; i++)
		counts[i] = shared->count[i];
	const char *why;
	int64_t end = now_ms() + SETTLE_MS;
	do {
		sleep_us(2000);
		why = what_is_left(pid);
		if (!why)
			why = who_stands_still(counts, ticks);
		if (shared->failed)
			return shared->why;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return "it died";
	} while (why && now_ms() < end);
	return why;
}

/* @return ms it ran, or -1 when it failed by itself */
static int dump(const char *stasis, const char *dir, pid_t pid, long kill_after_us, int *killed)
{
	char arg[16];
	snprintf(arg, sizeof(arg), "%d", pid);
	int64_t start = now_ms();
	pid_t child = fork();
	if (child == 0) {
		execl(stasis, stasis, "dump", "-t", arg, "-D", dir, "-o", "dump.log", "-v4", "-R",
		      NULL);
		_exit(127);
	}
	if (kill_after_us >= 0) {
		sleep_us(kill_after_us);
		kill(child, SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	*killed = WIFSIGNALED(status);
	if (!*killed && WEXITSTATUS(status) != 0)
		return -1;
	return (int)(now_ms() - start);
}

/* Before each call that could leave the target half changed: it heals, and does not wait long. */
static const char *kill_at_calls(const char *stasis, const char *dir, pid_t pid, long step)
{
	static char text[96];
	char arg[16];
	snprintf(arg, sizeof(arg), "%d", pid);
	char *argv[] = { (char *)stasis, "dump", "-t", arg, "-D", (char *)dir, "-R", NULL };
	int late = 0, killed = 0;
	for (long n = 1;; n += step) {
		int status = run_until_call(argv, n);
		if (!WIFSIGNALED(status)) {
			if (WEXITSTATUS(status) != 0 || killed < 10)
				return "a dump after a kill fails";
			break;
		}
		killed++;
		int64_t start = now_ms();
		const char *why = check(pid);
		if (why) {
			snprintf(text, sizeof(text), "killed before call %ld: %s", n, why);
			return text;
		}
		if (now_ms() - start > PROMPT_MS) {
			printf("# killed before call %ld: healed after %ld ms\n", n,
			       (long)(now_ms() - start));
			late++;
		}
	}
	snprintf(text, sizeof(text), "%d of %d times the target waited", late, killed);
	return late > LATE_MAX ? text : NULL;
}

static int report(int nr, const char *what, const char *why)
{
	printf("%s %d kill9 %s%s%s\n", why ? "not ok" : "ok", nr, what, why ? ": " : "",
	       why ? why : "");
	fflush(stdout);
	return why != NULL;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	long kills = atol(argv[3]), killed_nr = 0;
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (pid == 0)
		target();
	sleep_us(200000);
	read_maps(pid, before, sizeof(before));
	fds_before = count_fds(pid);

	int killed, longest = 1;
	const char *why = check(pid);
	for (int i = 0; i < 3 && !why; i++) {
		int ms = dump(argv[1], argv[2], pid, -1, &killed);
		if (ms < 0)
			why = "stasis dump -R fails";
		longest = ms > longest ? ms : longest;
	}
	int failed = report(1, "dump -R leaves the target as it was", why ? why : check(pid));
	why = NULL;
	srandom(1);
	/* Those that finished before they could be killed do not count. */
	long tries = 0;
	for (; killed_nr < kills && tries < 10 * kills && !why && !failed; tries++) {
		long us = random() % ((longest + 1) * 1000L);
		if (dump(argv[1], argv[2], pid, us, &killed) < 0)
			why = "a dump after a kill fails";
		killed_nr += killed;
		if (!why)
			why = check(pid);
		if (why)
			printf("# try %ld, kill after %ld us of at most %d ms\n", tries, us,
			       longest);
	}
	char text[96];
	snprintf(text, sizeof(text), "%ld of %ld dumps killed, the target never noticed", killed_nr,
		 tries);
	if (!why && !failed && killed_nr < kills)
		why = "too few were killed in time";
	failed |= report(2, text, why);
	failed |=
	    report(3, "killed before a system call, the target heals at once",
		   failed ? "not tried" : kill_at_calls(argv[1], argv[2], pid, atol(argv[4])));
	failed |= report(4, "the next dump succeeds",
			 dump(argv[1], argv[2], pid, -1, &killed) < 0 ? "it fails" : check(pid));
	printf("1..4\n");
	if (!failed || !getenv("KILL9_KEEP"))
		kill(pid, SIGKILL);
	return failed;
}
