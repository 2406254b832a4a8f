/* SPDX-License-Identifier: MIT
 * TCP with signatures (TCP_MD5SIG, as of BGP): a connection goes on, and who listens takes signed
 * connections only; of IPv4, IPv6 and IPv4 inside IPv6.
 *
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-net: true
 * live-skip: grep -q tcp_md5_do_add /proc/kallsyms
 */
#include "tests/live/tcp.h"

#define NR_WAYS 3
static const struct way {
	const char *listen, *connect, *inside; /* inside: of the client, to the server's socket */
	int port;
} ways[NR_WAYS] = {
	{ "127.0.0.1", "127.0.0.1", "127.0.0.1", 7821 },
	{ "::1", "::1", "::1", 7822 },
	{ "::", "127.0.0.1", "::ffff:127.0.0.1", 7823 },
};

static void sign(int fd, const char *with)
{
	union tcp_addr addr;
	struct tcp_md5sig key = { .tcpm_keylen = 6 };
	tcp_addr(&addr, with, 0);
	memcpy(&key.tcpm_addr, &addr, sizeof(addr));
	memcpy(key.tcpm_key, "secret", 6);
	live_check(setsockopt(fd, SOL_TCP, TCP_MD5SIG, &key, sizeof(key)) == 0, "TCP_MD5SIG: %s",
		   strerror(errno));
}

static int client(const struct way *way, int signs)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, way->connect, way->port);
	int fd = socket(addr.any.sa_family, SOCK_STREAM, 0);
	live_check(fd >= 0, "socket: %s", strerror(errno));
	if (signs)
		sign(fd, way->connect);
	struct timeval soon = { 0, 300000 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	if (connect(fd, &addr.any, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static void outside(void *arg)
{
	int fd = client(arg, 1);
	live_must(fd >= 0);
	tcp_put(fd, "early", "client");
	live_wait();
	tcp_expect(fd, "question", "client");
	tcp_put(fd, "answer", "client");
	live_sleep_ms(20000);
	_exit(0);
}

int main(void)
{
	int listening[NR_WAYS], accepted[NR_WAYS];
	for (int i = 0; i < NR_WAYS; i++) {
		listening[i] = tcp_listen(ways[i].listen, ways[i].port);
		sign(listening[i], ways[i].inside);
		tcp_outside(outside, (void *)&ways[i], -1);
		accepted[i] = accept(listening[i], NULL, NULL);
		live_must(accepted[i] >= 0);
		tcp_readable(accepted[i], "before");
	}

	live_ready();

	for (int i = 0; i < NR_WAYS; i++) {
		tcp_expect(accepted[i], "early", ways[i].connect);
		tcp_put(accepted[i], "question", ways[i].connect);
		tcp_expect(accepted[i], "answer", ways[i].connect);
		live_check(client(&ways[i], 0) < 0, "%s: it takes one that signs nothing",
			   ways[i].listen);
		live_check(client(&ways[i], 1) >= 0, "%s: it takes none", ways[i].listen);
	}
	live_pass();
}
