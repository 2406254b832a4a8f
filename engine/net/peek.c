/* SPDX-License-Identifier: MIT
 * The offset is put back by a process that waits for the engine to say that it is done, or to die.
 */
#include "engine/net/peek.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/keeper.h"

static int set_offset(int fd, int offset)
{
	return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0 ? -errno : 0;
}

__attribute__((noreturn)) static void keep(int fd, int offset, int line)
{
	char byte;
	keeper_become("stasis-keeper");
	while (read(line, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(-set_offset(fd, offset));
}

static int keeper_start(struct peek *p, int offset, struct error *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "%s: keep SO_PEEK_OFF", p->what);
	p->keeper = fork();
	if (p->keeper == 0) {
		close(fds[1]);
		keep(p->fd, offset, fds[0]);
	}
	close(fds[0]);
	p->line = fds[1];
	if (p->keeper > 0)
		return 0;
	close(p->line);
	return error_sys(err, "%s: keep SO_PEEK_OFF", p->what);
}

/* With an offset of -1 looking changes nothing. An urgent byte alone does not show as data. */
static bool may_wait(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN ||
	       recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_OOB) == 1;
}

int peek_begin(struct peek *p, int fd, const char *what, struct error *err)
{
	int offset = -1;
	socklen_t size = sizeof(offset);
	*p = (struct peek){ .fd = fd, .what = what };
	if (getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size) < 0)
		return error_sys(err, "%s: read SO_PEEK_OFF", what);
	if (offset < 0 && !may_wait(fd))
		return 0;
	int rc = keeper_start(p, offset, err);
	if (rc < 0)
		return rc;
	rc = peek_rewind(p, err);
	if (rc < 0)
		peek_end(p, NULL);
	return rc < 0 ? rc : 1;
}

int peek_rewind(const struct peek *p, struct error *err)
{
	int rc = set_offset(p->fd, 0);
	return rc < 0 ? error_code(err, rc, "%s: set SO_PEEK_OFF", p->what) : 0;
}

int peek_end(struct peek *p, struct error *err)
{
	int status = 0;
	close(p->line);
	while (waitpid(p->keeper, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "%s: wait for who keeps SO_PEEK_OFF", p->what);
	if (status == 0)
		return 0;
	return error_code(err, WIFEXITED(status) ? WEXITSTATUS(status) : EIO,
			  "%s: put back SO_PEEK_OFF", p->what);
}
