/* SPDX-License-Identifier: MIT
 * The same with a user namespace: owners are those inside.
 *
 * live-user: mapped
 * live-unshare: --pid --ipc
 */
#include "tests/live/ns_mqueue.c"
