/* SPDX-License-Identifier: MIT
 * Namespaces that only descriptors lead to: of host names, and of IPC, with a segment that nobody
 * has attached; two descriptors of one lead to one.
 *
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/utsname.h>

#include "tests/live/namespaces.h"

#define KEY 0x4e1d

int main(void)
{
	struct utsname names, home;
	int uts_home = ns_open_own("uts"), ipc_home = ns_open_own("ipc");
	live_must(uname(&home) == 0);
	live_must(unshare(CLONE_NEWUTS | CLONE_NEWIPC) == 0 && sethostname("held", 4) == 0);
	int shm = shmget(KEY, 8192, IPC_CREAT | 0600);
	char *at = shmat(shm, NULL, 0);
	live_must(shm >= 0 && at != (char *)-1);
	strcpy(at, "held");
	live_must(shmdt(at) == 0);
	int uts = ns_open_own("uts"), ipc = ns_open_own("ipc");
	int again = ns_open_own("uts");
	live_must(setns(uts_home, CLONE_NEWUTS) == 0 && setns(ipc_home, CLONE_NEWIPC) == 0);
	close(uts_home);
	close(ipc_home);

	live_ready();

	int now = ns_open_own("uts");
	live_check(uname(&names) == 0 && !strcmp(names.nodename, home.nodename), "here it is %s",
		   names.nodename);
	live_check(ns_number(uts) == ns_number(again) && ns_number(uts) != ns_number(now),
		   "which is which");
	live_check(setns(uts, CLONE_NEWUTS) == 0 && setns(ipc, CLONE_NEWIPC) == 0, "setns: %s",
		   strerror(errno));
	live_check(uname(&names) == 0 && !strcmp(names.nodename, "held"), "there it is %s",
		   names.nodename);
	live_check(shmget(KEY, 0, 0) == shm, "the segment has another id");
	at = shmat(shm, NULL, 0);
	live_check(at != (char *)-1 && !strcmp(at, "held"), "its contents are lost");
	live_pass();
}
