/* SPDX-License-Identifier: MIT
 * Tasks in UTS namespaces that are not the root's, two of them in one.
 */
#include <sched.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static void check_names(const char *host, const char *domain)
{
	struct utsname names;
	live_must(uname(&names) == 0);
	live_check(!strcmp(names.nodename, host) && !strcmp(names.domainname, domain),
		   "names are %s and %s, want %s and %s", names.nodename, names.domainname, host,
		   domain);
}

static _Noreturn void inner(int ready)
{
	live_must(unshare(CLONE_NEWUTS) == 0 && sethostname("inner", 5) == 0);
	int seen[2];
	char c;
	live_must(setdomainname("example", 7) == 0 && pipe(seen) == 0);
	pid_t pid = fork();
	live_must(pid >= 0 && write(ready, "r", 1) == 1);
	live_wait();
	check_names("inner", "example");
	if (pid == 0) {
		/* it is the same one, and the other has seen its name */
		live_check(read(seen[0], &c, 1) == 1, "read: %s", strerror(errno));
		live_check(sethostname("renamed", 7) == 0, "sethostname: %s", strerror(errno));
		_exit(0);
	}
	int status;
	live_check(write(seen[1], "", 1) == 1, "write: %s", strerror(errno));
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child ended with %#x",
		   status);
	check_names("renamed", "example");
	_exit(0);
}

int main(void)
{
	struct utsname names;
	int ready[2], status;
	char text[2];
	live_must(uname(&names) == 0 && pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0)
		inner(ready[1]);
	for (int i = 0; i < 2; i++)
		live_must(read(ready[0], text, 1) == 1);

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "inside it ended with %#x",
		   status);
	check_names(names.nodename, names.domainname);
	live_pass();
}
