/* SPDX-License-Identifier: MIT
 * Kills the engine before each setsockopt(SO_PEEK_OFF) of a dump and around the calls that look.
 * kill9-peek STASIS IMAGES_DIR: prints TAP. The target has a datagram socket, a stream and one
 * with a peek offset of its own; whatever happens, their offsets are those they had.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/live/kill9/at-call.h"

#define NR_SOCKETS 3
#define SETTLE_MS  5000

static const struct {
	int type, offset;
} kinds[NR_SOCKETS] = { { SOCK_DGRAM, -1 }, { SOCK_STREAM, -1 }, { SOCK_DGRAM, 3 } };

/* Sockets 10, 12, 14 have messages of 11, 13, 15. */
static void target(int ready)
{
	for (int i = 0; i < NR_SOCKETS; i++) {
		int pair[2], at = 10 + 2 * i;
		if (socketpair(AF_UNIX, kinds[i].type, 0, pair) < 0)
			_exit(1);
		dup2(pair[0], at);
		dup2(pair[1], at + 1);
		close(pair[0]);
		close(pair[1]);
		for (int n = 0; n < 3; n++)
			if (write(at + 1, "message", 7) != 7)
				_exit(1);
		if (setsockopt(at, SOL_SOCKET, SO_PEEK_OFF, &kinds[i].offset, sizeof(int)) < 0)
			_exit(1);
	}
	setsid();
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
	close(ready);
	for (;;)
		pause();
}

static int offset_of(int pidfd, int i)
{
	int offset = -2;
	socklen_t len = sizeof(offset);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 10 + 2 * i, 0);
	getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &len);
	close(fd);
	return offset;
}

/* @return which socket's offset does not come back; -1: all do */
static int who_differs(int pidfd)
{
	for (int i = 0; i < NR_SOCKETS; i++) {
		int ms = 0;
		while (offset_of(pidfd, i) != kinds[i].offset && ms++ < SETTLE_MS)
			usleep(1000);
		if (ms > SETTLE_MS)
			return i;
	}
	return -1;
}

static bool looks(const struct user_regs_struct *r)
{
	return (r->orig_rax == SYS_setsockopt && r->rdx == SO_PEEK_OFF) ||
	       (r->orig_rax == SYS_recvmsg && (r->rdx & MSG_PEEK));
}

static bool kill_at_each(char *const argv[], int pidfd, int *killed)
{
	for (long n = 1;; n++) {
		int status = run_until(argv, looks, n);
		int who = who_differs(pidfd);
		if (who >= 0)
			printf("# killed before call %ld: socket %d has offset %d, not %d\n", n,
			       who, offset_of(pidfd, who), kinds[who].offset);
		if (who >= 0)
			return false;
		if (!WIFSIGNALED(status))
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		++*killed;
	}
}

int main(int argc, char **argv)
{
	int ready[2], killed = 0;
	char pid_text[16], byte;
	if (argc != 3 || pipe(ready) < 0)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		target(ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 0)
		return 2;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	char *dump[] = { argv[1], "dump", "-t", pid_text, "-D", argv[2], "-R", "-v0", NULL };
	bool good = who_differs(pidfd) < 0 && kill_at_each(dump, pidfd, &killed);
	if (killed < 2 * NR_SOCKETS)
		good = false;
	printf("%s 1 kill9-peek: killed %d times, peek offsets are as they were\n1..1\n",
	       good ? "ok" : "not ok", killed);
	kill(pid, SIGKILL);
	return !good;
}
