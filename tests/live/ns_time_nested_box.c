/* SPDX-License-Identifier: MIT
 * The same where the root has clocks of its own.
 *
 * live-skip: unshare -T true
 * live-unshare: --pid --time
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_time_nested.c"
