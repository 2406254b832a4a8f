/* SPDX-License-Identifier: MIT
 * Files below a directory.
 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 100 };

int open_beneath(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | resolve,
	};
	long fd;
	/* EAGAIN: something was renamed meanwhile, and the kernel does not know whether it leads
	 * out */
	for (unsigned i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}
