/* SPDX-License-Identifier: MIT
 * Asking the other threads. Each is sent through its own slot into the parasite's code, answers
 * into the area and waits there; the engine takes it out. As many go side by side as there are
 * slots: a thread costs one stop, not one for each of its system calls.
 */
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#include "base/clock.h"
#include "engine/trace/seize.h"
#include "engine/trace/visit.h"

#define SPINS_BEFORE_SLEEP 50

struct guest {
	struct thread *thread;
	struct inject inject;
	size_t slot;
	bool inside;  /* its registers point into the slot */
	bool running; /* it was let go there */
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
		.tid = g->thread->tid,
		.code = v->padding.addr,
		.code_end = v->padding.addr + v->padding.len,
		.entry = v->base,
	};
	return visit_write(v, slot_field(v, g->slot, 0), &fresh, sizeof(fresh), err);
}

static int send_in(struct visit *v, struct guest *g, struct error *err)
{
	pid_t tid = g->thread->tid;
	/* Slot 0 of the padding is the first thread's. */
	g->inject = (struct inject){
		.tid = tid,
		.mem_fd = v->task->mem_fd,
		.slot_addr = v->padding.addr + (g->slot + 1) * inject_slot_size(),
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

/* One read may see the mark of an answer and still the bytes from before it: the kernel copies in
 * any order. What is read after the marks were seen is the answers. */
static int wait_done(struct visit *v, const struct guest *guests, size_t nr,
		     struct parasite_slot *slots, struct error *err)
{
	size_t done = 0; /* so many at the beginning */
	for (int i = 0;; i++) {
		int rc = visit_read(v, slot_field(v, 0, 0), slots, nr * sizeof(*slots), err);
		if (rc < 0 || done == nr)
			return rc;
		while (done < nr && slots[done].done)
			done++;
		if (done == nr)
			continue;
		/* A task that was stopped by a signal stops once more when it is first let go. */
		rc = visit_keep_running(v, guests[done].thread->tid, err);
		if (rc < 0)
			return rc;
		if (clock_ms() > v->deadline_ms)
			return error_set(err, ETIMEDOUT, "thread %d does not answer",
					 guests[done].thread->tid);
		const struct timespec pause = { .tv_nsec = 100000 };
		if (i < SPINS_BEFORE_SLEEP)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
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
	if (rc == 0)
		g->inside = false;
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

static int ask_batch(struct visit *v, struct thread *threads, size_t nr, struct error *err)
{
	struct guest guests[PARASITE_MAX_SLOTS];
	struct parasite_slot slots[PARASITE_MAX_SLOTS];
	size_t sent = 0;
	int rc = 0;
	for (; rc == 0 && sent < nr; sent++) {
		guests[sent] = (struct guest){ .thread = &threads[sent], .slot = sent };
		rc = send_in(v, &guests[sent], err);
	}
	if (rc == 0)
		rc = wait_done(v, guests, sent, slots, err);
	for (size_t i = 0; rc == 0 && i < sent; i++)
		rc = hear(guests[i].thread, &slots[i], err);
	for (size_t i = 0; i < sent; i++)
		if (guests[i].running)
			ptrace(PTRACE_INTERRUPT, guests[i].thread->tid, NULL, NULL);
	for (size_t i = 0; i < sent; i++) {
		if (!guests[i].inside)
			continue;
		int out = take_out(v, &guests[i], rc == 0 ? err : NULL);
		if (out < 0)
			v->state = VISIT_UNDER_WAY; /* nothing may vanish around it */
		if (rc == 0)
			rc = out;
	}
	return rc;
}

int visit_threads(struct visit *v, struct error *err)
{
	struct task *t = v->task;
	size_t batch = v->nr_slots - 1;
	if (t->nr_threads > 1 && batch == 0)
		return error_set(err, ENOTSUP,
				 "too few unused bytes behind the code it maps to ask its threads; "
				 "link it with a library, or keep the vdso mapped");
	int rc = 0;
	for (size_t done = 1; rc == 0 && done < t->nr_threads; done += batch) {
		size_t left = t->nr_threads - done;
		rc = ask_batch(v, &t->threads[done], left < batch ? left : batch, err);
	}
	return rc;
}
