/* SPDX-License-Identifier: MIT
 * An option TCP_MD5SIG_EXT per key. A key for one routing domain alone is told without that, and
 * then holds in all. Source: struct tcp_md5sig of linux/tcp.h; INET_DIAG_MD5SIG since Linux 4.14.
 */
#include "engine/net/tcp-md5.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/net/inet-addr.h"
#include "engine/net/sock-more.h"

static int dump_key(int family, const struct tcp_diag_md5sig *from, SkOptsEntry *opts,
		    struct error *err)
{
	struct tcp_md5sig key = { .tcpm_flags = TCP_MD5SIG_FLAG_PREFIX,
				  .tcpm_prefixlen = from->tcpm_prefixlen,
				  .tcpm_keylen = from->tcpm_keylen };
	const uint32_t mapped[4] = { 0, 0, htonl(0xffff), from->tcpm_addr[0] };
	bool is_mapped = family == AF_INET6 && from->tcpm_family == AF_INET;
	union inet_addr addr = { 0 };
	inet_addr_set(&addr, (uint32_t)family, is_mapped ? mapped : from->tcpm_addr, 0, 0);
	memcpy(&key.tcpm_addr, &addr, sizeof(addr));
	memcpy(key.tcpm_key, from->tcpm_key, sizeof(key.tcpm_key));
	return sock_more_add(opts, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key), err);
}

int tcp_md5_dump(int family, const void *keys, size_t len, SkOptsEntry *opts, struct error *err)
{
	struct tcp_diag_md5sig key;
	int rc = 0;
	for (size_t at = 0; rc == 0 && at + sizeof(key) <= len; at += sizeof(key)) {
		memcpy(&key, (const char *)keys + at, sizeof(key));
		if (key.tcpm_keylen) /* the kernel fills up with zeros */
			rc = dump_key(family, &key, opts, err);
	}
	return rc;
}

bool tcp_md5_is_one(const SkOptionEntry *e)
{
	return e->level == IPPROTO_TCP && e->option == TCP_MD5SIG_EXT;
}

bool tcp_md5_is_sane(const SkOptionEntry *e)
{
	struct tcp_md5sig key;
	if (e->value.len != sizeof(key))
		return false;
	memcpy(&key, e->value.data, sizeof(key));
	return key.tcpm_keylen && key.tcpm_keylen <= TCP_MD5SIG_MAXKEYLEN;
}

bool tcp_md5_signs(const SkOptsEntry *opts)
{
	for (size_t i = 0; i < opts->n_more; i++)
		if (tcp_md5_is_one(opts->more[i]))
			return true;
	return false;
}

int tcp_md5_restore(int fd, const SkOptsEntry *opts, struct error *err)
{
	for (size_t i = 0; i < opts->n_more; i++) {
		const SkOptionEntry *e = opts->more[i];
		if (tcp_md5_is_one(e) && setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, e->value.data,
						    (socklen_t)e->value.len) < 0)
			return error_sys(err, "set a key for its signatures (TCP_MD5SIG)");
	}
	return 0;
}
