/* SPDX-License-Identifier: MIT
 * Taking pids away from a tree that is to be restored: "TEST hold PID…", as live-between runs it,
 * starts processes with these pids, which stay until the test has a verdict.
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

static inline void hold(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "hold"))
		return;
	for (int i = 2; i < argc; i++)
		hold_one(atoi(argv[i]));
	_exit(0);
}
