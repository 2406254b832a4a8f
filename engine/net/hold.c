/* SPDX-License-Identifier: MIT
 * See hold.h.
 * Source: socket(7), SO_ATTACH_FILTER. A filter of a listening socket sees each segment that begins
 * or completes a connection.
 */
#include "engine/net/hold.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "base/log.h"
#include "engine/context/shortage.h"

struct hold {
	struct held {
		int fd;
		ino_t ino;
	} * items;
	size_t nr;
	pid_t keeper;
	int line; /* to it; that it ends without a byte says: undo */
};

static void undo_all(const struct hold *h)
{
	int unused = 0;
	for (size_t i = 0; i < h->nr; i++)
		setsockopt(h->items[i].fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

__attribute__((noreturn)) static void keep(struct hold *h, int *fds, int line)
{
	char byte;
	ssize_t n;
	keeper_become("stasis-keeper");
	for (size_t i = 0; i < h->nr; i++)
		fds[i] = h->items[i].fd;
	fds[h->nr] = line;
	keeper_close_others(fds, h->nr + 1);
	while ((n = recv(line, &byte, 1, 0)) < 0 && errno == EINTR)
		;
	if (n == 0)
		undo_all(h);
	_exit(0);
}

static int keeper_start(struct hold *h, struct error *err)
{
	int fds[2], *kept = calloc(h->nr + 1, sizeof(*kept));
	if (!kept)
		return error_set(err, ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		free(kept);
		return error_sys(err, "make a pair of sockets");
	}
	h->keeper = fork();
	if (h->keeper == 0)
		keep(h, kept, fds[0]);
	int rc = h->keeper < 0 ? error_sys(err, "create a process%s", shortage_of_tasks(errno)) : 0;
	free(kept);
	close(fds[0]);
	h->line = fds[1];
	return rc;
}

static bool has_filter(int fd)
{
	socklen_t nr = 0;
	return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &nr) < 0 || nr;
}

static int add(struct hold *h, int fd, struct error *err)
{
	struct stat st;
	if (has_filter(fd))
		return 0;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0 || fstat(copy, &st) < 0) {
		fd_close(copy);
		return error_sys(err, "duplicate a listening socket");
	}
	h->items[h->nr++] = (struct held){ copy, st.st_ino };
	return 0;
}

static void attach(const struct hold *h)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = { 1, &drop };
	for (size_t i = 0; i < h->nr; i++)
		if (setsockopt(h->items[i].fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			       sizeof(filter)) < 0)
			log_debug("a listening socket goes on taking connections");
}

int hold_begin(const int *sockets, size_t nr, struct hold **out, struct error *err)
{
	struct hold *h = calloc(1, sizeof(*h));
	if (!h)
		return error_set(err, ENOMEM, "out of memory");
	h->line = -1;
	h->items = calloc(nr + 1, sizeof(*h->items));
	int rc = h->items ? 0 : error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = add(h, sockets[i], err);
	if (rc == 0)
		rc = keeper_start(h, err);
	if (rc < 0) {
		hold_end(h, false);
		return rc;
	}
	attach(h);
	*out = h;
	return 0;
}

bool hold_has(const struct hold *h, ino_t ino)
{
	for (size_t i = 0; h && i < h->nr; i++)
		if (h->items[i].ino == ino)
			return true;
	return false;
}

void hold_end(struct hold *h, bool undo)
{
	if (!h)
		return;
	if (undo)
		undo_all(h);
	if (h->line >= 0)
		send(h->line, "", 1, MSG_NOSIGNAL);
	fd_close(h->line);
	if (h->keeper > 0)
		while (waitpid(h->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	for (size_t i = 0; i < h->nr; i++)
		fd_close(h->items[i].fd);
	free(h->items);
	free(h);
}
