/* SPDX-License-Identifier: MIT
 * The same in a tree with a user namespace of its own.
 *
 * live-unshare: --user --map-root-user --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm
 * live-restore: --external mnt[]:sm --root /
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#define INNER 0
#include "tests/live/ns_mnt_user.c"
