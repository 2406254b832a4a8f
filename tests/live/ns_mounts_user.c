/* SPDX-License-Identifier: MIT
 * The same container in a user namespace, where the host's mounts and devices can only be taken
 * from outside.
 * live-link: static
 * live-modes: SS RR 2S
 * live-unshare: --user --map-root-user --mount --pid --ipc
 * live-dump: --external mnt[/live]:live --external mnt[/dev/null]:null --external mnt[/proc/meminfo]:null
 * live-restore: --external mnt[live]:DIR --external mnt[null]:/dev/null --root DIR/root
 */
#define WITH_DEVICES 0
#include "tests/live/ns_mounts_box.c"
