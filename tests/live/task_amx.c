/* SPDX-License-Identifier: MIT
 * A program that has leave to use AMX tiles, as numeric libraries ask for when they are loaded,
 * keeps it.
 *
 * live-skip: grep -qw amx_tile /proc/cpuinfo
 */
#include <stdbool.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define GET_PERM 0x1022 /* ARCH_GET_XCOMP_PERM */
#define REQ_PERM 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILES    18

static bool may_use_tiles(void)
{
	unsigned long mask = 0;
	live_must(syscall(SYS_arch_prctl, GET_PERM, &mask) == 0);
	return mask >> TILES & 1;
}

int main(void)
{
	live_must(!may_use_tiles());
	live_must(syscall(SYS_arch_prctl, REQ_PERM, TILES) == 0);
	live_must(may_use_tiles());
	live_ready();
	live_check(may_use_tiles(), "it may not use tiles any more");
	live_pass();
}
