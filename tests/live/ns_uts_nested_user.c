/* SPDX-License-Identifier: MIT
 * The same with a user namespace.
 *
 * live-user: mapped
 * live-unshare: --pid --uts
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_uts_nested.c"
