/* SPDX-License-Identifier: MIT
 * Programs under load, and what is in the way of a dump for a moment.
 *   busy serve ADDRESS          answers one connection after the other, a millisecond each
 *   busy idle ADDRESS           listens, and accepts nothing
 *   busy ask ADDRESS COUNT N    N clients, one connection after the other; COUNT is a file that
 *                               has a byte for each answer
 *   busy trace PID MS           traces it for so long
 * ADDRESS: a port of TCP, or a path.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORK_US  1000
#define THINK_US 10000 /* of clients of a path: nobody can keep them away */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_un path;
};

static int new_socket(const char *address, union address *out, socklen_t *len)
{
	memset(out, 0, sizeof(*out));
	if (address[0] == '/') {
		out->path.sun_family = AF_UNIX;
		snprintf(out->path.sun_path, sizeof(out->path.sun_path), "%s", address);
		*len = sizeof(out->path);
	} else {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)atoi(address));
		out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*len = sizeof(out->v4);
	}
	return socket(out->any.sa_family, SOCK_STREAM, 0);
}

static int listen_at(const char *address)
{
	union address a;
	socklen_t len;
	int on = 1, fd = new_socket(address, &a, &len);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, &a.any, len) < 0 || listen(fd, 64) < 0) {
		perror(address);
		exit(1);
	}
	return fd;
}

static void serve(const char *address)
{
	int listening = listen_at(address);
	for (;;) {
		char byte;
		int fd = accept(listening, NULL, NULL);
		if (fd < 0 && errno == EINTR)
			continue;
		if (fd < 0)
			exit(1);
		if (read(fd, &byte, 1) == 1) {
			usleep(WORK_US);
			send(fd, &byte, 1, MSG_NOSIGNAL);
		}
		close(fd);
	}
}

/* Without a server, between a dump and a restore, it is tried again. */
static void ask(const char *address, int count)
{
	for (;;) {
		union address a;
		socklen_t len;
		char byte = 'a';
		int fd = new_socket(address, &a, &len);
		if (connect(fd, &a.any, len) == 0 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
		    read(fd, &byte, 1) == 1) {
			if (write(count, &byte, 1) != 1)
				exit(1);
		} else {
			usleep(THINK_US);
		}
		close(fd);
		if (address[0] == '/')
			usleep(THINK_US);
	}
}

static int trace(pid_t pid, int ms)
{
	int status;
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) != pid)
		return 1;
	puts("traced");
	fflush(stdout);
	usleep((useconds_t)ms * 1000);
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "idle")) {
		listen_at(argv[2]);
		for (;;)
			pause();
	}
	if (argc == 5 && !strcmp(argv[1], "ask")) {
		int count = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0644);
		for (int i = atoi(argv[4]); i > 1; i--)
			if (fork() == 0)
				break;
		ask(argv[2], count);
	}
	if (argc == 4 && !strcmp(argv[1], "trace"))
		return trace(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
