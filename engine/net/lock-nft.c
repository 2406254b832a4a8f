/* SPDX-License-Identifier: MIT
 * Locking by nftables: a table of our own, with the connections in sets. The library is loaded when
 * the first connection is locked; its few functions are declared here.
 * Source: libnftables(3), nft(8); a table with an owner goes with the socket that made it, since
 * Linux 5.12.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "engine/net/lock.h"

#define SONAME "libnftables.so.1"

struct nft {
	void *handle, *context;
	void *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(void *context);
	int (*ctx_buffer_output)(void *context);
	int (*ctx_buffer_error)(void *context);
	const char *(*ctx_get_error_buffer)(void *context);
	int (*run_cmd_from_buffer)(void *context, const char *text);
};

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define F(name)                                                                                    \
	{                                                                                          \
		"nft_" #name, offsetof(struct nft, name)                                           \
	}
	F(ctx_new),
	F(ctx_free),
	F(ctx_buffer_output),
	F(ctx_buffer_error),
	F(ctx_get_error_buffer),
	F(run_cmd_from_buffer),
#undef F
};

static void nft_close(struct nft *nft)
{
	if (!nft)
		return;
	if (nft->context)
		nft->ctx_free(nft->context);
	free(nft); /* the library stays: it leaves threads' data and handlers behind */
}

static int load(struct nft *nft, struct error *err)
{
	nft->handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!nft->handle)
		return error_set(err, ENOTSUP,
				 "the network cannot be locked with nftables: %s; use "
				 "--network-lock iptables",
				 dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *address = dlsym(nft->handle, functions[i].name);
		if (!address)
			return error_set(err, ENOTSUP, SONAME " has no %s", functions[i].name);
		*(void **)((char *)nft + functions[i].offset) = address;
	}
	nft->context = nft->ctx_new(0);
	if (!nft->context)
		return error_set(err, ENOMEM, "out of memory");
	nft->ctx_buffer_output(nft->context);
	nft->ctx_buffer_error(nft->context);
	return 0;
}

static int nft_open(struct nft **out, struct error *err)
{
	struct nft *nft = calloc(1, sizeof(*nft));
	if (!nft)
		return error_set(err, ENOMEM, "out of memory");
	int rc = load(nft, err);
	if (rc < 0)
		nft_close(nft);
	else
		*out = nft;
	return rc;
}

/* One transaction: all of it or nothing. */
static int run(struct nft *nft, const char *text, struct error *err)
{
	if (nft->run_cmd_from_buffer(nft->context, text) == 0)
		return 0;
	char why[256] = "";
	const char *said = nft->ctx_get_error_buffer(nft->context);
	if (said)
		snprintf(why, sizeof(why), "%.*s", (int)strcspn(said, "\n"), said);
	return error_set(err, EIO, "nftables: %s", why);
}

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

static int add_chain(struct strbuf *text, const char *table, const char *hook, struct error *err)
{
	int rc = strbuf_printf(text,
			       "add chain inet %s %s { type filter hook %s priority 0; }\n"
			       "add rule inet %s %s meta mark %#x accept\n",
			       table, hook, hook, table, hook, LOCK_MARK);
	for (int i = 0; rc == 0 && i < 2; i++) {
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
	if (rc == 0)
		rc = add_set(&text, l, table, AF_INET, err);
	if (rc == 0)
		rc = add_set(&text, l, table, AF_INET6, err);
	if (rc == 0)
		rc = add_chain(&text, table, "input", err);
	if (rc == 0)
		rc = add_chain(&text, table, "output", err);
	return rc < 0 ? rc : run(l->nft, text.data, err);
}

#define RUN_ID_LEN 21 /* as much of it as CRIU has in the name of its table */

static void table_name(const struct lock *l, const char *prefix, char out[64])
{
	snprintf(out, 64, "%s-%.*s", prefix, RUN_ID_LEN, l->run_id);
}

static void delete_table(struct nft *nft, const char *table, struct error *err)
{
	char text[128];
	/* added first, so that it is there to be deleted */
	snprintf(text, sizeof(text), "add table inet %s\ndelete table inet %s\n", table, table);
	run(nft, text, err);
}

int nft_lock(struct lock *l, struct error *err)
{
	char table[64];
	int rc = nft_open(&l->nft, err);
	if (rc < 0)
		return rc;
	table_name(l, "stasis", table);
	if (make_table(l, table, "flags owner;", NULL) == 0)
		return 0;
	table_name(l, "CRIU", table); /* a kernel without owners of tables */
	rc = make_table(l, table, "", err);
	l->stays = rc == 0;
	return rc < 0 ? error_wrap(err, rc, "the network cannot be locked") : 0;
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

int nft_drop(struct lock *l, struct error *err)
{
	char table[64];
	struct error why = { 0 };
	int rc = l->nft ? 0 : nft_open(&l->nft, err);
	if (rc < 0)
		return rc;
	table_name(l, "CRIU", table);
	delete_table(l->nft, table, &why);
	nft_close(l->nft);
	l->nft = NULL;
	return why.code ? error_set(err, why.code, "the network stays locked: %s", why.text) : 0;
}
