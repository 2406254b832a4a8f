/* SPDX-License-Identifier: MIT
 * Threads in many blocking states and in user code, each of which checks what its own calls
 * return, its registers and its signal mask; and a timer whose signals come in all the time.
 */
#pragma once

#include <stdint.h>

#define NR_JOBS 12

/** In memory that the watching process has as well. */
struct board {
	volatile uint64_t count[NR_JOBS]; /* rounds of each thread */
	volatile uint64_t ticks;          /* signals of the timer */
	volatile int failed;              /* somebody found something wrong: why[] */
	char why[256];
};

/** In a process of its own: start all threads and the timer. */
void jobs_start(struct board *board);

/** The first complaint stays. */
__attribute__((format(printf, 2, 3))) void board_complain(struct board *board, const char *fmt,
							  ...);

/** @return who has done nothing since `then` was copied, or NULL */
const char *board_stuck(const struct board *now, const struct board *then);

int64_t now_ms(void);
void sleep_us(long us);
