/* SPDX-License-Identifier: MIT
 * A tree in pid namespaces inside of each other: of a container in a container, its pid 1 with
 * threads, sessions, a zombie and an orphan, and of a process that has entered from outside.
 */
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#ifndef SIGEV_THREAD_ID
#define SIGEV_THREAD_ID 4
#endif

#define NESTED_WAITING 11 /* that call nested_same() */

struct nested_ids {
	char text[512];
};

static int nested_ready[2]; /* a pipe: a byte from each that has looked, and waits */
static int nested_last[2];  /* a pipe: two say that those of theirs in the namespace have ended */
static int nested_outer;    /* how many levels the outside of the tree has: those change */

/* What /proc says of a process at every level: "NSpid: 70 5 1". */
static inline struct nested_ids nested_ids_of(const char *path)
{
	static const char *const keys[] = { "NSpid:", "NSpgid:", "NSsid:" };
	struct nested_ids ids = { "" };
	char line[256];
	FILE *f = fopen(path, "r");
	live_must(f);
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < 3; i++) {
			char *at = line + strlen(keys[i]);
			if (strncmp(line, keys[i], strlen(keys[i])))
				continue;
			for (int k = 0; k < nested_outer; k++)
				at += 1 + strcspn(at + 1, "\t\n");
			strcat(ids.text, keys[i]);
			strcat(ids.text, at);
		}
	fclose(f);
	snprintf(ids.text + strlen(ids.text), 32, "ppid %d", getppid());
	return ids;
}

static inline struct nested_ids nested_ids(void)
{
	return nested_ids_of("/proc/thread-self/status");
}

/* Wait for the restore, and say whether it is the same. */
static inline void nested_same(const char *who)
{
	struct nested_ids before = nested_ids();
	live_must(write(nested_ready[1], "", 1) == 1);
	live_wait();
	struct nested_ids after = nested_ids();
	live_check(!strcmp(before.text, after.text), "%s was %s, is %s", who, before.text,
		   after.text);
}

static inline pid_t nested_fork(void)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	return pid;
}

static inline void nested_reap(pid_t pid, const char *who)
{
	int status;
	live_check(waitpid(pid, &status, 0) == pid, "%s is no child: %s", who, strerror(errno));
	live_check(status == 0, "%s ended with %#x", who, status);
}

static void *nested_thread(void *arg)
{
	(void)arg;
	nested_same("a thread");
	return NULL;
}

/* In a session of its own, with a second thread that a timer signals. */
static _Noreturn void nested_session(void)
{
	pthread_t other;
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live_must(setsid() > 0);
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	live_must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	pid_t child = nested_fork();
	if (child == 0) {
		live_must(setpgid(0, 0) == 0);
		nested_same("a group in a session inside");
		_exit(0);
	}
	/* now, as a child would have what the thread has open */
	live_must(pthread_create(&other, NULL, nested_thread, NULL) == 0);
	nested_same("a session inside");
	pthread_join(other, NULL);
	nested_reap(child, "a group");
	live_must(timer_settime(timer, 0, &soon, NULL) == 0);
	live_check(sigtimedwait(&set, NULL, &(struct timespec){ 10, 0 }) == SIGALRM,
		   "the timer signals another thread");
	_exit(0);
}

/* pid 1 of the innermost; its group and session are led from outside. */
static _Noreturn void nested_innermost(void)
{
	live_must(getpid() == 1 && getsid(0) == 0 && getpgid(0) == 0);
	pid_t child = nested_fork();
	if (child == 0) {
		nested_same("a child of the innermost pid 1");
		_exit(0);
	}
	nested_same("the innermost pid 1");
	nested_reap(child, "a child of the innermost");
	child = nested_fork();
	if (child == 0) /* where dumps ask for Landlock, they take some numbers */
		_exit(getpid() >= 3 && getpid() < 20 ? 0 : getpid());
	nested_reap(child, "the next pid");
	_exit(0);
}

/* pid 1 of the first namespace inside. */
static _Noreturn void nested_init(void)
{
	int died[2], status;
	live_must(getpid() == 1 && pipe(died) == 0);
	pid_t zombie = nested_fork(), father, session;
	if (zombie == 0)
		_exit(7);
	if ((father = nested_fork()) == 0) {
		if (nested_fork() == 0) {
			while (getppid() != 1)
				live_sleep_ms(1);
			nested_same("an orphan");
			_exit(0);
		}
		_exit(0);
	}
	nested_reap(father, "the father of an orphan");
	if ((session = nested_fork()) == 0)
		nested_session();
	live_must(unshare(CLONE_NEWPID) == 0);
	pid_t innermost = nested_fork();
	if (innermost == 0)
		nested_innermost();
	siginfo_t info;
	live_must(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT) == 0);
	nested_same("pid 1");
	live_check(waitpid(zombie, &status, 0) == zombie && status == 7 << 8,
		   "the zombie had ended with %#x", status);
	nested_reap(session, "a session");
	nested_reap(innermost, "the innermost");
	live_check(waitpid(-1, &status, 0) > 0 && status == 0, "the orphan ended with %#x", status);
	char last;
	for (int i = 0; i < 2; i++)
		live_check(read(nested_last[0], &last, 1) == 1, "read: %s", strerror(errno));
	_exit(0);
}

/* Outside, with children inside. */
static _Noreturn void nested_maker(int tell)
{
	live_must(unshare(CLONE_NEWPID) == 0);
	pid_t init = nested_fork(), second;
	if (init == 0)
		nested_init();
	if ((second = nested_fork()) == 0) {
		live_must(getpid() != 1 && getppid() == 0);
		nested_same("who has a father outside");
		_exit(0);
	}
	live_must(write(tell, &init, sizeof(init)) == sizeof(init));
	nested_same("who has made it");
	nested_reap(second, "a child inside");
	live_check(write(nested_last[1], "", 1) == 1, "write: %s", strerror(errno));
	nested_reap(init, "pid 1");
	_exit(0);
}

/* Outside, too; enters what another has made. */
static _Noreturn void nested_visitor(int init)
{
	int fd = (int)syscall(SYS_pidfd_open, init, 0);
	live_must(fd >= 0 && setns(fd, CLONE_NEWPID) == 0);
	close(fd);
	pid_t inside = nested_fork(), later;
	if (inside == 0) {
		nested_same("who has entered");
		_exit(0);
	}
	nested_same("whose child has entered");
	nested_reap(inside, "who has entered");
	if ((later = nested_fork()) == 0)
		_exit(getppid() == 0 ? 0 : 1);
	nested_reap(later, "a later child, inside");
	_exit(0);
}

static inline void nested_run(void)
{
	int tell[2], own[2];
	pid_t init;
	nested_outer = getpid() == 1;
	live_must(pipe(nested_ready) == 0 && pipe(tell) == 0 && pipe(own) == 0 &&
		  pipe(nested_last) == 0);
	pid_t maker = nested_fork(), visitor;
	if (maker == 0)
		nested_maker(tell[1]);
	live_must(read(tell[0], &init, sizeof(init)) == sizeof(init));
	if ((visitor = nested_fork()) == 0)
		nested_visitor(init);
	int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	live_must(pidfd >= 0 && fcntl(own[0], F_SETOWN, init) == 0);
	char byte;
	for (int i = 0; i < NESTED_WAITING; i++)
		live_must(read(nested_ready[0], &byte, 1) == 1);
	struct nested_ids before = nested_ids();

	live_ready();

	struct nested_ids after = nested_ids();
	/* the restorer is the parent now */
	live_check(!strncmp(before.text, after.text, strstr(before.text, "ppid") - before.text),
		   "the root was %s, is %s", before.text, after.text);
	live_check(fcntl(own[0], F_GETOWN) == init, "the owner of a pipe is %d",
		   fcntl(own[0], F_GETOWN));
	live_check(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0, "pidfd: %s",
		   strerror(errno));
	nested_reap(visitor, "who has entered another");
	live_check(write(nested_last[1], "", 1) == 1, "write: %s", strerror(errno));
	nested_reap(maker, "who has made them");
	live_pass();
}
