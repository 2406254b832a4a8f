/* SPDX-License-Identifier: MIT
 * The memory the parasite lives in: [blob, page aligned][struct parasite_area][where mappings
 * begin][stacks].
 * The engine writes and reads it from outside; every value the inside may have set is checked.
 */
#pragma once

#include <stdint.h>

#include "engine/pie/parasite.h"

#define PARASITE_MAX_SLOTS    16         /* threads that are asked side by side */
#define PARASITE_STACK        (16 << 10) /* of the task's first thread */
#define PARASITE_THREAD_STACK (4 << 10)

enum parasite_command {
	PARASITE_ASK_TASK = 1,
};

struct parasite_request { /* engine → parasite, one packet */
	uint32_t command;
	uint32_t nr_fds; /* size of its descriptor table; 0: do not tell of it */
	/* where its mappings begin; turned into the numbers of their policies, 0: none */
	uint64_t mappings_addr, nr_mappings;
	uint64_t stops_addr, nr_stops; /* pids of stopped children; becomes PARASITE_STOP_TOLD */
	uint64_t child_stack;          /* of a child that tries Landlock; 0: none may be born */
	uint32_t landlock;             /* 1: this kernel has it */
	int32_t tell_signo;            /* may it send itself that one? 0: not asked */
	int32_t outsider; /* the engine, as the task numbers it; 0: in another pid namespace */
	uint32_t nr_timers;
	int32_t timer_ids[PARASITE_MAX_TIMERS]; /* up to the last is sent */
};
static inline uint64_t parasite_request_size(const struct parasite_request *req)
{
	return __builtin_offsetof(struct parasite_request, timer_ids) +
	       req->nr_timers * sizeof(req->timer_ids[0]);
}

/* parasite → engine, one packet: the head, the task, its timers, its descriptors */
struct parasite_head {
	uint32_t command;
	int32_t rc; /* 0 or -errno */
	struct parasite_thread leader;
};
static inline uint64_t parasite_timers_size(const struct parasite_request *req)
{
	return req->nr_timers * sizeof(struct parasite_posix_timer);
}
static inline uint64_t parasite_fds_size(const struct parasite_request *req)
{
	return (req->nr_fds + 63) / 64 * sizeof(struct parasite_fds);
}

struct parasite_slot {   /* one thread that is being asked */
	uint32_t busy;   /* engine: set before the thread is sent in, cleared when it is out */
	uint32_t done;   /* thread: the answer is there, it waits to be taken out */
	uint32_t left;   /* thread: it found its own way out, nothing of it is in here any more */
	uint32_t leaves; /* engine: it does not wait, its slot stops it */
	int32_t rc;
	int32_t tid;
	uint64_t code, code_end; /* where its slots are */
	uint64_t entry;          /* where the mapping, and so the blob, begins */
	struct parasite_thread info;
};

struct parasite_area {
	uint32_t dying; /* futex: the engine is gone, everybody leave */
	int32_t socket_rc;
	int32_t sockets[2]; /* [0] the engine's, [1] the parasite's */
	struct parasite_request request;
	struct parasite_head head;
	struct parasite_task task;
	struct parasite_slot slots[PARASITE_MAX_SLOTS];
	/* every page that is used costs: hardly any task has these */
	struct parasite_posix_timer timers[PARASITE_MAX_TIMERS];
	struct parasite_fds fds[PARASITE_MAX_FDS / 64];
	struct numa_policy policies[PARASITE_POLICIES]; /* number 1 is the first */
	uint8_t ldt[PARASITE_LDT];
};
