/* SPDX-License-Identifier: MIT
 */
#include "engine/context/interrupt.h"

#include <string.h>
#include <time.h>

#include "base/array.h"

static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

void interrupt_hold(sigset_t *before)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, before);
}

int interrupt_check(struct error *err)
{
	sigset_t pending;
	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		struct sigaction action;
		if (sigismember(&pending, deadly[i]) == 1 &&
		    sigaction(deadly[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			return error_set(err, EINTR, "interrupted by signal %d (SIG%s)", deadly[i],
					 sigabbrev_np(deadly[i]));
	}
	return 0;
}

void interrupt_end(const sigset_t *before, bool forget)
{
	sigset_t late;
	sigemptyset(&late);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaddset(&late, deadly[i]);
	while (forget && sigtimedwait(&late, NULL, &(struct timespec){ 0 }) > 0)
		;
	sigprocmask(SIG_SETMASK, before, NULL);
}
