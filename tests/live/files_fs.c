/* SPDX-License-Identifier: MIT
 * Current directory, root directory and umask, each process its own.
 */
#include <sys/wait.h>

#include "tests/live/live.h"

static void check_fs(const char *want_cwd, mode_t want_umask)
{
	char cwd[4096] = "";
	live_check(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, want_cwd), "in %s, want %s", cwd,
		   want_cwd);
	mode_t mask = umask(0);
	live_check(mask == want_umask, "umask is 0%o, want 0%o", mask, want_umask);
}

int main(void)
{
	char cwd[4096];
	struct stat st;
	live_must(mkdir(live_path("jail"), 0755) == 0 && mkdir(live_path("jail/inner"), 0755) == 0);
	live_must(mkdir(live_path("elsewhere"), 0755) == 0);
	snprintf(cwd, sizeof(cwd), "%s", live_path("elsewhere"));
	umask(027);
	int told[2];
	live_must(pipe(told) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) { /* the harness cannot be reached by path from inside */
		char c;
		close(told[1]);
		if (chroot(live_path("jail")) < 0 || chdir("/inner") < 0)
			_exit(2);
		umask(077);
		if (read(told[0], &c, 1) != 0)
			_exit(3);
		char inner[64] = "";
		if (!getcwd(inner, sizeof(inner)) || strcmp(inner, "/inner") != 0)
			_exit(4);
		_exit(umask(0) == 077 && stat("/elsewhere", &st) < 0 ? 0 : 5);
	}
	close(told[0]);
	live_must(chdir(cwd) == 0);
	live_ready();

	check_fs(cwd, 027);
	live_check(stat("/proc/self", &st) == 0, "the root directory is another one");
	close(told[1]);
	int status = -1;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "in the chroot: exit %d",
		   WEXITSTATUS(status));
	live_pass();
}
