/* SPDX-License-Identifier: MIT
 * Several shells under one master: controlling terminals, foreground groups, /dev/tty, hang up of a
 * session when its master closes; keys go to the foreground group.
 * CRIU 4.2 dumps /dev/tty only while the session's leader is in the foreground.
 * live-modes: SS SC RR 2S
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>

#include "tests/live/live.h"

#define SHELLS 3

static volatile sig_atomic_t interrupted, hung_up;

static void on_signal(int signo)
{
	if (signo == SIGINT)
		interrupted = 1;
	else
		hung_up = 1;
}

struct shell {
	int master;
	pid_t leader, job; /* the job is in the foreground */
};

static void wait_for(const char *name)
{
	struct stat st;
	for (int i = 0; i < 4000; i++) {
		if (stat(live_path(name), &st) == 0)
			return;
		live_sleep_ms(5);
	}
	live_fail("no %s", name);
}

static void report(const char *what, int i)
{
	char name[32];
	snprintf(name, sizeof(name), "%s%d", what, i);
	live_say(name, "x");
}

static void check_terminal(int i, int tty, int current, pid_t job, dev_t rdev)
{
	struct stat st;
	live_check(tcgetsid(tty) == getsid(0), "shell %d: session %d", i, tcgetsid(tty));
	live_check(tcgetpgrp(tty) == job, "shell %d: foreground %d, want %d", i, tcgetpgrp(tty),
		   job);
	live_check(tcgetpgrp(current) == job, "shell %d: /dev/tty is no terminal of the session",
		   i);
	live_check(fstat(current, &st) == 0 && major(st.st_rdev) == 5, "shell %d: /dev/tty is %lx",
		   i, (long)st.st_rdev);
	int fd = open("/dev/tty", O_RDWR);
	live_check(fd >= 0 && tcgetpgrp(fd) == job, "shell %d: open /dev/tty: %s", i,
		   strerror(errno));
	live_check(fstat(tty, &st) == 0 && st.st_rdev == rdev, "shell %d: another terminal", i);
	close(fd);
}

/* The job: interrupted by a key of its terminal. */
static void job(int i, int tty)
{
	(void)tty;
	report("job", i);
	live_wait();
	for (int k = 0; k < 600 && !interrupted; k++)
		live_sleep_ms(5);
	live_check(interrupted, "job %d: not interrupted", i);
	report("done", i);
	for (;;)
		pause();
}

static void shell(int i, int slave)
{
	struct stat st;
	live_must(setsid() > 0);
	live_must(ioctl(slave, TIOCSCTTY, 0) == 0);
	signal(SIGTTOU, SIG_IGN);
	int current = open("/dev/tty", O_RDWR);
	live_must(current >= 0 && fstat(slave, &st) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_must(setpgid(0, 0) == 0);
		signal(SIGINT, on_signal);
		job(i, slave);
	}
	setpgid(pid, pid);
	live_must(tcsetpgrp(slave, pid) == 0);
	signal(SIGHUP, on_signal);
	report("shell", i);
	live_wait();
	check_terminal(i, slave, current, pid, st.st_rdev);
	report("checked", i);
	if (i == 0) {
		for (int k = 0; k < 600 && !hung_up; k++)
			live_sleep_ms(5);
		live_check(hung_up, "shell %d: not hung up", i);
		report("hungup", i);
	}
	for (;;)
		pause();
}

static int start(int i, struct shell *s)
{
	char path[32];
	int index, unlock = 0;
	s->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	live_must(s->master >= 0 && ioctl(s->master, TIOCSPTLCK, &unlock) == 0);
	live_must(ioctl(s->master, TIOCGPTN, &index) == 0);
	snprintf(path, sizeof(path), "/dev/pts/%d", index);
	s->leader = fork();
	live_must(s->leader >= 0);
	if (s->leader == 0) {
		for (int k = 3; k <= s->master; k++)
			close(k);
		int slave = open(path, O_RDWR | O_NOCTTY);
		live_must(slave >= 0);
		shell(i, slave);
	}
	return index;
}

int main(void)
{
	struct shell shells[SHELLS];
	char name[32];
	for (int i = 0; i < SHELLS; i++)
		start(i, &shells[i]);
	for (int i = 0; i < SHELLS; i++) {
		snprintf(name, sizeof(name), "shell%d", i);
		wait_for(name);
		snprintf(name, sizeof(name), "job%d", i);
		wait_for(name);
	}
	live_ready();

	for (int i = 0; i < SHELLS; i++) {
		snprintf(name, sizeof(name), "checked%d", i);
		wait_for(name);
		live_check(write(shells[i].master, "\003", 1) == 1, "press ^C: %s",
			   strerror(errno));
		snprintf(name, sizeof(name), "done%d", i);
		wait_for(name);
	}
	close(shells[0].master);
	wait_for("hungup0");
	for (int i = 0; i < SHELLS; i++) {
		kill(shells[i].leader, SIGKILL);
		waitpid(shells[i].leader, NULL, 0);
	}
	live_pass();
}
