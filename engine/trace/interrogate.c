/* SPDX-License-Identifier: MIT
 * Asking a task what only its inside knows, and leaving nothing behind.
 */
#include "engine/trace/collect.h"
#include "engine/trace/trace.h"
#include "engine/trace/visit.h"

int trace_interrogate(struct dump *d, struct task *t, struct error *err)
{
	(void)d;
	struct visit v;
	int rc = visit_begin(&v, t, err);
	if (rc < 0)
		return rc;
	rc = visit_ask_task(&v, err);
	if (rc == 0)
		rc = visit_ask_threads(&v, err);
	int out = visit_end(&v, rc == 0 ? err : NULL);
	if (rc == 0)
		rc = out;
	/* What was sent to it meanwhile waits in its queues. */
	return rc < 0 ? rc : trace_peek_signals(t, err);
}
