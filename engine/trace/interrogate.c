/* SPDX-License-Identifier: MIT
 * Asking a task what only its inside knows.
 */
#include "engine/trace/trace.h"

int trace_interrogate(struct dump *d, struct task *t, struct error *err)
{
	(void)d, (void)t, (void)err; /* the parasite's answers follow: dispositions read as default */
	return 0;
}
