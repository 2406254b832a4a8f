/* SPDX-License-Identifier: MIT
 * A container in a container: pid and mount namespaces inside of those of the tree, with a proc
 * file system of their own, and a file of its pid 1 in that.
 *
 * live-modes: SS RR 2S
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static void check_proc(const char *self)
{
	char link[16] = "";
	live_check(readlink("/proc/self", link, sizeof(link) - 1) > 0, "/proc/self: %s",
		   strerror(errno));
	live_check(!strcmp(link, self), "/proc/self leads to %s, want %s", link, self);
}

static _Noreturn void inner(int ready)
{
	char name[64];
	live_must(unshare(CLONE_NEWNS) == 0 && getpid() == 1);
	live_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	live_must(mount("proc", "/proc", "proc", 0, NULL) == 0);
	check_proc("1");
	int comm = open("/proc/1/comm", O_RDONLY);
	live_must(comm >= 0 && write(ready, "r", 1) == 1);
	live_wait();
	check_proc("1");
	live_check(pread(comm, name, sizeof(name), 0) == 16 &&
		       !strncmp(name, "ns_pid_nested_p\n", 16),
		   "the file of pid 1 is another");
	live_check(access("/proc/2", F_OK) < 0, "/proc/2 is there");
	close(comm);
	live_check(umount("/proc") == 0, "umount: %s", strerror(errno));
	check_proc("3"); /* the outer one, below */
	_exit(0);
}

int main(void)
{
	int ready[2], status;
	char c;
	live_must(getpid() == 1 && pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	live_must(pid == 2 && waitpid(pid, NULL, 0) == pid && unshare(CLONE_NEWPID) == 0);
	pid = fork();
	if (pid == 0)
		inner(ready[1]);
	live_must(pid == 3 && read(ready[0], &c, 1) == 1);
	check_proc("1");

	live_ready();

	check_proc("1");
	live_check(access("/proc/3", F_OK) == 0, "/proc/3: %s", strerror(errno));
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "inside it ended with %#x",
		   status);
	live_pass();
}
