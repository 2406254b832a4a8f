/* SPDX-License-Identifier: MIT
 * The same of the root of the tree, which is in a user namespace and in no other pid namespace.
 *
 * live-dump: --external mnt[]:sm
 * live-restore: --external mnt[]:sm --root /
 * live-modes: SS RR 2S
 */
#define ALONE
#include "tests/live/ns_mnt_user.c"
