/* SPDX-License-Identifier: MIT
 * See spawn.h.
 */
#include "base/spawn.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int spawn_wait(const char *path, char *const argv[], char *const env[],
	       const posix_spawn_file_actions_t *files, int *status)
{
	posix_spawnattr_t attr;
	sigset_t none, ours;
	pid_t pid;
	sigemptyset(&none);
	sigemptyset(&ours);
	sigaddset(&ours, SIGXFSZ); /* program_main() ignores it */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ours);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int code = posix_spawn(&pid, path, files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	if (code)
		return -code;
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
