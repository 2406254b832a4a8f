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
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/live/jobs/jobs.h"
#include "tests/live/kill9/at-call.h"

#define PROMPT_MS 1500 /* the parasite gives up on lost threads after 2000 */
#define LATE_MAX  2    /* that a loaded machine may excuse */
#define SETTLE_MS 3000 /* how long a loaded machine may take to run everybody */

static struct board *shared;

/* Nobody has sent it. */
static void on_signal(int signo)
{
	(void)signo;
	strcpy(shared->why, "a signal came that nobody has sent");
	shared->failed = true;
}

/* @param handles  also the signals that do nothing by default: none of them is the engine's then */
static void target(bool handles)
{
	static const int quiet[] = { SIGCHLD, SIGURG, SIGWINCH };
	for (size_t i = 0; handles && i < sizeof(quiet) / sizeof(*quiet); i++)
		signal(quiet[i], on_signal);
	setsid();
	jobs_start(shared);
	for (;;)
		pause();
}

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

static char before[65536], after[65536], counting_before[65536];
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

static pid_t start_target(bool handles)
{
	pid_t pid = fork();
	if (pid == 0)
		target(handles);
	sleep_us(200000);
	read_maps(pid, before, sizeof(before));
	fds_before = count_fds(pid);
	return pid;
}

/* Poll until it is all right, or for too long. */
static const char *check(pid_t pid)
{
	struct board then = *shared;
	const char *why;
	int64_t end = now_ms() + SETTLE_MS;
	do {
		sleep_us(2000);
		why = what_is_left(pid);
		if (!why)
			why = board_stuck(shared, &then);
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

static volatile uint64_t *rounds_new(void)
{
	return mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
}

/* @param be  before it counts its rounds */
static pid_t start_counting(volatile uint64_t *rounds, void (*be)(void))
{
	*rounds = 0;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		be();
		for (;; ++*rounds)
			sleep_us(1000);
	}
	while (!*rounds && waitpid(pid, NULL, WNOHANG) == 0)
		sleep_us(1000);
	read_maps(pid, counting_before, sizeof(counting_before));
	return pid;
}

/* It goes on, and nothing is left in it. */
static const char *check_counting(pid_t pid, const volatile uint64_t *rounds)
{
	static char maps[sizeof(before)];
	uint64_t then = *rounds;
	int64_t end = now_ms() + SETTLE_MS;
	do {
		sleep_us(2000);
		read_maps(pid, maps, sizeof(maps));
		if (*rounds > then + 2 && !strcmp(counting_before, maps) && !is_traced(pid))
			return NULL;
	} while (now_ms() < end);
	return *rounds > then + 2 ? "something is left in it" : "it does not go on";
}

static void be_plain(void)
{
}

/* A task that stands still cannot heal before it goes on. */
static pid_t start_stopped(volatile uint64_t *rounds)
{
	pid_t pid = start_counting(rounds, be_plain);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	return pid;
}

/* The next dump is refused, or finds nothing left; and once it is let go on, it does. */
static const char *check_stopped(const char *stasis, const char *dir, pid_t pid,
				 const volatile uint64_t *rounds)
{
	int killed;
	bool dumped = dump(stasis, dir, pid, -1, &killed) >= 0;
	read_maps(pid, after, sizeof(after));
	if (dumped && strcmp(counting_before, after) != 0)
		return "the next dump takes along what is left";
	kill(pid, SIGCONT);
	return check_counting(pid, rounds);
}

/* Every second one is killed twice. */
static const char *kill_with_stopped(const char *stasis, const char *dir, long step)
{
	static char text[96];
	volatile uint64_t *rounds = rounds_new();
	int killed = 0;
	for (long n = 1;; n += step, killed++) {
		char arg[16];
		pid_t pid = start_stopped(rounds);
		snprintf(arg, sizeof(arg), "%d", pid);
		char *argv[] = { (char *)stasis, "dump", "-t", arg, "-D", (char *)dir, "-R", NULL };
		bool in_time = WIFSIGNALED(run_until_call(argv, n));
		if (in_time && killed % 2)
			run_until_call(argv, n);
		const char *why = check_stopped(stasis, dir, pid, rounds);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (why) {
			snprintf(text, sizeof(text), "killed before call %ld: %s", n, why);
			return text;
		}
		if (!in_time)
			return killed < 5 ? "too few were killed in time" : NULL;
	}
}

/* Which signals it may send itself is not the engine's business. */
static void be_filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tkill, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(1);
}

static const char *kill_with_filter(const char *stasis, const char *dir, long step)
{
	static char text[96];
	volatile uint64_t *rounds = rounds_new();
	pid_t pid = start_counting(rounds, be_filtered);
	const char *why = check_counting(pid, rounds);
	int killed = 0;
	for (long n = 1; !why; n += step, killed++) {
		char arg[16];
		snprintf(arg, sizeof(arg), "%d", pid);
		char *argv[] = { (char *)stasis, "dump", "-t", arg, "-D", (char *)dir, "-R", NULL };
		int status = run_until_call(argv, n);
		if (!WIFSIGNALED(status)) {
			why = WEXITSTATUS(status) ? "a dump after a kill fails"
			      : killed < 5        ? "too few were killed in time"
						  : NULL;
			break;
		}
		const char *wrong = check_counting(pid, rounds);
		if (wrong) {
			snprintf(text, sizeof(text), "killed before call %ld: %s", n, wrong);
			why = text;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return why;
}

/* @return how many there were */
static int kill_children(void)
{
	char path[64];
	int child, nr = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	for (; f && fscanf(f, "%d", &child) == 1; nr++)
		kill(child, SIGKILL);
	if (f)
		fclose(f);
	return nr;
}

/* Children of its own, on which it tries what the kernel can, do not outlive it. */
static const char *kill_at_probes(const char *stasis)
{
	static char text[96];
	char *argv[] = { (char *)stasis, "check", "--all", NULL };
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (long n = 1;; n++) {
		int status = run_until_call(argv, n);
		int64_t end = now_ms() + SETTLE_MS;
		while (waitpid(-1, NULL, WNOHANG) >= 0 && now_ms() < end)
			sleep_us(1000);
		int left = kill_children();
		if (left) {
			snprintf(text, sizeof(text),
				 "killed before call %ld: %d processes are left", n, left);
			return text;
		}
		if (!WIFSIGNALED(status))
			return n > 3 ? NULL : "too few were killed in time";
	}
}

static int report(int nr, const char *what, const char *why)
{
	printf("%s %d kill9 %s%s%s\n", why ? "not ok" : "ok", nr, what, why ? ": " : "",
	       why ? why : "");
	fflush(stdout);
	return why != NULL;
}

/* With targets of their own. @param keep  the first one is looked at */
static int report_more(char **argv, bool keep)
{
	int failed = report(7, "killed before a system call, one under seccomp heals, too",
			    kill_with_filter(argv[1], argv[2], atol(argv[4])));
	return failed | report(8, "killed while it tries what the kernel can, nobody is left",
			       keep ? "not tried" : kill_at_probes(argv[1]));
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	long kills = atol(argv[3]), killed_nr = 0;
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = start_target(false);
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
	failed |= report(5, "killed before a system call, a stopped target heals when it goes on",
			 kill_with_stopped(argv[1], argv[2], atol(argv[4])));
	why = "not tried";
	if (!failed) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = start_target(true);
		why = kill_at_calls(argv[1], argv[2], pid, atol(argv[4]));
	}
	failed |=
	    report(6, "killed before a system call, one that handles all signals heals, too", why);
	bool keep = failed && getenv("KILL9_KEEP");
	if (!keep)
		kill(pid, SIGKILL);
	failed |= report_more(argv, keep);
	printf("1..8\n");
	return failed;
}
