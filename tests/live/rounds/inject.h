/* SPDX-License-Identifier: MIT
 * Running the engine and, by ptrace, making one of the system calls fail that it or a process it
 * makes asks for. A process is left alone once the engine traces it itself.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct inject {
	/* what to do */
	char *const *argv;
	long n;    /* which call fails, from 1; 0: none */
	int error; /* its errno */
	bool kill; /* instead: SIGKILL before the n-th call of the engine itself, whichever it is */
	int timeout_ms;
	const char *output; /* file for what it prints */
	/* what was done */
	int status;    /* as of waitpid(2) */
	bool injected; /* there was an n-th call */
	bool late;     /* it had to be killed, after timeout_ms */
	bool stray;    /* it ended, but a process it had made did not */
	long nr;       /* of the call that failed */
	long arg;      /* its first argument */
	bool child;    /* it was one of a process that the engine had made */
	long seen;     /* calls there were */
};

/** Run it to its end. Calls that cannot fail when asked for rightly are not counted. */
void inject_run(struct inject *in);

/** @return the name of a system call, or its number as text */
const char *inject_call_name(long nr);
