/* SPDX-License-Identifier: MIT
 * One visit inside a task: the parasite's mapping, its socket, the slots of its threads. Many
 * visits go on side by side, step by step, so that their tasks run while we see to the others.
 */
#pragma once

#include "engine/arch/inject.h"
#include "engine/context/task.h"
#include "engine/pie/parasite-area.h"
#include "engine/trace/padding.h"

enum visit_state {
	VISIT_NONE,      /* nothing of the task was changed */
	VISIT_UNDER_WAY, /* on its way in or out; let go, it finishes that by itself */
	VISIT_MAPPED,    /* stopped, the mapping is there, nothing else */
	VISIT_SERVING,   /* its first thread runs the parasite, and has answered */
	VISIT_OVER,      /* stopped, with its own registers, nothing left */
};

struct visit {
	struct task *task;
	enum visit_state state;
	bool in_call; /* the first thread has begun the system call to whose exit it was sent, */
	bool at_exit; /* or is there */
	struct padding padding;
	size_t nr_slots;             /* that fit the padding */
	struct inject leader;        /* in slot 0 */
	uint64_t base, len;          /* the mapping; base 0: none yet */
	uint64_t area_addr;          /* struct parasite_area in it */
	int sock;                    /* our end; -1: none yet */
	int32_t their_sock;          /* as the task numbers it */
	bool tell_fds;               /* the parasite is to tell of the task's descriptors */
	struct task *const *stopped; /* of the tree, that are somebody's children; borrowed */
	size_t nr_stopped, nr_stops; /* so many are children of this task */
	struct parasite_request request;
	bool tells; /* who leaves stops for a signal of its own, leader.tell_signo */
	int64_t deadline_ms;
};

/* The steps, in order; visit_advance() between those that wait for a system call. */
int visit_start(struct visit *v, struct error *err);   /* send it to mmap; v->task is set */
int visit_load(struct visit *v, struct error *err);    /* copy the parasite, let it start */
int visit_ask(struct visit *v, struct error *err);     /* take our end of its socket, ask */
int visit_hear(struct visit *v, struct error *err);    /* fill what it tells into the task */
int visit_threads(struct visit *v, struct error *err); /* ask the other threads */
int visit_recall(struct visit *v, struct error *err);  /* interrupt the first thread */
int visit_dismiss(struct visit *v, struct error *err); /* send it to close its socket */
int visit_unmap(struct visit *v, struct error *err);   /* let it go on to munmap */
int visit_end(struct visit *v, struct error *err);     /* its own registers, clean padding */

/** Wait for the first thread's next stop on its way; send it on unless it has arrived. */
int visit_advance(struct visit *v, struct error *err);

/**
 * After a failure: take out what can be taken out in order. Otherwise the thread is stopped
 * where it is; it heals itself when it is let go.
 */
void visit_abort(struct visit *v);

/* Means, for the two files with steps. */
/** Send the first thread to the exit of its next system call. */
int visit_kick(struct visit *v, struct error *err);
/** Wait until it is there. */
int visit_arrive(struct visit *v, struct error *err);
/** Wait for the stop of an interrupted thread. */
int visit_wait_interrupted(struct visit *v, pid_t tid, struct error *err);
/** Wait for the stop of the signal that a thread sends itself. */
int visit_wait_told(struct visit *v, pid_t tid, struct error *err);
/** A thread that should run: if it stopped for nothing, let it go on. */
int visit_keep_running(struct visit *v, pid_t tid, struct error *err);
/** Set nr_stops. visit-stops.c */
void visit_count_stops(struct visit *v);
/** Ask of each whether the task knows; hear it. @param addr  where nr_stops uint64_t have room */
int visit_tell_stops(struct visit *v, uint64_t addr, struct parasite_request *req,
		     struct error *err);
int visit_hear_stops(struct visit *v, struct error *err);
/** Write to or read from the area: whole or error. */
int visit_write(struct visit *v, uint64_t addr, const void *buf, size_t len, struct error *err);
int visit_read(struct visit *v, uint64_t addr, void *buf, size_t len, struct error *err);
