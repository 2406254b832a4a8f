/* SPDX-License-Identifier: MIT
 * A mount that shows other owners than its file system has.
 * live-unshare: --mount
 * live-dump: --external mnt[/dev/shm]:shm
 * live-refuse: is idmapped
 * live-skip: printf '6.3\n%s\n' "$(uname -r)" | sort -VC
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

/* @return a user namespace where user 0 is 1000 outside */
static int make_users(void)
{
	char path[64];
	int ends[2];
	live_must(pipe(ends) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_must(unshare(CLONE_NEWUSER) == 0 && write(ends[1], "", 1) == 1);
		for (;;)
			pause();
	}
	live_must(read(ends[0], path, 1) == 1);
	const char *maps[] = { "uid_map", "gid_map" };
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
		int fd = open(path, O_WRONLY);
		live_must(fd >= 0 && write(fd, "0 1000 10", 9) == 9 && close(fd) == 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	int users = open(path, O_RDONLY);
	live_must(users >= 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	close(ends[0]);
	close(ends[1]);
	return users;
}

int main(void)
{
	const char *place = strdup(live_path("mapped"));
	live_must(mkdir(place, 0755) == 0 && mount("t", place, "tmpfs", 0, NULL) == 0);
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, place, OPEN_TREE_CLONE);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (unsigned)make_users() };
	live_must(tree >= 0);
	live_must(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0);
	live_must(syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) == 0);
	close(tree);
	close((int)attr.userns_fd);
	live_ready();
	live_pass();
}
