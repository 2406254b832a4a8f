/* SPDX-License-Identifier: MIT
 * The same in a tree with a pid namespace of its own.
 *
 * live-unshare: --pid
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_held_pid.c"
