/* SPDX-License-Identifier: MIT
 * The same, inside of a user namespace and a pid namespace.
 * live-user: mapped
 * live-unshare: --pid
 */
#include "tests/live/ns_held_nested.c"
