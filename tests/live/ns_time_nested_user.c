/* SPDX-License-Identifier: MIT
 * The same with a user namespace.
 *
 * live-skip: unshare -T true
 * live-user: mapped
 * live-unshare: --pid
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_time_nested.c"
