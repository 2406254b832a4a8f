/* SPDX-License-Identifier: MIT
 * Inside of net/: packet filters of a network namespace: nftables-N.img, iptables-N.img,
 * ip6tables-N.img, and tables of iptables in netns-N.img. All work in the namespace of the caller.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "network.pb-c.h"

struct xtables {
	XtablesEntry **items;
	size_t nr, cap;
};

struct net_filters { /* of a dump; read before the network is locked by such rules */
	uint32_t id;
	struct strbuf nft;     /* netlink messages, */
	struct strbuf words;   /* and for CRIU as nft(8) lists them */
	struct strbuf text[2]; /* for CRIU: IPv4 and IPv6, as iptables-save has it */
	struct xtables tables;
};

/** Read them; refuse what could not be set again. */
int net_filters_read(struct net_filters *f, struct error *err);
/** Write the images; what is no text goes to `e`, which then owns it. */
int net_filters_write(struct dump *d, struct net_filters *f, NetnsEntry *e, struct error *err);
void net_filters_fini(struct net_filters *f);

/** Check what is in the images. @param e  NULL: they have no such entry */
int net_filters_load(struct restore *r, uint32_t id, const NetnsEntry *e, struct error *err);
int net_filters_fill(struct restore *r, uint32_t id, const NetnsEntry *e, struct error *err);

/** Rules without those by which CRIU has locked the network. @return 0; -ENOMEM */
int net_filters_unlocked(const char *text, struct strbuf *out);

/** Tables of iptables in the kernel, of both families; @param out  appended to */
int xtables_read(struct xtables *out, struct error *err);
int xtables_check(const XtablesEntry *e, struct error *err);
int xtables_set(const XtablesEntry *e, struct error *err);
void xtables_fini(struct xtables *t);
