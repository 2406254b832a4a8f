/* SPDX-License-Identifier: MIT
 * The same in a tree with a user namespace of its own.
 *
 * live-user: mapped
 * live-unshare: --pid
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_held_pid.c"
