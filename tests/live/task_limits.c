/* SPDX-License-Identifier: MIT
 * Resource limits, lowered ones and untouched ones.
 */
#include <sys/resource.h>

#include "tests/live/live.h"

static void lower(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit r = { soft, hard };
	live_must(setrlimit(which, &r) == 0);
}

int main(void)
{
	struct rlimit before[RLIM_NLIMITS], after;
	lower(RLIMIT_NOFILE, 77, 333);
	lower(RLIMIT_CORE, 0, 4096);
	lower(RLIMIT_STACK, 4 << 20, 64 << 20);
	lower(RLIMIT_SIGPENDING, 100, 200);
	lower(RLIMIT_CPU, 100000, 200000);
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		live_must(getrlimit(i, &before[i]) == 0);
	live_ready();
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		live_must(getrlimit(i, &after) == 0);
		live_check(
		    after.rlim_cur == before[i].rlim_cur && after.rlim_max == before[i].rlim_max,
		    "limit %d is %llu %llu, was %llu %llu", i, (unsigned long long)after.rlim_cur,
		    (unsigned long long)after.rlim_max, (unsigned long long)before[i].rlim_cur,
		    (unsigned long long)before[i].rlim_max);
	}
	live_pass();
}
