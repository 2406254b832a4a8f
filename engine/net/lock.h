/* SPDX-License-Identifier: MIT
 * Packet filter rules that hold TCP connections still between their dump and their restore. The
 * names of tables and rules are CRIU's, so that either takes away what the other has set.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/context/options.h"
#include "engine/net/ip-packet.h"

#define LOCK_MARK IP_PACKET_MARK /* packets with this mark (SO_MARK) pass */

struct lock_conn {
	int family;              /* AF_INET also for addresses mapped into IPv6 */
	uint16_t here, there;    /* ports, host order */
	uint32_t src[4], dst[4]; /* network order; IPv4 uses the first word */
};

struct lock {
	enum network_lock method;
	const char *run_id; /* of the dump; names the nftables table */
	const struct lock_conn *conns;
	size_t nr;
	bool whole;      /* not only these: everything in this network namespace */
	bool set;        /* there are rules */
	bool found;      /* they were there already, from the dump */
	bool stays;      /* and they do not go with this process */
	bool owned;      /* lock-nft.c: there is a table that goes with this process */
	struct nft *nft; /* lock-nft.c: the library, while it holds a table of ours */
};

/** The connection of a socket, for lock.conns. @param src, dst  as in inet_sk_entry */
void lock_conn_set(struct lock_conn *out, int family, const uint32_t *src, uint32_t src_port,
		   const uint32_t *dst, uint32_t dst_port);
/** What to use when nobody chose: iptables as CRIU does, or nftables where that is missing. */
enum network_lock lock_default(void);

/**
 * Drop every packet of these connections, in both directions. With nftables the rules vanish when
 * this process ends, however it does.
 */
int lock_set(struct lock *l, struct error *err);
/** The rules outlive this process: the tasks are about to end. */
int lock_keep(struct lock *l, struct error *err);
/** Set those that a dump has left, for a restore, unless they are still there. */
int lock_again(struct lock *l, struct error *err);
/** Take the rules away, of this process or of a dump before. Those that are not there are no error.
 */
int lock_drop(struct lock *l, struct error *err);
/** Of a restore that failed: where the rules of the dump are still there, say how to end them. */
void lock_warn_left(struct lock *l);
/** Let go of the library, not of the rules. */
void lock_fini(struct lock *l);

/* The two kinds of packet filters, lock-nft.c and lock-iptables.c. */
int nft_lock(struct lock *l, struct error *err);
int nft_keep(struct lock *l, struct error *err);
int nft_lock_again(struct lock *l, struct error *err);
bool nft_is_kept(struct lock *l);
int nft_drop(struct lock *l, struct error *err);
void nft_drop_command(const struct lock *l, char *out, size_t len);
int iptables_lock(struct lock *l, struct error *err);
int iptables_lock_again(struct lock *l, struct error *err);
bool iptables_are_kept(void);
void iptables_drop(struct lock *l);
bool iptables_found(void);
