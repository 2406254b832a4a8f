/* SPDX-License-Identifier: MIT
 * Timers: the three of setitimer(2), and those of timer_create(2). What a timer does stands in
 * /proc/PID/timers; how much time is left only the task itself can ask.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mem/arena.h"
#include "engine/procfs/read.h"
#include "engine/task/parts.h"
#include "images/message.h"

#define NSEC_PER_SEC 1000000000u
#define USEC_PER_SEC 1000000u
#define NR_SIGNALS   64

/* Owns the items of what proc_timers_parse() filled. */
static void proc_timers_cleanup(struct proc_timers *t)
{
	free(t->items);
}

static ItimerEntry *dump_itimer(const struct parasite_itimer *from)
{
	ItimerEntry *e = message_new(&itimer_entry__descriptor);
	if (e) {
		e->isec = from->interval_sec;
		e->iusec = from->interval_usec;
		e->vsec = from->value_sec;
		e->vusec = from->value_usec;
	}
	return e;
}

static const struct parasite_posix_timer *inside_timer(const struct task *t, int32_t id)
{
	for (uint32_t i = 0; i < t->inside.nr_timers; i++)
		if (t->timers[i].id == id)
			return &t->timers[i];
	return NULL;
}

/* /proc shows the thread as the reader's pid namespace numbers it. */
static int32_t target_tid(const struct task *t, int32_t tid)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (t->threads[i].tid == tid)
			return t->threads[i].vtid;
	return -1;
}

static int dump_posix_timer(const struct task *t, const struct proc_timer *from, PosixTimerEntry *e,
			    struct error *err)
{
	const struct parasite_posix_timer *in = inside_timer(t, from->id);
	if (!in)
		return error_set(err, EPROTO, "timer %d: the parasite did not tell it", from->id);
	e->it_id = (uint32_t)from->id;
	e->clock_id = (uint32_t)from->clock;
	e->si_signo = (uint32_t)from->signo;
	e->it_sigev_notify = (uint32_t)from->notify;
	e->sival_ptr = from->sival_ptr;
	e->overrun = in->overrun < 0 ? 0 : (uint32_t)in->overrun;
	e->isec = in->interval_sec;
	e->insec = in->interval_nsec;
	e->vsec = in->value_sec;
	e->vnsec = in->value_nsec;
	if (!(from->notify & SIGEV_THREAD_ID))
		return 0;
	e->has_notify_thread_id = true;
	e->notify_thread_id = target_tid(t, from->notify_tid);
	if (e->notify_thread_id > 0)
		return 0;
	return error_set(
	    err, ENOTSUP,
	    "timer %d signals thread %d, which is gone: it cannot be made again; delete it "
	    "before the dump",
	    from->id, from->notify_tid);
}

static int dump_posix_timers(const struct task *t, TaskTimersEntry *timers, struct error *err)
{
	__attribute__((cleanup(proc_timers_cleanup))) struct proc_timers list = { 0 };
	int rc = proc_timers_read(t->proc_fd, &list, err);
	if (rc < 0)
		return error_wrap(err, rc, "/proc/%d", t->pid);
	timers->posix = message_array(&posix_timer_entry__descriptor, list.nr, &timers->n_posix);
	if (list.nr && !timers->posix)
		return error_set(err, ENOMEM, "timers: out of memory");
	for (size_t i = 0; i < list.nr; i++) {
		rc = dump_posix_timer(t, &list.items[i], timers->posix[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int timers_dump(const struct task *t, TaskCoreEntry *tc, struct error *err)
{
	TaskTimersEntry *e = tc->timers = message_new(&task_timers_entry__descriptor);
	if (!e)
		return error_set(err, ENOMEM, "timers: out of memory");
	e->real = dump_itimer(&t->inside.itimers[0]);
	e->virt = dump_itimer(&t->inside.itimers[1]);
	e->prof = dump_itimer(&t->inside.itimers[2]);
	if (!e->real || !e->virt || !e->prof)
		return error_set(err, ENOMEM, "timers: out of memory");
	/* Created timers the parasite knows of come from the same file: none there, none here. */
	return t->inside.nr_timers ? dump_posix_timers(t, e, err) : 0;
}

static int check_itimer(const char *name, const ItimerEntry *e, struct error *err)
{
	if (e->iusec < USEC_PER_SEC && e->vusec < USEC_PER_SEC && e->isec <= INT64_MAX &&
	    e->vsec <= INT64_MAX)
		return 0;
	return error_set(err, EBADMSG, "timers.%s: not a time", name);
}

static int check_posix_timer(const TaskTimersEntry *timers, size_t i, struct error *err)
{
	const PosixTimerEntry *e = timers->posix[i];
	if (e->it_id > INT32_MAX)
		return error_set(err, EBADMSG, "timers.posix[%zu]: bad id %u", i, e->it_id);
	for (size_t j = 0; j < i; j++)
		if (timers->posix[j]->it_id == e->it_id)
			return error_set(err, EBADMSG, "timers.posix[%zu]: id %u again", i,
					 e->it_id);
	if (e->insec >= NSEC_PER_SEC || e->vnsec >= NSEC_PER_SEC || e->isec > INT64_MAX ||
	    e->vsec > INT64_MAX)
		return error_set(err, EBADMSG, "timers.posix[%zu]: not a time", i);
	/* The kernel keeps whatever number a timer without a signal was given. */
	if (e->it_sigev_notify != SIGEV_NONE && (e->si_signo < 1 || e->si_signo > NR_SIGNALS))
		return error_set(err, EBADMSG, "timers.posix[%zu]: no signal has number %u", i,
				 e->si_signo);
	switch (e->it_sigev_notify) {
	case SIGEV_NONE:
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return 0;
	case SIGEV_THREAD_ID:
		if (e->has_notify_thread_id && e->notify_thread_id > 0)
			return 0;
		return error_set(err, EBADMSG, "timers.posix[%zu]: no thread to notify", i);
	}
	return error_set(err, EBADMSG, "timers.posix[%zu]: unknown notification %u", i,
			 e->it_sigev_notify);
}

int timers_check(const TaskTimersEntry *e, struct error *err)
{
	if (!e)
		return error_set(err, EBADMSG, "tc.timers is missing");
	int rc;
	if ((rc = check_itimer("real", e->real, err)) < 0 ||
	    (rc = check_itimer("virt", e->virt, err)) < 0 ||
	    (rc = check_itimer("prof", e->prof, err)) < 0)
		return rc;
	if (e->n_posix > PARASITE_MAX_TIMERS)
		return error_set(err, ENOTSUP, "timers.posix: %zu timers, at most %d", e->n_posix,
				 PARASITE_MAX_TIMERS);
	for (size_t i = 0; i < e->n_posix; i++)
		if ((rc = check_posix_timer(e, i, err)) < 0)
			return rc;
	return 0;
}

size_t timers_args_size(const TaskTimersEntry *e)
{
	return e ? e->n_posix * sizeof(struct restorer_timer) + sizeof(uint64_t) : 0;
}

static void fill_posix_timer(const PosixTimerEntry *e, struct restorer_timer *out)
{
	out->id = (int32_t)e->it_id;
	out->clock = (int32_t)e->clock_id;
	out->notify = (int32_t)e->it_sigev_notify;
	out->signo = (int32_t)e->si_signo;
	out->notify_tid = e->has_notify_thread_id ? e->notify_thread_id : 0;
	out->overrun = (int32_t)e->overrun;
	out->sival_ptr = e->sival_ptr;
	out->interval_sec = e->isec;
	out->interval_nsec = e->insec;
	out->value_sec = e->vsec;
	out->value_nsec = e->vnsec;
}

static int order_by_id(const void *a, const void *b)
{
	const struct restorer_timer *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

int timers_fill(const TaskTimersEntry *e, struct arena *arena, struct restorer_args *args,
		struct error *err)
{
	const ItimerEntry *itimers[] = { e->real, e->virt, e->prof };
	for (size_t i = 0; i < 3; i++) {
		args->itimers[i].isec = itimers[i]->isec;
		args->itimers[i].iusec = itimers[i]->iusec;
		args->itimers[i].vsec = itimers[i]->vsec;
		args->itimers[i].vusec = itimers[i]->vusec;
	}
	/* Expired, its signal queued: the kernel would set it going again when that is taken. */
	if (!e->real->vsec && !e->real->vusec) {
		args->itimers[0].vsec = e->real->isec;
		args->itimers[0].vusec = e->real->iusec;
	}
	args->nr_timers = 0;
	if (!e->n_posix)
		return 0;
	args->timers = arena_alloc(arena, e->n_posix * sizeof(*args->timers), 8);
	if (!args->timers)
		return error_set(err, ENOMEM, "timers: the arena is full");
	for (size_t i = 0; i < e->n_posix; i++)
		fill_posix_timer(e->posix[i], &args->timers[i]);
	args->nr_timers = (uint32_t)e->n_posix;
	/* Where the kernel counts ids up, what is passed over is gone. */
	qsort(args->timers, args->nr_timers, sizeof(*args->timers), order_by_id);
	return 0;
}
