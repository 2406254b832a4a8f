/* SPDX-License-Identifier: MIT
 * stasis service: listen on a socket and answer whoever connects, each in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/commands.h"
#include "engine/context/options.h"
#include "engine/context/shortage.h"
#include "engine/dirs.h"
#include "engine/options.h"
#include "engine/rpc/serve.h"
#include "engine/rpc/wire.h"

#define DEFAULT_ADDRESS "criu_service.socket"
#define BACKLOG         16
#define MAX_PER_USER    16     /* requests that are answered at a time, but for root's */
#define PAUSE_US        100000 /* after an accept() that found no room */

static int address_of(const struct options *o, struct sockaddr_un *out, struct error *err)
{
	const char *path = o->address ? o->address : DEFAULT_ADDRESS;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(out->sun_path))
		return error_set(err, ENAMETOOLONG,
				 "--address %s: a socket's name has at most %zu bytes", path,
				 sizeof(out->sun_path) - 1);
	strcpy(out->sun_path, path);
	return 0;
}

/* A socket nobody listens on is what a service that was killed left behind. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	struct stat st;
	if (lstat(address->sun_path, &st) < 0)
		return 0;
	auto_fd probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool stale = S_ISSOCK(st.st_mode) &&
		     connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		     errno == ECONNREFUSED;
	if (!stale)
		return error_set(err, EADDRINUSE, "--address %s: %s", address->sun_path,
				 S_ISSOCK(st.st_mode) ? "a service listens there already"
						      : "there is a file of that name");
	return unlink(address->sun_path) < 0 ? error_sys(err, "remove %s", address->sun_path) : 0;
}

static int service_listen(const struct options *o, int *out, struct error *err)
{
	struct sockaddr_un address;
	int rc = address_of(o, &address, err);
	if (rc == 0)
		rc = remove_stale(&address, err);
	if (rc < 0)
		return rc;
	auto_fd sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_sys(err, "--address %s", address.sun_path);
	/* anybody may ask; what is answered depends on who */
	if (chmod(address.sun_path, 0666) < 0 || listen(sock, BACKLOG) < 0) {
		rc = error_sys(err, "listen on %s", address.sun_path);
		unlink(address.sun_path);
		return rc;
	}
	*out = take_fd(sock);
	return 0;
}

/* Who started us waits until a request can be sent. */
static int tell_ready(const struct options *o, struct error *err)
{
	if (o->status_fd <= 0)
		return 0;
	int rc = fd_write_full(o->status_fd, "", 1);
	close(o->status_fd);
	return rc < 0 ? error_code(err, rc, "--status-fd %d", o->status_fd) : 0;
}

/*
 * The process that was started ends when the one behind it takes requests, or with that one's
 * failure, which it has printed by then.
 * @param parent  set to what let_parent_go() writes to. @return 1 in the parent, 0 in the child
 */
static int go_background(int *parent, struct error *err)
{
	int fds[2];
	char byte;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "become a daemon");
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		setsid();
		*parent = fds[1];
		return 0;
	}
	close(fds[1]);
	ssize_t n = pid < 0 ? -1 : fd_read_full(fds[0], &byte, 1);
	close(fds[0]);
	if (pid < 0)
		return error_sys(err, "become a daemon");
	if (n != 1)
		_exit(1);
	return 1;
}

static int let_parent_go(int *parent, struct error *err)
{
	auto_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++) {
		/* a log that goes to standard error ends here */
		if (dup2(null, fd) < 0)
			return error_sys(err, "become a daemon");
	}
	int rc = fd_write_full(*parent, "", 1);
	close(take_fd(*parent));
	return rc < 0 ? error_code(err, rc, "become a daemon") : 0;
}

struct client { /* a process that answers */
	pid_t pid;
	uid_t uid; /* whom */
};

struct clients {
	struct client *items;
	size_t nr, cap;
};

static void reap(struct clients *clients)
{
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
		for (size_t i = 0; i < clients->nr; i++) {
			if (clients->items[i].pid == pid)
				clients->items[i--] = clients->items[--clients->nr];
		}
	}
}

/* What a user may do to the machine by asking has a limit; root could do it without us. */
static bool is_too_much(const struct clients *clients, uid_t uid)
{
	size_t nr = 0;
	for (size_t i = 0; i < clients->nr; i++)
		nr += clients->items[i].uid == uid;
	return uid != 0 && nr >= MAX_PER_USER;
}

/* @return 0 in the process that is to answer, its pid in this one; -errno */
static pid_t client_fork(struct clients *clients, int client, struct error *err)
{
	struct ucred peer;
	int rc = rpc_peer(client, &peer, err);
	if (rc < 0)
		return rc;
	if (is_too_much(clients, peer.uid))
		return error_set(err, EBUSY, "%d requests of user %u are being answered",
				 MAX_PER_USER, peer.uid);
	struct client *slot = array_add(clients);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = (struct client){ fork(), peer.uid };
	if (slot->pid >= 0)
		return slot->pid;
	clients->nr--;
	return error_sys(err, "create a process%s", shortage_of_tasks(errno));
}

/* Nothing is wrong with the service: there will be room again. */
static bool passes(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void wake(int signal)
{
	(void)signal;
}

static int accept_loop(int sock, struct error *err)
{
	struct sigaction action = { .sa_handler = wake }; /* accept4() ends when a child does */
	struct clients clients = { 0 };
	struct error why;
	sigaction(SIGCHLD, &action, NULL);
	for (;; reap(&clients)) {
		auto_fd client = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (client < 0 && passes(errno)) {
			log_warn("accept a connection: %m: trying again");
			usleep(PAUSE_US);
			continue;
		}
		if (client < 0)
			return error_sys(err, "accept a connection");
		pid_t pid = client_fork(&clients, client, &why);
		if (pid < 0) {
			log_warn("a request is dropped: %s", why.text);
			rpc_refuse(client, &why);
		}
		if (pid != 0)
			continue;
		signal(SIGCHLD, SIG_DFL);
		close(sock);
		_exit(rpc_serve(client, true, NULL) < 0);
	}
}

static int service_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct options *o = opts;
	auto_fd images_fd = -1, work_fd = -1, sock = -1, parent = -1;
	if (nr_operands > 0)
		return error_set(err, EUSAGE, "unexpected argument %s", operands[0]);
	int rc = dirs_open(o, &images_fd, &work_fd, err);
	if (rc == 0 && fchdir(work_fd) < 0) /* where a relative --address is */
		rc = error_sys(err, "enter the work directory");
	if (rc == 0)
		rc = service_listen(o, &sock, err);
	if (rc == 0 && o->restore_detached)
		rc = go_background(&parent, err);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = dirs_write_pidfile(o, work_fd, getpid(), err);
	if (rc == 0)
		rc = tell_ready(o, err);
	if (rc == 0 && parent >= 0)
		rc = let_parent_go(&parent, err);
	return rc < 0 ? rc : accept_loop(sock, err);
}

const struct command cmd_service = {
	.name = "service",
	.args = "[--address PATH] [-d] [--pidfile FILE]",
	.summary = "answer requests of whoever connects to a socket",
	.detail =
	    "Listens on a unix socket (SOCK_SEQPACKET) for the requests `swrk` answers. Root may\n"
	    "ask for everything, other users for dumps of processes that are their own.",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_SERVICE,
	.opts_size = sizeof(struct options),
	.run = service_run,
};
