/* SPDX-License-Identifier: MIT
 * Sources of multicast groups: those a socket wants, those it does not want, several of them, and
 * groups of IPv4 that a socket of IPv6 is in. They are the same after every restore.
 *
 * live-modes: SS RR 2S
 * live-net: ip route add 224.0.0.0/4 dev lo
 */
#include <net/if.h>
#include <stdbool.h>

#include "tests/live/tcp.h"

#define SOURCES 3

static const struct way {
	const char *what;
	int family; /* of the socket */
	const char *group, *sources[SOURCES];
	bool excluded;
} ways[] = {
	{ "one wanted", AF_INET, "232.1.1.1", { "127.0.0.5" }, false },
	{ "three wanted", AF_INET, "232.1.1.2", { "127.0.0.5", "127.0.0.6", "10.9.8.7" }, false },
	{ "two not wanted", AF_INET, "224.9.9.9", { "127.0.0.5", "127.0.0.6" }, true },
	{ "two wanted, IPv6", AF_INET6, "ff35::77", { "fd00::5", "fd00::6" }, false },
	{ "two not wanted, IPv6", AF_INET6, "ff05::78", { "fd00::5", "fd00::6" }, true },
	{ "IPv4 in IPv6", AF_INET6, "224.9.9.8", { NULL }, true },
	{ "one wanted, IPv4 in IPv6", AF_INET6, "232.1.1.3", { "127.0.0.5" }, false },
};
#define NR (sizeof(ways) / sizeof(*ways))

static int level_of(const struct way *w)
{
	return strchr(w->group, ':') ? SOL_IPV6 : SOL_IP;
}

static void put(struct sockaddr_storage *out, const char *text)
{
	union tcp_addr addr;
	tcp_addr(&addr, text, 0);
	memcpy(out, &addr, sizeof(addr));
}

static int begin(const struct way *w)
{
	struct group_source_req req = { .gsr_interface = if_nametoindex("lo") };
	int fd = socket(w->family, SOCK_DGRAM, 0);
	live_must(fd >= 0);
	put(&req.gsr_group, w->group);
	struct group_req plain = { req.gsr_interface, req.gsr_group };
	if (w->excluded)
		live_must(setsockopt(fd, level_of(w), MCAST_JOIN_GROUP, &plain, sizeof(plain)) ==
			  0);
	for (int i = 0; i < SOURCES && w->sources[i]; i++) {
		put(&req.gsr_source, w->sources[i]);
		int option = w->excluded ? MCAST_BLOCK_SOURCE : MCAST_JOIN_SOURCE_GROUP;
		live_must(setsockopt(fd, level_of(w), option, &req, sizeof(req)) == 0);
	}
	return fd;
}

static bool has(const struct group_filter *f, const char *source)
{
	struct sockaddr_storage want;
	put(&want, source);
	for (unsigned i = 0; i < f->gf_numsrc; i++) {
		const struct sockaddr_storage *got = &f->gf_slist[i];
		if (want.ss_family == AF_INET
			? !memcmp(&((const struct sockaddr_in *)got)->sin_addr,
				  &((const struct sockaddr_in *)&want)->sin_addr, 4)
			: !memcmp(&((const struct sockaddr_in6 *)got)->sin6_addr,
				  &((const struct sockaddr_in6 *)&want)->sin6_addr, 16))
			return true;
	}
	return false;
}

static void check(const struct way *w, int fd)
{
	union {
		struct group_filter f;
		char bytes[GROUP_FILTER_SIZE(2 * SOURCES)];
	} got = { { 0 } };
	socklen_t len = sizeof(got);
	unsigned nr = 0;
	got.f.gf_interface = if_nametoindex("lo");
	got.f.gf_numsrc = 2 * SOURCES;
	put(&got.f.gf_group, w->group);
	live_check(getsockopt(fd, level_of(w), MCAST_MSFILTER, &got, &len) == 0, "%s: %s", w->what,
		   strerror(errno));
	for (; nr < SOURCES && w->sources[nr]; nr++)
		live_check(has(&got.f, w->sources[nr]), "%s: no source %s", w->what,
			   w->sources[nr]);
	live_check(got.f.gf_numsrc == nr && (got.f.gf_fmode == MCAST_EXCLUDE) == w->excluded,
		   "%s: mode %u, %u sources, want %u", w->what, got.f.gf_fmode, got.f.gf_numsrc,
		   nr);
}

int main(void)
{
	int fds[NR];
	for (size_t i = 0; i < NR; i++)
		fds[i] = begin(&ways[i]);

	live_ready();

	for (size_t i = 0; i < NR; i++)
		check(&ways[i], fds[i]);
	live_pass();
}
