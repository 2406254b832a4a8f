/* SPDX-License-Identifier: MIT
 * A network namespace whose device has its other end outside, in a bridge: the pair is made again,
 * and connections with a busy program outside go on.
 *
 * live-net: ip link add br0 type bridge; ip addr add 192.0.2.254/24 dev br0; ip link set br0 up
 * live-unshare: --net
 * live-dump: --tcp-established
 * live-restore: --tcp-established --external veth[eth0]:out0@br0
 */
#include <sched.h>
#include <stdlib.h>

#include "tests/live/tcp.h"

static const char setup[] =
    "set -e; ip link set lo up; ip link add eth0 type veth peer name out0 netns $LIVE_OUTSIDE;"
    "nsenter -t $LIVE_OUTSIDE -n ip link set out0 master br0 up; ip link set eth0 mtu 1400 up;"
    "ip addr add 192.0.2.1/24 dev eth0; ip route add default via 192.0.2.254";
static const char show[] = "(ip link show eth0; ip addr show eth0; ip route) | "
			   "sed 's/@if[0-9]*//; s/ tentative//'";

static char *output(const char *script)
{
	static char text[2][8192];
	static int which;
	char *out = text[which++ % 2];
	FILE *f = popen(script, "r");
	out[f ? fread(out, 1, sizeof(text[0]) - 1, f) : 0] = 0;
	pclose(f);
	return out;
}

/* Asks without end; any reset, or any answer that is wrong, ends it. */
static void client(void *arg)
{
	(void)arg;
	char path[64], text[32];
	snprintf(path, sizeof(path), "/proc/%s/ns/net", getenv("LIVE_OUTSIDE"));
	int ns = open(path, O_RDONLY);
	live_must(ns >= 0 && setns(ns, CLONE_NEWNET) == 0);
	int fd = tcp_connect("192.0.2.1", 7001);
	for (int i = 0;; i++) {
		snprintf(text, sizeof(text), "question %d;", i);
		tcp_put(fd, text, "client");
		tcp_expect(fd, text, "client");
		live_sleep_ms(2);
	}
}

static void echo(int fd)
{
	char text[256];
	tcp_readable(fd, "server");
	ssize_t n = recv(fd, text, sizeof(text), 0);
	live_check(n > 0, "read %zd: %s", n, strerror(errno));
	live_check(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n, "send: %s", strerror(errno));
}

int main(void)
{
	live_must(system(setup) == 0);
	char *before = strdup(output(show));
	int listener = tcp_listen("192.0.2.1", 7001);
	tcp_outside(client, NULL, -1);
	int fd = accept(listener, NULL, NULL);
	live_must(fd >= 0);
	for (int i = 0; i < 20; i++)
		echo(fd);

	live_announce();
	while (!live_go())
		echo(fd);

	for (int i = 0; i < 50; i++)
		echo(fd);
	char *after = output(show);
	live_check(!strcmp(before, after), "it was %s, is %s", before, after);
	live_check(strstr(output("nsenter -t $LIVE_OUTSIDE -n ip link show out0"), "master br0"),
		   "the other end is in no bridge");
	live_pass();
}
