/* SPDX-License-Identifier: MIT
 * A tree with some of everything, which checks its own state when it is asked to.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tests/live/jobs/jobs.h"

enum { MIXED_ROOT, MIXED_HOLDER, MIXED_SLEEPER, NR_MIXED };

/** A file in the tree's directory, mapped by the tree and by who watches it. */
struct mixed {
	struct board board;
	volatile pid_t pids[NR_MIXED];
	volatile uint32_t asked;    /* by who watches: check everything once more */
	volatile uint32_t answered; /* by the holder: done, board.failed tells how */
};

#define MIXED_BOARD "board"
#define ANSWER_SIZE                                                                                \
	2000 /* what the TCP peer answers: mixed_pattern() of the number it was sent               \
	      */
#define PATIENCE_MS 10000

static inline uint8_t mixed_pattern(uint32_t round, size_t i)
{
	return (uint8_t)(round * 31 + i * 7 + (i >> 8));
}

/** Be the root of the tree. Its files are in `dir`; port of 127.0.0.1 is the peer's. */
_Noreturn void mixed_run(const char *dir, int port);
