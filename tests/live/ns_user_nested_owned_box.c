/* SPDX-License-Identifier: MIT
 * The same, inside of a user namespace.
 * live-user: mapped
 * live-unshare: --pid --ipc --net
 */
#include "tests/live/ns_user_nested_owned.c"
