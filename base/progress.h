/* SPDX-License-Identifier: MIT
 * How far long work has come: one line on a terminal, rewritten a few times a second, nothing
 * anywhere else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "searching": borrowed */
	uint64_t total;   /* bytes; 0: unknown */
	uint64_t done;
	int64_t next_ms; /* when to print again */
	bool on;         /* standard error is a terminal */
	bool shown;
};

/** Nothing is printed during the first half second: short work stays silent. */
void progress_start(struct progress *p, const char *what, uint64_t total);
/** p may be NULL: nobody watches. */
void progress_add(struct progress *p, uint64_t bytes);
/** Wipe the line. */
void progress_end(struct progress *p);
#define auto_progress __attribute__((cleanup(progress_end))) struct progress
