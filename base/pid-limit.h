/* SPDX-License-Identifier: MIT
 * How far the numbers of processes go.
 */
#pragma once

/** No kernel gives a number as high as this: PID_MAX_LIMIT. Source: include/linux/threads.h. */
#define PID_LIMIT (1 << 22)
