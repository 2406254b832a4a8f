/* SPDX-License-Identifier: MIT
 * The /proc of this program.
 */
#include "engine/procfs/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static int proc_fd = -1;

int procfs_fd(void)
{
	if (proc_fd < 0)
		proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return proc_fd;
}

void procfs_move(int fd)
{
	fd_close(proc_fd);
	proc_fd = fd;
}

int procfs_open(const char *path, int flags)
{
	int dir = procfs_fd();
	return dir < 0 ? -1 : openat(dir, path, flags | O_CLOEXEC);
}

int procfs_reopen(int fd, int flags)
{
	char path[32];
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return procfs_open(path, flags);
}

int procfs_enter(struct error *err)
{
	auto_fd back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0)
		return error_sys(err, "open the current directory");
	if (fchdir(procfs_fd()) < 0)
		return error_sys(err, "change to /proc");
	return take_fd(back);
}

void procfs_leave(int back)
{
	if (fchdir(back) < 0)
		log_warn("change back to the current directory: %m");
	close(back);
}
