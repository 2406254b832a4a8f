/* SPDX-License-Identifier: MIT
 * A server that counts its requests: each line it is sent, on any connection, is answered with the
 * number of lines before it. What runs in the containers of tests/live/podman.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS 16

static int count;

/* @return 0 while the client is there */
static int serve(int fd)
{
	char text[256], answer[32];
	ssize_t n = read(fd, text, sizeof(text));
	for (ssize_t i = 0; i < n; i++) {
		if (text[i] != '\n')
			continue;
		int len = snprintf(answer, sizeof(answer), "%d\n", count++);
		if (write(fd, answer, (size_t)len) != len)
			return -1;
	}
	return n > 0 || (n < 0 && errno == EINTR) ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port =
					htons((uint16_t)atoi(argc > 1 ? argv[1] : "8088")) };
	struct pollfd fds[1 + MAX_CLIENTS];
	nfds_t nr = 1;
	int on = 1;
	fds[0] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
	if (setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fds[0].fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fds[0].fd, 16) < 0) {
		perror("counter");
		return 1;
	}
	for (;;) {
		if (poll(fds, nr, -1) < 0)
			continue;
		for (nfds_t i = 1; i < nr; i++) {
			if (fds[i].revents && serve(fds[i].fd) < 0) {
				close(fds[i].fd);
				fds[i--] = fds[--nr];
			}
		}
		if (fds[0].revents && nr <= MAX_CLIENTS)
			fds[nr++] = (struct pollfd){ .fd = accept(fds[0].fd, NULL, NULL),
						     .events = POLLIN };
	}
}
