/* SPDX-License-Identifier: MIT
 * The same container in a user namespace, where the host's mounts and devices can only be taken
 * from outside.
 * live-link: static
 * live-modes: SS RR 2S
 * live-unshare: --user --map-root-user --mount --pid --ipc
 * live-dump: --external mnt[/live]:l --external mnt[/dev/null]:n --external mnt[/proc/meminfo]:n
 * live-restore: --external mnt[l]:DIR --external mnt[n]:/dev/null --root DIR/root
 */
#define WITH_DEVICES 0
#include "tests/live/ns_mounts_box.c"
