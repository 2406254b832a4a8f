/* SPDX-License-Identifier: MIT
 * A file on a mount that was taken out of the mount namespace.
 * live-unshare: --mount
 * live-dump: --external mnt[/dev/shm]:shm
 * live-refuse: on a mount that the tree does not have: close it before the dump
 */
#include <sys/mount.h>

#include "tests/live/live.h"

int main(void)
{
	const char *place = strdup(live_path("gone"));
	live_must(mkdir(place, 0755) == 0 && mount("gone", place, "tmpfs", 0, NULL) == 0);
	live_must(chdir(place) == 0 && open("file", O_RDWR | O_CREAT, 0600) >= 0);
	live_must(chdir("/") == 0 && umount2(place, MNT_DETACH) == 0);
	live_ready();
	live_pass();
}
