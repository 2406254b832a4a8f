/* SPDX-License-Identifier: MIT
 * Names, parent-death signal, child subreaper, dumpable, THP, oom score, membarrier.
 */
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static int oom_score_adj(void)
{
	int n = -9999;
	FILE *f = fopen("/proc/self/oom_score_adj", "r");
	if (f && fscanf(f, "%d", &n) != 1)
		n = -9999;
	if (f)
		fclose(f);
	return n;
}

static void set_oom_score_adj(int n)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "w");
	live_must(f && fprintf(f, "%d", n) > 0 && fclose(f) == 0);
}

static void child(void)
{
	int sig = 0, subreaper = -1;
	prctl(PR_SET_NAME, "a child (7) \xff", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	live_say("child", "set up\n");
	live_wait();
	char name[17] = "";
	prctl(PR_GET_NAME, name, 0, 0, 0);
	live_check(!strcmp(name, "a child (7) \xff"), "name is '%s'", name);
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	live_check(sig == SIGUSR2, "parent-death signal is %d", sig);
	live_check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "the child is dumpable");
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	live_check(subreaper == 0, "the child is a subreaper");
	_exit(0);
}

int main(void)
{
	set_oom_score_adj(321);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child();
	while (access(live_path("child"), F_OK) < 0)
		live_sleep_ms(1);
	prctl(PR_SET_NAME, "fifteen letters", 0, 0, 0);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	live_must(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0);

	live_ready();

	char name[17] = "";
	int sig = -1, subreaper = 0;
	prctl(PR_GET_NAME, name, 0, 0, 0);
	live_check(!strcmp(name, "fifteen letters"), "name is '%s'", name);
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	live_check(sig == 0, "parent-death signal is %d", sig);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	live_check(subreaper == 1, "no longer a subreaper");
	live_check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1, "not dumpable");
	live_check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1, "huge pages are back");
	live_check(oom_score_adj() == 321, "oom_score_adj is %d", oom_score_adj());
	live_check(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0,
		   "membarrier: %s", strerror(errno));
	int status;
	live_must(waitpid(pid, &status, 0) == pid);
	live_check(status == 0, "the child ended with %#x", status);
	live_pass();
}
