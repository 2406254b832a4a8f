/* SPDX-License-Identifier: MIT
 * TCP connections with all queues full: what was received, what is on its way, what was never sent;
 * one with the peer outside, one with both ends in the tree, and its handshake (SYN_SENT).
 *
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-net: ip link add v0 up type veth peer v1; ip addr add 10.99.0.1/24 dev v0; ip link set v1 up
 */
#include "tests/live/tcp.h"

#define PORT 7200

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

/* As much as goes. */
static size_t fill(int fd)
{
	unsigned char buf[4096];
	size_t total = 0;
	for (;;) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(total + i);
		ssize_t n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			live_must(errno == EAGAIN);
			return total;
		}
		total += (size_t)n;
	}
}

static void drain(int fd, size_t total, const char *what)
{
	unsigned char buf[8192];
	size_t at = 0;
	while (at < total) {
		tcp_readable(fd, what);
		size_t want = total - at < sizeof(buf) ? total - at : sizeof(buf);
		ssize_t n = recv(fd, buf, want, 0);
		live_check(n > 0, "%s: read %zd at %zu of %zu: %s", what, n, at, total,
			   strerror(errno));
		for (ssize_t i = 0; i < n; i++)
			live_check(buf[i] == pattern(at + (size_t)i), "%s: byte %zu differs", what,
				   at + (size_t)i);
		at += (size_t)n;
	}
}

static void peer(void *arg)
{
	(void)arg;
	char text[32];
	int fd = tcp_connect("127.0.0.1", PORT);
	snprintf(text, sizeof(text), "%zu", fill(fd));
	live_say("filled", text);
	live_wait();
	while (access(live_path("mine"), F_OK) < 0)
		live_sleep_ms(5);
	FILE *f = fopen(live_path("mine"), "r");
	size_t total = 0;
	live_check(f && fscanf(f, "%zu", &total) == 1, "no count");
	drain(fd, total, "peer");
	live_say("drained", "yes");
	live_sleep_ms(20000);
}

int main(void)
{
	int listening = tcp_listen("127.0.0.1", PORT), ends[2];
	tcp_outside(peer, NULL, -1);
	int fd = accept(listening, NULL, NULL);
	live_must(fd >= 0);
	while (access(live_path("filled"), F_OK) < 0)
		live_sleep_ms(5);
	FILE *f = fopen(live_path("filled"), "r");
	size_t theirs = 0;
	live_must(f && fscanf(f, "%zu", &theirs) == 1 && fclose(f) == 0);
	size_t mine = fill(fd);

	ends[0] = tcp_connect("127.0.0.1", PORT);
	ends[1] = accept(listening, NULL, NULL);
	live_must(ends[1] >= 0);
	size_t there = fill(ends[0]), back = fill(ends[1]);

	int waiting = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	union tcp_addr nowhere;
	socklen_t len = tcp_addr(&nowhere, "10.99.0.2", 7299);
	live_must(connect(waiting, &nowhere.any, len) < 0 && errno == EINPROGRESS);
	live_must(tcp_state(waiting) == TCP_SYN_SENT);

	live_ready();

	char text[32];
	snprintf(text, sizeof(text), "%zu", mine);
	live_say("mine", text);
	drain(fd, theirs, "from the peer");
	while (access(live_path("drained"), F_OK) < 0)
		live_sleep_ms(5);
	drain(ends[1], there, "within the tree");
	drain(ends[0], back, "within the tree, back");
	live_check(tcp_state(waiting) == TCP_SYN_SENT, "state is %d, want SYN_SENT",
		   tcp_state(waiting));
	live_pass();
}
