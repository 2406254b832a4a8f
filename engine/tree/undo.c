/* SPDX-License-Identifier: MIT
 * Killing what was born. Orphans come to this process, a subreaper meanwhile.
 */
#include "engine/tree/undo.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "engine/tree/birth-plan.h"

#define TRIES    5000
#define TRY_NSEC (1000 * 1000)

/* A thread that was taken over stays, dead, until its tracer has seen it; and so does its task. */
static void reap_threads(const struct rtask *t)
{
	for (size_t i = 1; t && i < t->nr_threads; i++)
		waitpid(rtask_tid(t, i), NULL, WNOHANG | __WALL);
}

/* @return true while the task is there and may still become ours to reap */
static bool is_left(struct restore *r, size_t i)
{
	struct restore_slot *slot = &r->shared->slots[i];
	pid_t pid = slot->real;
	if (!slot->born)
		return false;
	if (!pid) /* it has not told yet */
		return true;
	kill(pid, SIGKILL);
	reap_threads(r->plan->items[i].task);
	int status;
	pid_t reaped = waitpid(pid, &status, WNOHANG | __WALL);
	/* a stopped tracee is no death; one that is not our child (yet) shows up later, or its
	 * parent, the caller of a restore of siblings, reaps it */
	bool gone =
	    (reaped == pid && !WIFSTOPPED(status)) ||
	    (reaped < 0 && errno == ECHILD && (kill(pid, 0) < 0 || r->opts->restore_sibling));
	if (gone)
		slot->born = 0;
	return !gone;
}

void undo_births(struct restore *r)
{
	for (int try = 0; try < TRIES; try++) {
		size_t left = 0;
		for (size_t i = 0; i < r->plan->nr; i++)
			left += is_left(r, i);
		if (!left)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = TRY_NSEC }, NULL);
	}
	log_warn("some tasks of the failed restore have not ended yet");
}
