/* SPDX-License-Identifier: MIT
 * Dead children not waited for yet: exit code and signal are still there for their parent.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static pid_t child(int code, int signo)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_NAME, "was-here", 0, 0, 0);
	if (signo)
		raise(signo);
	_exit(code);
}

int main(void)
{
	siginfo_t info;
	pid_t a = child(7, 0), b = child(0, SIGKILL), c = child(0, 0);
	live_must(waitid(P_PID, (id_t)a, &info, WEXITED | WNOWAIT) == 0);
	live_must(waitid(P_PID, (id_t)b, &info, WEXITED | WNOWAIT) == 0);
	live_must(waitid(P_PID, (id_t)c, &info, WEXITED | WNOWAIT) == 0);

	live_ready();

	int status = -1;
	live_check(waitpid(a, &status, WNOHANG) == a && status == 7 << 8,
		   "the first child ended with %#x", status);
	live_check(waitpid(b, &status, WNOHANG) == b && WIFSIGNALED(status) &&
		       WTERMSIG(status) == SIGKILL,
		   "the second child ended with %#x", status);
	live_check(waitpid(c, &status, WNOHANG) == c && status == 0,
		   "the third child ended with %#x", status);
	live_check(wait(&status) < 0 && errno == ECHILD, "there are more children");
	live_pass();
}
