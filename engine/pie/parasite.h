/* SPDX-License-Identifier: MIT
 * What the engine asks the parasite and hears back. Every byte of an answer is checked.
 */
#pragma once

#include <stdint.h>

#include "engine/pie/numa.h"
#include "engine/pie/settings.h"

#define PARASITE_NR_SIGNALS 64
#define PARASITE_NR_LIMITS  16 /* RLIMIT_* */
#define PARASITE_MAX_TIMERS 512
#define PARASITE_STOP_TOLD  UINT64_MAX
#define PARASITE_POLICIES   64    /* different ones of its mappings */
#define PARASITE_LDT        65536 /* bytes: the most that a processor takes */
#define PARASITE_MAX_FDS    32768 /* larger tables are read from outside */

struct parasite_sigaction { /* kernel's struct sigaction */
	uint64_t handler, flags, restorer, mask;
};
struct parasite_itimer { /* remaining and interval, microseconds */
	uint64_t interval_sec, interval_usec, value_sec, value_usec;
};
struct parasite_limit {
	uint64_t cur, max;
};
struct parasite_posix_timer { /* ids come from /proc/PID/timers */
	int32_t id, overrun;
	uint64_t interval_sec, interval_nsec, value_sec, value_nsec;
};
struct parasite_fds { /* a bit for each of 64 descriptors */
	uint64_t open, cloexec;
};
enum { /* is the task restricted? */
       LANDLOCK_FREE,
       LANDLOCK_RESTRICTED,
       LANDLOCK_UNKNOWN,
};
enum { /* bits: keyrings that it has */
       KEYRING_THREAD = 1,
       KEYRING_PROCESS = 2,
};
struct parasite_task {
	struct parasite_sigaction
	    sigactions[PARASITE_NR_SIGNALS]; /* [signo - 1]; KILL, STOP zero */
	struct parasite_itimer itimers[3];
	struct parasite_limit limits[PARASITE_NR_LIMITS];
	uint64_t brk; /* brk(0); no file of /proc tells it */
	int32_t dumpable, thp_disabled, child_subreaper;
	int32_t landlock;  /* LANDLOCK_* */
	uint32_t keyrings; /* KEYRING_*, of its first thread */
	uint32_t personality;
	uint32_t may_tell;    /* it may send itself the signal it was asked for */
	int32_t membarrier;   /* MEMBARRIER_CMD_GET_REGISTRATIONS, or -errno */
	uint32_t future_lock; /* MCL_FUTURE, of mlockall(2), maybe with MCL_ONFAULT; 0: none */
	uint32_t ldt_len; /* bytes of parasite_area.ldt that are told; 0: it has no such table */
	uint32_t nr_policies; /* told in parasite_area.policies; one more: there are too many */
	uint64_t extended;    /* components of the extended state it asked for, a bit each */
	uint32_t nr_timers;   /* are told of behind this, then of so many descriptors */
	uint32_t nr_fds;
};
struct parasite_thread {
	uint64_t sas_sp, sas_size;
	uint32_t sas_flags;
	int32_t pdeath_signal;
	uint64_t clear_tid_addr; /* PR_GET_TID_ADDRESS */
	uint32_t securebits;
	uint32_t ring_fds;             /* a bit per index of a registered ring */
	int64_t settings[NR_SETTINGS]; /* as prctl(2) tells them, or -errno */
	struct numa_policy policy;
};
