/* SPDX-License-Identifier: MIT
 * Under seccomp nothing can be tried that tells whether Landlock restricts a task, but where it may
 * look into others; of which the log tells.
 * live-user: nobody
 * live-modes: SS
 * live-between: grep -q "cannot tell whether Landlock restricts it, as it runs" dump.log
 * live-skip: grep -q landlock_create_ruleset /proc/kallsyms
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "tests/live/live.h"

int main(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };
	live_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	live_must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	live_ready();
	live_check(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER, "seccomp is gone");
	live_pass();
}
