/* SPDX-License-Identifier: MIT
 * Signal dispositions with their flags and masks, and an alternate stack that handlers run on.
 */
#include <signal.h>

#include "tests/live/live.h"

static char stack[64 << 10];
static volatile int value, on_stack;

static void handler(int signo, siginfo_t *info, void *context)
{
	char here;
	(void)context;
	(void)signo;
	value = info->si_value.sival_int;
	on_stack = &here >= stack && &here < stack + sizeof(stack);
}

static void plain(int signo)
{
	value = signo;
}

static struct sigaction get(int signo)
{
	struct sigaction sa;
	live_must(sigaction(signo, NULL, &sa) == 0);
	return sa;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaddset(&sa.sa_mask, 64);
	live_must(sigaction(SIGUSR1, &sa, NULL) == 0);
	live_must(sigaction(64, &sa, NULL) == 0);
	struct sigaction once = { .sa_handler = plain, .sa_flags = SA_RESETHAND | SA_NODEFER };
	live_must(sigaction(SIGHUP, &once, NULL) == 0);
	live_must(signal(SIGTERM, SIG_IGN) != SIG_ERR);
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, now;
	live_must(sigaltstack(&ss, NULL) == 0);

	live_ready();

	live_must(sigaltstack(NULL, &now) == 0);
	live_check(now.ss_sp == stack && now.ss_size == sizeof(stack) && !now.ss_flags,
		   "signal stack is %p %zu %#x", now.ss_sp, now.ss_size, now.ss_flags);
	live_check(get(SIGTERM).sa_handler == SIG_IGN, "SIGTERM is not ignored");
	live_check(get(SIGINT).sa_handler == SIG_DFL, "SIGINT is not default");
	sa = get(64);
	live_check(sa.sa_sigaction == handler, "handler of signal 64 is %p",
		   (void *)sa.sa_sigaction);
	live_check((sa.sa_flags & (SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER)) ==
		       (SA_SIGINFO | SA_ONSTACK | SA_RESTART),
		   "flags of signal 64 are %#x", sa.sa_flags);
	live_check(sigismember(&sa.sa_mask, 64) && sigismember(&sa.sa_mask, SIGUSR2) &&
		       !sigismember(&sa.sa_mask, SIGUSR1),
		   "mask of signal 64 differs");
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
	live_check(value == 77, "the handler got %d", value);
	live_check(on_stack, "the handler did not run on its stack");
	raise(SIGHUP);
	live_check(value == SIGHUP, "SIGHUP was not handled");
	live_check(get(SIGHUP).sa_handler == SIG_DFL, "SA_RESETHAND was lost");
	live_pass();
}
