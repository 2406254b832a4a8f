/* SPDX-License-Identifier: MIT
 * Taking pids away from a tree that is to be restored: "TEST hold PID…", as live-between runs it,
 * starts processes with these pids, which stay until the test has a verdict. "TEST hold-dead PID
 * MS" makes one that has ended, and is waited for so many milliseconds later.
 */
#pragma once

#include "tests/live/live.h"

#include <sched.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline void hold_one(pid_t pid)
{
	struct clone_args ca = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	long rc = syscall(SYS_clone3, &ca, sizeof(ca));
	if (rc < 0 && errno != EEXIST) { /* held since the first round */
		perror("clone3");
		_exit(1);
	}
	if (rc != 0)
		return;
	alarm(120);
	setsid();
	close(0);
	close(1);
	close(2);
	while (access("../verdict", F_OK) < 0)
		live_sleep_ms(20);
	_exit(0);
}

static inline _Noreturn void hold_dead(pid_t pid, int ms)
{
	struct clone_args ca = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	long rc = syscall(SYS_clone3, &ca, sizeof(ca));
	if (rc < 0)
		perror("clone3");
	if (rc > 0)
		live_sleep_ms(ms);
	_exit(rc < 0);
}

static inline void hold(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "hold-dead"))
		hold_dead(atoi(argv[2]), atoi(argv[3]));
	if (argc < 3 || strcmp(argv[1], "hold"))
		return;
	for (int i = 2; i < argc; i++)
		hold_one(atoi(argv[i]));
	_exit(0);
}
