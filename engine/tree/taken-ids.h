/* SPDX-License-Identifier: MIT
 * Which ids of processes somebody has, and which are free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define PID_HOLDER_MAX 128

/**
 * Who has an id, for messages: "the running task "sleep"", "the dead task …", "a process group …".
 * @param out  of PID_HOLDER_MAX bytes
 * @return out
 */
const char *pid_holder(pid_t pid, char *out);

/** Has nobody of the own pid namespace it, and no process group? */
bool pid_is_free(pid_t pid);

struct pid_wait {
	int dead_ms, dying_ms; /* waited so far, for who was dead, or being killed */
};
/**
 * Will who has an id give it up soon? To be asked every millisecond, until that takes too long.
 * @param holder  as /proc has it; 0: nobody who could be seen
 */
bool pid_is_leaving(pid_t holder, struct pid_wait *wait);

struct taken_ids {
	uint8_t *bits;
	uint32_t last; /* tried; those the kernel gave out last come first */
	uint32_t max;  /* above all ids */
	bool apart;    /* of another pid namespace than this program's */
};

/** Look at all tasks, their threads, groups and sessions. @param pidns  where; -1: here */
int taken_ids_read(struct taken_ids *out, int pidns, struct error *err);
void taken_ids_fini(struct taken_ids *taken);
bool taken_ids_has(const struct taken_ids *taken, uint32_t id);
void taken_ids_add(struct taken_ids *taken, uint32_t id);
/** One that nobody has, which is taken then. @return 0: none is left */
uint32_t taken_ids_choose(struct taken_ids *taken);
