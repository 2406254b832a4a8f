/* SPDX-License-Identifier: MIT
 * Locking by nftables: a table of our own, with the connections in sets.
 * Source: nft(8); a table with an owner goes with the socket that made it, since Linux 5.12.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "engine/net/lock.h"
#include "engine/net/nft.h"

static int add_element(struct strbuf *text, const struct lock_conn *c, struct error *err)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	inet_ntop(c->family, c->src, src, sizeof(src));
	inet_ntop(c->family, c->dst, dst, sizeof(dst));
	/* both ways; input has the other end as its source */
	return strbuf_printf(text, "%s . %u . %s . %u, %s . %u . %s . %u,", src, c->here, dst,
			     c->there, dst, c->there, src, c->here) < 0
		   ? error_set(err, ENOMEM, "out of memory")
		   : 0;
}

static int add_set(struct strbuf *text, const struct lock *l, const char *table, int family,
		   struct error *err)
{
	char v = family == AF_INET6 ? '6' : '4';
	size_t nr = 0;
	int rc = strbuf_printf(text,
			       "add set inet %s conns%c { type ipv%c_addr . inet_service . "
			       "ipv%c_addr . inet_service; }\n",
			       table, v, v, v);
	for (size_t i = 0; rc == 0 && i < l->nr; i++)
		nr += l->conns[i].family == family;
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (!nr)
		return 0;
	rc = strbuf_printf(text, "add element inet %s conns%c { ", table, v);
	for (size_t i = 0; rc == 0 && i < l->nr; i++)
		if (l->conns[i].family == family)
			rc = add_element(text, &l->conns[i], err);
	return rc == 0 && strbuf_str(text, " }\n") < 0 ? error_set(err, ENOMEM, "out of memory")
						       : rc;
}

static int add_chain(struct strbuf *text, const struct lock *l, const char *table, const char *hook,
		     struct error *err)
{
	int rc = strbuf_printf(text,
			       "add chain inet %s %s { type filter hook %s priority 0; %s}\n"
			       "add rule inet %s %s meta mark %#x accept\n",
			       table, hook, hook, l->whole ? "policy drop; " : "", table, hook,
			       LOCK_MARK);
	for (int i = 0; rc == 0 && !l->whole && i < 2; i++) {
		const char *ip = i ? "ip6" : "ip";
		rc = strbuf_printf(text,
				   "add rule inet %s %s %s saddr . tcp sport . %s daddr . tcp "
				   "dport @conns%c drop\n",
				   table, hook, ip, ip, i ? '6' : '4');
	}
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int make_table(const struct lock *l, const char *table, const char *flags, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = strbuf_printf(&text, "create table inet %s { %s }\n", table, flags) < 0
		     ? error_set(err, ENOMEM, "out of memory")
		     : 0;
	if (rc == 0 && !l->whole)
		rc = add_set(&text, l, table, AF_INET, err);
	if (rc == 0 && !l->whole)
		rc = add_set(&text, l, table, AF_INET6, err);
	if (rc == 0)
		rc = add_chain(&text, l, table, "input", err);
	if (rc == 0)
		rc = add_chain(&text, l, table, "output", err);
	return rc < 0 ? rc : nft_run(l->nft, text.data, err);
}

#define RUN_ID_LEN 21 /* as much of it as CRIU has in the name of its table */

static void table_name(const struct lock *l, const char *prefix, char out[64])
{
	snprintf(out, 64, "%s-%.*s", prefix, RUN_ID_LEN, l->run_id);
}

static int open_library(struct lock *l, struct error *err)
{
	int rc = l->nft ? 0 : nft_open(&l->nft, err);
	return rc < 0 ? error_wrap(err, rc,
				   "the network cannot be locked with nftables (there is "
				   "--network-lock iptables)")
		      : 0;
}

int nft_lock(struct lock *l, struct error *err)
{
	char table[64];
	int rc = open_library(l, err);
	if (rc < 0)
		return rc;
	table_name(l, "stasis", table);
	l->owned = make_table(l, table, "flags owner;", NULL) == 0;
	if (l->owned)
		return 0;
	table_name(l, "CRIU", table); /* a kernel without owners of tables */
	rc = make_table(l, table, "", err);
	l->stays = rc == 0;
	return rc;
}

int nft_keep(struct lock *l, struct error *err)
{
	char table[64];
	table_name(l, "CRIU", table);
	int rc = l->stays ? 0 : make_table(l, table, "", err);
	if (rc < 0)
		return error_wrap(err, rc, "the network does not stay locked");
	l->stays = true;
	return 0;
}

bool nft_is_kept(struct lock *l)
{
	char table[64], text[96];
	table_name(l, "CRIU", table);
	snprintf(text, sizeof(text), "list table inet %s", table);
	return open_library(l, NULL) == 0 && nft_run(l->nft, text, NULL) == 0;
}

int nft_lock_again(struct lock *l, struct error *err)
{
	char table[64];
	int rc = open_library(l, err);
	if (rc < 0)
		return rc;
	table_name(l, "CRIU", table);
	l->found = nft_is_kept(l);
	return l->found ? 0 : make_table(l, table, "", err);
}

/* Tables are added first, so that they are there to be deleted. The one that goes with this process
 * is taken away as well: that is done at once, while the process waits for it at its end. */
int nft_drop(struct lock *l, struct error *err)
{
	char kept[64], owned[64], text[512];
	struct error why = { 0 };
	int rc = open_library(l, err);
	if (rc < 0)
		return rc;
	table_name(l, "CRIU", kept);
	table_name(l, "stasis", owned);
	int len =
	    snprintf(text, sizeof(text), "add table inet %s\ndelete table inet %s\n", kept, kept);
	if (l->owned)
		snprintf(text + len, sizeof(text) - (size_t)len, "delete table inet %s\n", owned);
	nft_run(l->nft, text, &why);
	nft_close(l->nft);
	l->nft = NULL;
	l->owned = false;
	return why.code ? error_set(err, why.code, "the network stays locked: %s", why.text) : 0;
}

void nft_drop_command(const struct lock *l, char *out, size_t len)
{
	char table[64];
	table_name(l, "CRIU", table);
	snprintf(out, len, "nft delete table inet %s", table);
}
