/* SPDX-License-Identifier: MIT
 * The same with a user namespace.
 *
 * live-user: mapped
 * live-unshare: --pid --ipc
 * live-modes: SS RR 2S
 */
#define NESTED_ROOT 1
#include "tests/live/ns_ipc_nested.c"
