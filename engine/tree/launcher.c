/* SPDX-License-Identifier: MIT
 * Threads are let go one after the other, and those that are not yet end with their tracer: half a
 * tree would run on if that was the process people see, and kill. So a child of it is the tracer.
 */
#include "engine/tree/launcher.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/context/shortage.h"
#include "engine/tree/launch.h"

struct answer {
	struct error why; /* code 0: it worked */
	bool any;         /* it had taken threads over */
};

static void tell(int line, int rc, struct answer *a)
{
	if (rc == 0)
		a->why.code = 0;
	if (send(line, a, sizeof(*a), MSG_NOSIGNAL) != sizeof(*a))
		_exit(1);
}

/* Its end, and nothing else, says that the tree runs: that cannot get lost. */
__attribute__((noreturn)) static void live(struct restore *r, int line)
{
	char go;
	struct answer a = { 0 };
	/* every signal is blocked; of a kill of the process group it is not to hear */
	setsid();
	prctl(PR_SET_NAME, "stasis-launcher");
	tell(line, launch_take(r, &a.any, &a.why), &a);
	ssize_t len;
	while ((len = recv(line, &go, sizeof(go), 0)) < 0 && errno == EINTR)
		;
	if (len != sizeof(go))
		_exit(1);
	int rc = launch_release(r, &a.why);
	if (rc < 0)
		tell(line, rc, &a);
	_exit(rc < 0);
}

static int hear(const struct launcher *l, struct answer *a, struct error *err)
{
	ssize_t len;
	while ((len = recv(l->line, a, sizeof(*a), 0)) < 0 && errno == EINTR)
		;
	if (len != sizeof(*a))
		return error_set(
		    err, EIO,
		    "the process that starts the tree (stasis-launcher) is gone "
		    "(killed from outside, or out of memory?): see the log of the kernel");
	return a->why.code ? error_set(err, a->why.code, "%s", a->why.text) : 0;
}

static int begin(struct launcher *l, struct restore *r, struct error *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_sys(err, "prepare to start the tree");
	l->pid = fork();
	if (l->pid == 0) {
		close(ends[0]);
		live(r, ends[1]);
	}
	int rc = l->pid < 0 ? error_sys(err, "create a process%s", shortage_of_tasks(errno)) : 0;
	close(ends[1]);
	l->line = ends[0];
	return rc;
}

/* @return its wait status; 0: it has done all it was told */
static int await_end(struct launcher *l)
{
	int status = -1;
	if (l->line >= 0)
		close(l->line);
	if (l->pid > 0)
		while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
			;
	*l = (struct launcher){ .line = -1 };
	return status;
}

void launcher_end(struct launcher *l)
{
	await_end(l);
}

int launcher_start(struct launcher *l, struct restore *r, struct error *err)
{
	struct answer a = { 0 };
	*l = (struct launcher){ .line = -1 };
	int rc = begin(l, r, err);
	if (rc == 0)
		rc = hear(l, &a, err);
	/* Yama may let a parent trace its children, and nobody else */
	if (rc != -EPERM || a.any)
		return rc;
	launcher_end(l);
	return launch_take(r, &a.any, err);
}

int launcher_go(struct launcher *l, struct restore *r, struct error *err)
{
	static const char go = 'g';
	struct error why = { 0 };
	struct answer a;
	if (!l->pid)
		return launch_release(r, err);
	if (send(l->line, &go, sizeof(go), MSG_NOSIGNAL) != sizeof(go))
		return error_sys(err, "have the tree started");
	int rc = hear(l, &a, &why);
	return await_end(l) == 0 ? 0 : error_set(err, rc, "%s", why.text);
}
