/* SPDX-License-Identifier: MIT
 * Which packet filter holds connections still.
 */
#include "engine/net/lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "engine/net/inet-addr.h"
#include "engine/net/nft.h"

void lock_conn_set(struct lock_conn *out, int family, const uint32_t *src, uint32_t src_port,
		   const uint32_t *dst, uint32_t dst_port)
{
	size_t words = family == AF_INET6 ? 4 : 1;
	*out = (struct lock_conn){ .family = family,
				   .here = (uint16_t)src_port,
				   .there = (uint16_t)dst_port };
	if (family == AF_INET6 && inet_addr_is_mapped(dst)) {
		out->family = AF_INET;
		src += 3;
		dst += 3;
		words = 1;
	}
	memcpy(out->src, src, words * sizeof(*src));
	memcpy(out->dst, dst, words * sizeof(*dst));
}

enum network_lock lock_default(void)
{
	return iptables_found() ? NETWORK_LOCK_IPTABLES : NETWORK_LOCK_NFTABLES;
}

static int explain(int rc, struct error *err)
{
	if (rc == 0 || rc == -ENOTSUP) /* it says what else there is */
		return rc;
	return error_wrap(err, rc,
			  "the network cannot be locked (to keep connections needs CAP_NET_ADMIN, "
			  "--tcp-close gives them up)");
}

int lock_set(struct lock *l, struct error *err)
{
	if (l->method == NETWORK_LOCK_SKIP)
		return 0;
	l->set = true;
	return explain(
	    l->method == NETWORK_LOCK_NFTABLES ? nft_lock(l, err) : iptables_lock(l, err), err);
}

int lock_keep(struct lock *l, struct error *err)
{
	return l->method == NETWORK_LOCK_NFTABLES ? nft_keep(l, err) : 0;
}

int lock_again(struct lock *l, struct error *err)
{
	if (l->method == NETWORK_LOCK_SKIP)
		return 0;
	l->set = true;
	return explain(l->method == NETWORK_LOCK_NFTABLES ? nft_lock_again(l, err)
							  : iptables_lock_again(l, err),
		       err);
}

int lock_drop(struct lock *l, struct error *err)
{
	if (!l->set || l->method == NETWORK_LOCK_SKIP)
		return 0;
	l->set = false;
	if (l->method == NETWORK_LOCK_NFTABLES)
		return nft_drop(l, err);
	iptables_drop(l);
	return 0;
}

void lock_warn_left(struct lock *l)
{
	char how[128];
	bool by_nft = l->method == NETWORK_LOCK_NFTABLES;
	if (!l->set || !l->nr || l->method == NETWORK_LOCK_SKIP ||
	    !(by_nft ? nft_is_kept(l) : iptables_are_kept()))
		return; /* or on another machine */
	if (by_nft)
		nft_drop_command(l, how, sizeof(how));
	else
		snprintf(how, sizeof(how),
			 "iptables-save | grep -v %#x | iptables-restore, and so with ip6tables",
			 LOCK_MARK);
	log_warn("the rules that the dump set for %zu TCP connections stay, so that the restore "
		 "can be tried again; to give them up: %s",
		 l->nr, how);
}

void lock_fini(struct lock *l)
{
	nft_close(l->nft);
	l->nft = NULL;
}
