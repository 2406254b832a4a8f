/* SPDX-License-Identifier: MIT
 * Frozen inside a signal handler on the alternate stack: it returns to what it interrupted.
 */
#include <signal.h>

#include "tests/live/live.h"

static char stack[64 << 10];
static volatile int finished;

static void handler(int signo)
{
	(void)signo;
	live_ready();
	stack_t now;
	live_must(sigaltstack(NULL, &now) == 0);
	live_check(now.ss_flags & SS_ONSTACK, "flags of the signal stack are %#x", now.ss_flags);
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	live_check(sigismember(&blocked, SIGUSR1), "the handler's signal is not blocked");
	finished = 1;
}

int main(void)
{
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	live_must(sigaltstack(&ss, NULL) == 0);
	live_must(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	live_check(finished, "the handler did not finish");
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	live_check(!sigismember(&blocked, SIGUSR1), "the signal stayed blocked");
	live_must(sigaltstack(NULL, &ss) == 0);
	live_check(ss.ss_flags == 0 && ss.ss_sp == stack, "the signal stack is gone");
	live_pass();
}
