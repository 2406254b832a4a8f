/* SPDX-License-Identifier: MIT
 * Time that only goes on (CLOCK_MONOTONIC), for deadlines and durations.
 */
#pragma once

#include <stdint.h>

int64_t clock_ms(void);
int64_t clock_us(void);
