/* SPDX-License-Identifier: MIT
 * The same, inside of a user namespace and a pid namespace.
 * live-link: -pthread
 * live-user: mapped
 * live-unshare: --pid
 */
#include "tests/live/ns_user_nested_pid.c"
