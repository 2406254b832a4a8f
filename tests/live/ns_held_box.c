/* SPDX-License-Identifier: MIT
 * The same where the root has such namespaces of its own.
 *
 * live-unshare: --pid --uts --ipc
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_held.c"
