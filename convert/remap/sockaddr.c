/* SPDX-License-Identifier: MIT
 * Addresses as programs and the kernel give them to each other: struct sockaddr, and what options
 * of sockets hold. Source: ip(7), RFC 3678 (MCAST_MSFILTER).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "convert/remap/remapping.h"

/* The other end's port is the set's when its socket is in the set. */
static int end(struct remapping *r, void *addr, size_t len, in_port_t *port, struct error *err)
{
	uint32_t number = ntohs(*port);
	struct ip old = ip_from_bytes(addr, len);
	int rc =
	    facts_own_end(&r->facts, &old, number) ? remap_number(r, REMAP_PORT, &number, err) : 0;
	*port = htons((uint16_t)number);
	return rc < 0 ? rc : remap_ip(r, addr, len, IP_BITS, err);
}

/* @param len  bytes of it that are there */
static int inet(struct remapping *r, uint8_t *bytes, size_t len, struct error *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { 0 };
	len = len < sizeof(a) ? len : sizeof(a);
	memcpy(&a, bytes, len);
	int rc = 0;
	if (a.any.sa_family == AF_INET && len >= sizeof(a.v4))
		rc = end(r, &a.v4.sin_addr, sizeof(a.v4.sin_addr), &a.v4.sin_port, err);
	else if (a.any.sa_family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id))
		rc = end(r, &a.v6.sin6_addr, sizeof(a.v6.sin6_addr), &a.v6.sin6_port, err);
	memcpy(bytes, &a, len);
	return rc;
}

int remap_sockaddr(struct remapping *r, ProtobufCBinaryData *data, struct error *err)
{
	const size_t path = offsetof(struct sockaddr_un, sun_path);
	sa_family_t family;
	if (data->len <= sizeof(family))
		return 0;
	memcpy(&family, data->data, sizeof(family));
	if (family == AF_UNIX)
		return data->len > path && data->data[path] == '/'
			   ? remap_socket_path(r, data, path, err)
			   : 0;
	return inet(r, data->data, data->len, err);
}

/* A group, and whose packets to it are wanted, or not. */
static int multicast(struct remapping *r, ProtobufCBinaryData *value, struct error *err)
{
	const size_t first = offsetof(struct group_filter, gf_slist);
	const size_t step = sizeof(struct sockaddr_storage);
	if (value->len < first)
		return 0;
	int rc = inet(r, value->data + offsetof(struct group_filter, gf_group), step, err);
	for (size_t at = first; rc == 0 && at + step <= value->len; at += step)
		rc = inet(r, value->data + at, step, err);
	return rc;
}

int remap_sock_option(struct remapping *r, SkOptionEntry *e, struct error *err)
{
	const size_t v4 = sizeof(struct in_addr);
	if ((e->level == SOL_IP || e->level == SOL_IPV6) && e->option == MCAST_MSFILTER)
		return multicast(r, &e->value, err);
	if (e->level != SOL_IP || e->option != IP_MULTICAST_IF || e->value.len < v4)
		return 0;
	/* the address alone, or struct ip_mreqn */
	size_t at =
	    e->value.len < sizeof(struct ip_mreqn) ? 0 : offsetof(struct ip_mreqn, imr_address);
	return remap_ip(r, e->value.data + at, v4, IP_BITS, err);
}
