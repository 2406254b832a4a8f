/* SPDX-License-Identifier: MIT
 * Rings of io_uring that a thread has registered for itself, to name them by an index instead of a
 * descriptor (IORING_REGISTER_RING_FDS). Which ring an index stands for the kernel does not tell:
 * so there must be only one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/pie/settings.h"
#include "engine/task/parts.h"
#include "images/message.h"

static bool leads_to_ring(int dir, const char *name)
{
	char link[32];
	ssize_t len = readlinkat(dir, name, link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	return !strcmp(link, "anon_inode:[io_uring]");
}

/* @return how many descriptors of rings the task has; -errno. @param fd  the last of them */
static int find_rings(const struct task *t, int *fd)
{
	int at = openat(t->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = at < 0 ? NULL : fdopendir(at);
	int nr = 0;
	if (!dir)
		return -errno;
	for (const struct dirent *e; (e = readdir(dir));) {
		if (!leads_to_ring(at, e->d_name))
			continue;
		*fd = atoi(e->d_name);
		nr++;
	}
	return nr;
}

int ring_fds_dump(const struct task *t, const struct thread *th, ThreadCoreEntry *tc,
		  struct error *err)
{
	int fd = -1;
	if (!th->inside.ring_fds)
		return 0;
	int nr = find_rings(t, &fd);
	if (nr < 0)
		return error_code(err, nr, "thread %d: look for its rings", th->tid);
	if (nr != 1)
		return error_set(err, ENOTSUP,
				 "thread %d has registered rings of io_uring for itself, and the "
				 "task has %d descriptors of rings: which it is cannot be told; "
				 "unregister them before the dump",
				 th->tid, nr);
	RingFdsEntry *e = tc->ring_fds = message_new(&ring_fds_entry__descriptor);
	if (!e)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	e->fd = (uint32_t)fd;
	e->indexes = th->inside.ring_fds;
	return 0;
}

int ring_fds_check(const ThreadCoreEntry *tc, struct error *err)
{
	const RingFdsEntry *e = tc->ring_fds;
	if (e && (e->fd > INT32_MAX || e->indexes >> NR_RING_FDS))
		return error_set(err, EBADMSG, "ring_fds: descriptor %u, indexes %#x", e->fd,
				 e->indexes);
	return 0;
}

void ring_fds_fill(const ThreadCoreEntry *tc, struct restorer_thread *out)
{
	out->ring_fds = tc->ring_fds ? tc->ring_fds->indexes : 0;
	out->ring_fd = tc->ring_fds ? (int32_t)tc->ring_fds->fd : -1;
}
