/* SPDX-License-Identifier: MIT
 * One adopts after the other, from the root down: an orphan goes to the lowest above it that does,
 * so nobody may begin before those who go to somebody higher are there.
 */
#include "engine/tree/adopt.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "engine/tree/stage.h"

#define LOOK_NSEC (1000 * 1000)

static int set_death_signal(const struct birth *b, int signo, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, signo) < 0)
		return error_sys(err, "task %d: set its death signal", b->pid);
	return 0;
}

int adopt_prepare(const struct birth *b, struct error *err)
{
	return b->orphan ? set_death_signal(b, 0, err) : 0;
}

/* Look again in a moment. */
static int wait_on(const struct restore *r, const struct birth *b, struct error *err)
{
	if (restore_is_over(r->shared))
		return error_set(err, ECANCELED, "task %d: the restore has failed", b->pid);
	nanosleep(&(struct timespec){ .tv_nsec = LOOK_NSEC }, NULL);
	return 0;
}

static int await(const struct restore *r, const struct birth *b, const uint32_t *word,
		 struct error *err)
{
	int rc = 0;
	while (rc == 0 && !__atomic_load_n(word, __ATOMIC_ACQUIRE))
		rc = wait_on(r, b, err);
	return rc;
}

static bool is_above(const struct birth_plan *plan, size_t above, size_t of)
{
	do
		of = plan->items[of].parent;
	while (of != BIRTH_BY_COORDINATOR && of != above);
	return of == above;
}

/* @param own  orphans that come to this task; else: to those above it */
static int await_orphans(const struct restore *r, size_t index, bool own, struct error *err)
{
	const struct birth *items = r->plan->items;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->plan->nr; i++)
		if (items[i].orphan &&
		    (own ? items[i].parent == index : is_above(r->plan, items[i].parent, index)))
			rc = await(r, &items[index], &r->shared->slots[i].adopted, err);
	return rc;
}

static int set_adopting(const struct birth *b, bool on, struct error *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, on) < 0)
		return error_sys(err, "task %d: adopt orphans", b->pid);
	return 0;
}

static int adopt_all(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	int rc = await_orphans(r, index, false, err);
	if (rc == 0)
		rc = set_adopting(b, true, err);
	if (rc < 0)
		return rc;
	__atomic_store_n(&r->shared->slots[index].adopts, 1, __ATOMIC_RELEASE);
	rc = await_orphans(r, index, true, err);
	return rc < 0 ? rc : set_adopting(b, false, err);
}

static int be_adopted(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	pid_t parent = birth_seen_as(&r->plan->items[b->parent], b);
	int rc = 0;
	while (rc == 0 && getppid() != parent)
		rc = wait_on(r, b, err);
	if (rc == 0)
		rc = set_death_signal(b, SIGKILL, err);
	if (rc == 0)
		__atomic_store_n(&r->shared->slots[index].adopted, 1, __ATOMIC_RELEASE);
	return rc;
}

int adopt(struct restore *r, size_t index, struct error *err)
{
	const struct birth *items = r->plan->items;
	bool adopts = false;
	int rc = items[index].orphan ? be_adopted(r, index, err) : 0;
	for (size_t i = 0; rc == 0 && i < r->plan->nr; i++) {
		if (items[i].orphan && items[i].by == index)
			rc =
			    await(r, &items[index], &r->shared->slots[items[i].parent].adopts, err);
		adopts |= items[i].orphan && items[i].parent == index;
	}
	return rc == 0 && adopts ? adopt_all(r, index, err) : rc;
}
