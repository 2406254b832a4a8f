/* SPDX-License-Identifier: MIT
 * The same, and a parent that has been told of a stop is not told again, also not by a signal: CRIU
 * does.
 * live-modes: SS RR 2S
 */
#define ASKS_AGAIN 1
#include "tests/live/task_stopped.c"
