/* SPDX-License-Identifier: MIT
 * Options below SOL_SOCKET: one row each. Only what is not 0 is stored.
 */
#include "engine/net/inet-opts.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"

#ifndef IP_NODEFRAG
#define IP_NODEFRAG 22
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* Linux 4.15 */
#endif
#define FILTER_WORDS_MAX 8 /* struct icmp6_filter */

enum group { GROUP_IP, GROUP_RAW, GROUP_TCP };

struct row {
	enum group group;
	uint32_t family; /* 0: both */
	int level, option;
	const char *name;
	bool boolean;   /* protobuf_c_boolean in its message, else uint32_t */
	size_t has, at; /* offsets in the message */
};

#define ROW(grp, fam, lvl, opt, message, field, is_bool)                                           \
	{                                                                                          \
		grp, fam, lvl, opt, #opt, is_bool, offsetof(message, has_##field),                 \
		    offsetof(message, field)                                                       \
	}

static const struct row rows[] = {
	ROW(GROUP_IP, AF_INET, SOL_IP, IP_FREEBIND, IpOptsEntry, freebind, true),
	ROW(GROUP_IP, AF_INET6, SOL_IPV6, IPV6_FREEBIND, IpOptsEntry, freebind, true),
	ROW(GROUP_IP, AF_INET, SOL_IP, IP_PKTINFO, IpOptsEntry, pktinfo, true),
	ROW(GROUP_IP, AF_INET6, SOL_IPV6, IPV6_RECVPKTINFO, IpOptsEntry, pktinfo, true),
	ROW(GROUP_IP, AF_INET, SOL_IP, IP_TOS, IpOptsEntry, tos, false),
	ROW(GROUP_IP, AF_INET, SOL_IP, IP_TTL, IpOptsEntry, ttl, false),
	ROW(GROUP_RAW, AF_INET, SOL_IP, IP_HDRINCL, IpOptsRawEntry, hdrincl, true),
	ROW(GROUP_RAW, AF_INET6, SOL_IPV6, IPV6_HDRINCL, IpOptsRawEntry, hdrincl, true),
	ROW(GROUP_RAW, AF_INET, SOL_IP, IP_NODEFRAG, IpOptsRawEntry, nodefrag, true),
	ROW(GROUP_TCP, 0, SOL_TCP, TCP_NODELAY, TcpOptsEntry, nodelay, true),
	ROW(GROUP_TCP, 0, SOL_TCP, TCP_CORK, TcpOptsEntry, cork, true),
	ROW(GROUP_TCP, 0, SOL_TCP, TCP_KEEPCNT, TcpOptsEntry, keepcnt, false),
	ROW(GROUP_TCP, 0, SOL_TCP, TCP_KEEPIDLE, TcpOptsEntry, keepidle, false),
	ROW(GROUP_TCP, 0, SOL_TCP, TCP_KEEPINTVL, TcpOptsEntry, keepintvl, false),
};

static void *message_of(const InetSkEntry *sk, enum group group)
{
	bool is_tcp = sk->proto == IPPROTO_TCP && sk->type == SOCK_STREAM;
	switch (group) {
	case GROUP_IP:
		return sk->ip_opts;
	case GROUP_RAW:
		return sk->ip_opts ? sk->ip_opts->raw : NULL;
	case GROUP_TCP:
		return is_tcp ? sk->tcp_opts : NULL;
	}
	return NULL;
}

static int row_dump(int fd, const char *what, const struct row *row, char *message,
		    struct error *err)
{
	int value = 0;
	socklen_t len = sizeof(value);
	if (getsockopt(fd, row->level, row->option, &value, &len) < 0)
		return error_sys(err, "%s: read %s", what, row->name);
	if (!value)
		return 0;
	*(protobuf_c_boolean *)(message + row->has) = true;
	if (row->boolean)
		*(protobuf_c_boolean *)(message + row->at) = true;
	else
		*(uint32_t *)(message + row->at) = (uint32_t)value;
	return 0;
}

/* Which ICMP messages a raw socket gets: a word, or eight. @return its level, 0: none */
static int filter_of(const InetSkEntry *sk, int *option, size_t *words)
{
	if (sk->type != SOCK_RAW ||
	    sk->proto != (sk->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return 0;
	*option = sk->family == AF_INET6 ? ICMP6_FILTER : ICMP_FILTER;
	*words = sk->family == AF_INET6 ? FILTER_WORDS_MAX : 1;
	return sk->family == AF_INET6 ? SOL_ICMPV6 : SOL_RAW;
}

static int filter_dump(int fd, const char *what, InetSkEntry *sk, struct error *err)
{
	int option;
	size_t words = 0;
	int level = filter_of(sk, &option, &words);
	IpOptsRawEntry *raw = sk->ip_opts->raw;
	if (!level)
		return 0;
	raw->icmpv_filter = calloc(words, sizeof(uint32_t));
	if (!raw->icmpv_filter)
		return error_set(err, ENOMEM, "out of memory");
	raw->n_icmpv_filter = words;
	socklen_t len = (socklen_t)(words * sizeof(uint32_t));
	if (getsockopt(fd, level, option, raw->icmpv_filter, &len) < 0)
		return error_sys(err, "%s: read its ICMP filter", what);
	return 0;
}

static int make_messages(InetSkEntry *sk)
{
	sk->ip_opts = malloc(sizeof(*sk->ip_opts));
	sk->tcp_opts = malloc(sizeof(*sk->tcp_opts));
	if (sk->ip_opts)
		ip_opts_entry__init(sk->ip_opts);
	if (sk->tcp_opts)
		tcp_opts_entry__init(sk->tcp_opts);
	if (!sk->ip_opts || !sk->tcp_opts)
		return -ENOMEM;
	if (sk->type != SOCK_RAW)
		return 0;
	sk->ip_opts->raw = malloc(sizeof(*sk->ip_opts->raw));
	if (!sk->ip_opts->raw)
		return -ENOMEM;
	ip_opts_raw_entry__init(sk->ip_opts->raw);
	return 0;
}

int inet_opts_dump(int fd, const char *what, InetSkEntry *sk, struct error *err)
{
	if (make_messages(sk) < 0)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++) {
		void *message = message_of(sk, rows[i].group);
		if (message && (!rows[i].family || rows[i].family == sk->family))
			rc = row_dump(fd, what, &rows[i], message, err);
	}
	return rc < 0 ? rc : filter_dump(fd, what, sk, err);
}

int inet_opts_check(const InetSkEntry *sk, struct error *err)
{
	const IpOptsRawEntry *raw = sk->ip_opts ? sk->ip_opts->raw : NULL;
	int option;
	size_t words = 0;
	if (!raw || !raw->n_icmpv_filter)
		return 0;
	if (!filter_of(sk, &option, &words) || raw->n_icmpv_filter != words)
		return error_set(err, EBADMSG, "ICMP filter of %zu words, want %zu",
				 raw->n_icmpv_filter, words);
	return 0;
}

static int row_restore(int fd, const struct row *row, const char *message, struct error *err)
{
	int now = 0;
	socklen_t len = sizeof(now);
	if (!*(const protobuf_c_boolean *)(message + row->has))
		return 0;
	const void *at = message + row->at;
	int value = row->boolean ? *(const protobuf_c_boolean *)at : (int)*(const uint32_t *)at;
	if (getsockopt(fd, row->level, row->option, &now, &len) == 0 && now == value)
		return 0;
	if (setsockopt(fd, row->level, row->option, &value, sizeof(value)) < 0)
		return error_sys(err, "set %s", row->name);
	return 0;
}

int inet_opts_restore(int fd, const InetSkEntry *sk, struct error *err)
{
	int option = 0, rc = 0;
	size_t words = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++) {
		const void *message = message_of(sk, rows[i].group);
		if (message && (!rows[i].family || rows[i].family == sk->family))
			rc = row_restore(fd, &rows[i], message, err);
	}
	const IpOptsRawEntry *raw = message_of(sk, GROUP_RAW);
	if (rc < 0 || !raw || !raw->n_icmpv_filter)
		return rc;
	int level = filter_of(sk, &option, &words);
	if (setsockopt(fd, level, option, raw->icmpv_filter,
		       (socklen_t)(words * sizeof(uint32_t))) < 0)
		return error_sys(err, "set its ICMP filter");
	return 0;
}
