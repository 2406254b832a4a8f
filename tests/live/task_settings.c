/* SPDX-License-Identifier: MIT
 * Settings of prctl(2) and arch_prctl(2) that CRIU has no fields for, of process and threads.
 * live-modes: SS RR 2S
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define SLACK_NS       12345
#define GET_MERGE      68
#define SET_MERGE      67
#define GET_MDWE       66
#define SET_MDWE       65
#define EXCEPT_ADVISED 2
#define GET_CPUID      0x1011
#define SET_CPUID      0x1012

static pthread_barrier_t barrier;

static int tsc(void)
{
	int mode = -1;
	prctl(PR_GET_TSC, &mode, 0, 0, 0);
	return mode;
}

static void *thread(void *arg)
{
	(void)arg;
	live_must(prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0) == 0);
	live_must(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0);
	live_must(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0);
	int bypass = prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0);
	if (bypass == (PR_SPEC_PRCTL | PR_SPEC_ENABLE)) {
		live_must(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0,
				0) == 0);
		bypass = PR_SPEC_PRCTL | PR_SPEC_DISABLE;
	}
	int faults = syscall(SYS_arch_prctl, SET_CPUID, 0) == 0; /* not on every processor */
	pthread_barrier_wait(&barrier);
	live_wait();
	int allowed = (int)syscall(SYS_arch_prctl, GET_CPUID, 0);
	live_check(allowed == !faults, "the instruction cpuid is allowed: %d", allowed);
	int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	live_check(slack == SLACK_NS, "timer slack of the thread is %d", slack);
	int policy = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	live_check(policy == PR_MCE_KILL_EARLY, "machine check policy is %d", policy);
	live_check(tsc() == PR_TSC_SIGSEGV, "the time stamp counter can be read: %d", tsc());
	int now = prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0);
	live_check(now == bypass, "speculative store bypass was %#x, is %#x", bypass, now);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_barrier_init(&barrier, NULL, 2);
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&barrier);
	int merge = prctl(SET_MERGE, 1, 0, 0, 0) == 0;
	int advised = prctl(PR_SET_THP_DISABLE, 1, EXCEPT_ADVISED, 0, 0) == 0; /* Linux 6.18 */
	if (!advised)
		live_must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	int mdwe = prctl(SET_MDWE, 1, 0, 0, 0) == 0; /* Linux 6.3 */

	live_ready();

	int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	live_check(slack == 50000, "timer slack of the first thread is %d", slack);
	live_check(tsc() == PR_TSC_ENABLE, "the time stamp counter of the first thread: %d", tsc());
	live_check(prctl(GET_MERGE, 0, 0, 0, 0) == merge || !merge, "pages are not merged");
	int thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	live_check(thp == (advised ? 3 : 1), "huge pages: %d", thp);
	live_check(!mdwe || prctl(GET_MDWE, 0, 0, 0, 0) == 1, "write and execute: allowed again");
	int cpuid = (int)syscall(SYS_arch_prctl, GET_CPUID, 0);
	live_check(cpuid == 1, "the first thread may not use cpuid: %d", cpuid);
	pthread_join(other, NULL);
	live_pass();
}
