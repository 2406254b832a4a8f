/* SPDX-License-Identifier: MIT
 * Addresses of inet_sk_entry.
 */
#include "engine/net/inet-addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

socklen_t inet_addr_set(union inet_addr *out, uint32_t family, const uint32_t *words, uint32_t port,
			unsigned ifindex)
{
	memset(out, 0, sizeof(*out));
	out->any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		out->v6.sin6_port = htons((uint16_t)port);
		memcpy(&out->v6.sin6_addr, words, sizeof(out->v6.sin6_addr));
		out->v6.sin6_scope_id = ifindex;
		return sizeof(out->v6);
	}
	out->v4.sin_port = htons((uint16_t)port);
	memcpy(&out->v4.sin_addr, words, sizeof(out->v4.sin_addr));
	return sizeof(out->v4);
}

bool inet_addr_is_mapped(const uint32_t *words)
{
	return !words[0] && !words[1] && words[2] == htonl(0xffff);
}

bool inet_addr_needs_link(const uint32_t *words)
{
	struct in6_addr addr;
	memcpy(&addr, words, sizeof(addr));
	return IN6_IS_ADDR_LINKLOCAL(&addr) || IN6_IS_ADDR_MC_LINKLOCAL(&addr) ||
	       IN6_IS_ADDR_MC_NODELOCAL(&addr);
}

unsigned inet_addr_link(const InetSkEntry *sk)
{
	const char *name = sk->ifname ? sk->ifname : sk->opts->so_bound_dev;
	return sk->family == AF_INET6 && name && inet_addr_needs_link(sk->src_addr)
		   ? if_nametoindex(name)
		   : 0;
}

int inet_addr_refused(const InetSkEntry *sk, int code, struct error *err)
{
	char text[INET6_ADDRSTRLEN] = "?";
	inet_ntop((int)sk->family, sk->src_addr, text, sizeof(text));
	const char *remedy =
	    code == EADDRINUSE
		? ": end the program that has it (ss -anp tells which), or restore in a network "
		  "namespace of its own"
	    : code == EADDRNOTAVAIL ? ": give it to a device before the restore (ip address add)"
				    : "";
	return error_set(err, code, "bind it to %s port %u: %s%s", text, sk->src_port,
			 strerror(code), remedy);
}
