/* SPDX-License-Identifier: MIT
 * The same where the root has one of its own, with a mount that shows the queues of another.
 *
 * live-unshare: --pid --ipc --mount --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 * live-modes: SS RR 2S
 */
#define NESTED_ROOT   1
#define NESTED_MOUNTS 1
#include "tests/live/ns_ipc_nested.c"
