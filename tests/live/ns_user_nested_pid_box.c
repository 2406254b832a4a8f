/* SPDX-License-Identifier: MIT
 * The same, inside of a user namespace and a pid namespace.
 * live-link: -pthread
 * live-user: mapped
 * live-unshare: --pid
 * live-between: ! grep 'not gone after' dump.log
 */
#include "tests/live/ns_user_nested_pid.c"
