/* SPDX-License-Identifier: MIT
 * One visit inside a task: the parasite's mapping, its socket, the slots of its threads.
 */
#pragma once

#include "engine/pie/parasite-area.h"
#include "engine/task/inject.h"
#include "engine/task/task.h"
#include "engine/trace/padding.h"

struct visit {
	struct task *task;
	struct padding padding;
	size_t nr_slots;      /* that fit the padding */
	struct inject leader; /* in slot 0 */
	uint64_t base, len;   /* the mapping; base 0: none yet */
	uint64_t area_addr;   /* struct parasite_area in it */
	int sock;             /* our end; -1: none yet */
	int64_t deadline_ms;
};

/** Map the parasite into a stopped task and let its first thread serve. */
int visit_begin(struct visit *v, struct task *t, struct error *err);
/**
 * Take everything out: mapping, descriptor, code. The first thread is stopped with its own
 * registers afterwards. Also after a failure; what cannot be undone from outside heals itself.
 */
int visit_end(struct visit *v, struct error *err);

/** Ask the first thread: t->inside and that of its first thread. */
int visit_ask_task(struct visit *v, struct error *err);
/** Ask all other threads, as many side by side as there are slots. */
int visit_ask_threads(struct visit *v, struct error *err);

/** Let a thread run on until its next stop of the kind asked for. */
int visit_run_to_syscall_exit(struct visit *v, pid_t tid, struct error *err);
/** Interrupt a running thread. */
int visit_interrupt(struct visit *v, pid_t tid, struct error *err);
/** If a running thread has stopped for a reason that is not ours, let it go on. Never waits. */
int visit_keep_running(struct visit *v, pid_t tid, struct error *err);
/** Write to or read from the area: whole or error. */
int visit_write(struct visit *v, uint64_t addr, const void *buf, size_t len, struct error *err);
int visit_read(struct visit *v, uint64_t addr, void *buf, size_t len, struct error *err);
