/* SPDX-License-Identifier: MIT
 * TCP for live tests: a peer that is no child of the tree, and what both ends say to each other.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define TCP_PATIENCE_MS 15000

union tcp_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline socklen_t tcp_addr(union tcp_addr *out, const char *text, int port)
{
	memset(out, 0, sizeof(*out));
	if (strchr(text, ':')) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons((uint16_t)port);
		live_must(inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1);
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons((uint16_t)port);
	live_must(inet_pton(AF_INET, text, &out->v4.sin_addr) == 1);
	return sizeof(out->v4);
}

static inline int tcp_listen(const char *address, int port)
{
	union tcp_addr addr;
	int on = 1;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(addr.any.sa_family, SOCK_STREAM, 0);
	live_must(fd >= 0);
	live_must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	live_must(bind(fd, &addr.any, len) == 0);
	live_must(listen(fd, 8) == 0);
	return fd;
}

static inline int tcp_connect(const char *address, int port)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(addr.any.sa_family, SOCK_STREAM, 0);
	live_must(fd >= 0);
	live_must(connect(fd, &addr.any, len) == 0);
	return fd;
}

/** Run `peer` in a process outside of the tree. @param keep  the only descriptor it has; -1: none
 */
static inline void tcp_outside(void (*peer)(void *arg), void *arg, int keep)
{
	int status;
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		pid = fork();
		live_must(pid >= 0);
		if (pid == 0) {
			live_must(setsid() > 0);
			for (int fd = 3; fd < 256; fd++)
				if (fd != keep)
					close(fd);
			peer(arg);
			_exit(0);
		}
		_exit(0);
	}
	live_must(waitpid(pid, &status, 0) == pid && status == 0);
}

static inline int tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	live_must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return info.tcpi_state;
}

static inline void tcp_wait_state(int fd, int state)
{
	for (int i = 0; tcp_state(fd) != state; i++) {
		live_check(i < 3000, "state is %d, want %d", tcp_state(fd), state);
		live_sleep_ms(1);
	}
}

static inline void tcp_put(int fd, const char *text, const char *what)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	live_check(n == (ssize_t)strlen(text), "%s: sent %zd: %s", what, n, strerror(errno));
}

static inline void tcp_readable(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc;
	do /* the peer's dump interrupts it */
		rc = poll(&p, 1, TCP_PATIENCE_MS);
	while (rc < 0 && errno == EINTR);
	live_check(rc == 1, "%s: nothing arrives", what);
}

static inline void tcp_expect(int fd, const char *want, const char *what)
{
	char got[256] = "";
	size_t len = strlen(want), have = 0;
	while (have < len) {
		tcp_readable(fd, what);
		ssize_t n = recv(fd, got + have, len - have, 0);
		live_check(n > 0, "%s: read %zd after \"%s\": %s", what, n, got, strerror(errno));
		have += (size_t)n;
	}
	live_check(!strcmp(got, want), "%s: read \"%s\", want \"%s\"", what, got, want);
}

static inline void tcp_expect_end(int fd, const char *what)
{
	char c;
	tcp_readable(fd, what);
	ssize_t n = recv(fd, &c, 1, 0);
	live_check(n == 0, "%s: read %zd (%s), want the end", what, n, strerror(errno));
}
