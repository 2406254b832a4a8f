/* SPDX-License-Identifier: MIT
 * Asking the other threads. Each is sent through a slot into the parasite's code, answers into the
 * area, and stops on its way out; then the next one is sent through. One for which no signal means
 * nothing waits inside, and the engine takes it out. As many go side by side as there are slots: a
 * thread costs one stop, not one for each of its system calls.
 */
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#include "base/clock.h"
#include "engine/trace/seize.h"
#include "engine/trace/visit.h"

#define LOOKS_BEFORE_SLEEP 50

struct guest {
	struct thread *thread;
	struct inject inject;
	size_t slot;
	bool inside;  /* its registers point into the slot */
	bool running; /* it was let go there */
	bool heard;   /* and was interrupted, to be taken out */
};

/* Threads of a task on their way through it. */
struct passage {
	struct visit *v;
	struct guest guests[PARASITE_MAX_SLOTS]; /* one in each slot, or none */
	size_t nr_slots, nr_inside;
	struct thread *next, *end; /* those that were not inside yet */
};

static uint64_t slot_field(const struct visit *v, size_t slot, size_t offset)
{
	return v->area_addr + offsetof(struct parasite_area, slots) +
	       slot * sizeof(struct parasite_slot) + offset;
}

/* Should the engine die between this and the move that it announces, the parasite waits for a
   thread that does not come, or is gone: so nothing stands between the two. */
static int set_busy(struct visit *v, const struct guest *g, bool busy, struct error *err)
{
	struct parasite_slot fresh = {
		.busy = busy,
		.leaves = g->inject.tell_signo != 0,
		.tid = g->thread->tid,
		.code = v->padding.addr,
		.code_end = v->padding.addr + v->padding.len,
		.entry = v->base,
	};
	return visit_write(v, slot_field(v, g->slot, 0), &fresh, sizeof(fresh), err);
}

static bool is_blocked(const struct thread *th, int signo)
{
	return signo && (th->sigmask >> (signo - 1) & 1);
}

static int send_in(struct visit *v, struct guest *g, struct error *err)
{
	pid_t tid = g->thread->tid;
	int tell_signo = v->tells ? v->leader.tell_signo : 0;
	/* That of the first thread stands before the others. */
	g->inject = (struct inject){
		.tid = tid,
		.mem_fd = v->task->mem_fd,
		.slot_addr =
		    v->padding.addr + inject_slot_size() + g->slot * inject_thread_slot_size(),
		.is_thread = true,
		.tell_signo = is_blocked(g->thread, tell_signo) ? 0 : tell_signo,
	};
	struct inject_args args = {
		.base = slot_field(v, g->slot, offsetof(struct parasite_slot, left)),
		.entry = v->base,
		.stack = v->base + v->len - g->slot * PARASITE_THREAD_STACK,
		.arg0 = v->area_addr,
		.arg1 = slot_field(v, g->slot, 0),
	};
	int rc = inject_prepare(&g->inject, &g->thread->regs, g->thread->sigmask, err);
	if (rc < 0)
		return rc;
	g->inside = true;
	rc = inject_enter(&g->inject, INJECT_HEAL, &args, err);
	if (rc == 0)
		rc = set_busy(v, g, true, err);
	if (rc == 0)
		rc = inject_move(&g->inject, INJECT_THREAD, &args, err);
	if (rc == 0 && ptrace(PTRACE_CONT, tid, NULL, NULL) < 0)
		rc = error_sys(err, "thread %d: let it run", tid);
	g->running = rc == 0;
	return rc;
}

static int take_out(struct visit *v, struct guest *g, struct error *err)
{
	int rc = g->running ? visit_wait_interrupted(v, g->thread->tid, err) : 0;
	const struct inject_args none = { 0 };
	if (rc == 0)
		rc = inject_move(&g->inject, INJECT_HEAL, &none, err);
	if (rc == 0)
		rc = set_busy(v, g, false, err);
	if (rc == 0)
		rc = inject_leave(&g->inject, err);
	if (rc < 0)
		v->state = VISIT_UNDER_WAY; /* nothing may vanish around it */
	*g = (struct guest){ 0 };
	return rc;
}

static int hear(struct thread *th, const struct parasite_slot *slot, struct error *err)
{
	if (slot->rc > 0)
		return error_set(err, EPROTO, "thread %d: the parasite answers nonsense (%d)",
				 th->tid, slot->rc);
	if (slot->rc < 0)
		return error_code(err, slot->rc, "thread %d: ask it from inside", th->tid);
	th->inside = slot->info;
	return 0;
}

/* It has said that it is out of the mapping, and what comes next in its slot heals it. */
static int meet_outside(struct visit *v, struct guest *g, struct error *err)
{
	struct parasite_slot slot;
	int rc = visit_wait_told(v, g->thread->tid, err);
	g->inject.healing = rc == 0;
	g->running = rc < 0;
	if (rc == 0)
		rc = visit_read(v, slot_field(v, g->slot, 0), &slot, sizeof(slot), err);
	if (rc == 0)
		rc = hear(g->thread, &slot, err);
	if (rc == 0)
		rc = inject_leave(&g->inject, err);
	if (rc == 0)
		*g = (struct guest){ 0 };
	return rc;
}

static bool is_waiting_inside(const struct guest *g)
{
	return g->thread && !g->inject.tell_signo;
}

/* Who was heard leaves, who was not asked yet comes. */
static int change_guests(struct passage *p, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->nr_slots; i++) {
		struct guest *g = &p->guests[i];
		if (g->heard || (g->thread && g->inject.tell_signo)) {
			rc = g->heard ? take_out(p->v, g, err) : meet_outside(p->v, g, err);
			p->nr_inside--;
		}
		if (rc < 0 || g->thread || p->next == p->end)
			continue;
		*g = (struct guest){ .thread = p->next++, .slot = i };
		p->nr_inside++;
		rc = send_in(p->v, g, err);
	}
	return rc;
}

static int read_slots(struct passage *p, struct parasite_slot *slots, struct error *err)
{
	return visit_read(p->v, slot_field(p->v, 0, 0), slots, p->nr_slots * sizeof(*slots), err);
}

/*
 * One read may see the mark of an answer and still the bytes from before it: the kernel copies in
 * any order. What is read after the marks were seen is the answers.
 * @return so many answers, or -errno
 */
static int hear_guests(struct passage *p, struct error *err)
{
	struct parasite_slot marks[PARASITE_MAX_SLOTS], slots[PARASITE_MAX_SLOTS];
	int nr = 0, rc = read_slots(p, marks, err);
	for (size_t i = 0; rc == 0 && i < p->nr_slots; i++)
		nr += is_waiting_inside(&p->guests[i]) && marks[i].done;
	if (rc == 0 && nr)
		rc = read_slots(p, slots, err);
	for (size_t i = 0; rc == 0 && nr && i < p->nr_slots; i++) {
		struct guest *g = &p->guests[i];
		if (!is_waiting_inside(g) || !marks[i].done)
			continue;
		rc = hear(g->thread, &slots[i], err);
		ptrace(PTRACE_INTERRUPT, g->thread->tid, NULL, NULL);
		g->heard = true;
	}
	return rc < 0 ? rc : nr;
}

/* Nobody has answered since the last look. */
static int wait_a_little(struct passage *p, int looks, struct error *err)
{
	pid_t tid = 0;
	for (size_t i = 0; !tid && i < p->nr_slots; i++)
		tid = is_waiting_inside(&p->guests[i]) ? p->guests[i].thread->tid : 0;
	if (!tid)
		return 0;
	/* A task that was stopped by a signal stops once more when it is first let go. */
	int rc = visit_keep_running(p->v, tid, err);
	if (rc < 0)
		return rc;
	if (clock_ms() > p->v->deadline_ms)
		return error_set(err, ETIMEDOUT, "thread %d does not answer", tid);
	const struct timespec pause = { .tv_nsec = 100000 };
	if (looks < LOOKS_BEFORE_SLEEP)
		sched_yield();
	else
		nanosleep(&pause, NULL);
	return 0;
}

static int let_pass(struct passage *p, struct error *err)
{
	int looks = 0;
	for (;;) {
		int rc = change_guests(p, err);
		if (rc < 0 || !p->nr_inside)
			return rc;
		rc = hear_guests(p, err);
		looks = rc > 0 ? 0 : looks + 1;
		if (rc == 0)
			rc = wait_a_little(p, looks, err);
		if (rc < 0)
			return rc;
	}
}

/* After a failure. */
static void clear_out(struct passage *p)
{
	for (size_t i = 0; i < p->nr_slots; i++)
		if (p->guests[i].running && !p->guests[i].heard)
			ptrace(PTRACE_INTERRUPT, p->guests[i].thread->tid, NULL, NULL);
	for (size_t i = 0; i < p->nr_slots; i++)
		if (p->guests[i].inside)
			take_out(p->v, &p->guests[i], NULL);
}

int visit_threads(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	struct passage p = {
		.v = v,
		.nr_slots = v->nr_slots,
		.next = t->threads + 1,
		.end = t->threads + t->nr_threads,
	};
	if (t->nr_threads == 1)
		return 0;
	int rc = let_pass(&p, err);
	if (rc < 0)
		clear_out(&p);
	return rc;
}
