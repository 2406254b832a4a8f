/* SPDX-License-Identifier: MIT
 * The same in a tree with a user namespace of its own.
 *
 * live-user: mapped
 * live-unshare: --pid
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#define PROJECTS     ""
#define PROJECTS_NOW ""
#include "tests/live/ns_held_user.c"
