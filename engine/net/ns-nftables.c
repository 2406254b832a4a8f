/* SPDX-License-Identifier: MIT
 * Tables of nftables, read and set as netlink messages: what iptables and others have put into
 * their rules stays what it is, which a listing in words cannot promise. Source:
 * include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c.
 */
#include "engine/net/ns-nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "engine/net/nl.h"

#define TYPE(message) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (message)))
#define SET_TYPE      19 /* NFTA_SET_TYPE, NFTA_SET_COUNT: since Linux 6.16 */
#define SET_COUNT     20
#define MAX_LEN       (32u << 20)

/* What there is, in the order in which it needs each other. */
static const struct kind {
	uint16_t get, make;
	uint16_t dropped[3]; /* attributes that only tell */
	uint16_t flags;
	bool per_set;     /* asked for set by set */
	uint16_t numbers; /* an attribute that has to be there, with a number of its own */
} kinds[] = {
	{ NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, { NFTA_TABLE_HANDLE, NFTA_TABLE_USE } },
	{ NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, { NFTA_CHAIN_HANDLE, NFTA_CHAIN_USE } },
	{ NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, { NFTA_OBJ_HANDLE, NFTA_OBJ_USE } },
	{ NFT_MSG_GETFLOWTABLE,
	  NFT_MSG_NEWFLOWTABLE,
	  { NFTA_FLOWTABLE_HANDLE, NFTA_FLOWTABLE_USE } },
	{ NFT_MSG_GETSET,
	  NFT_MSG_NEWSET,
	  { NFTA_SET_HANDLE, SET_TYPE, SET_COUNT },
	  .numbers = NFTA_SET_ID },
	{ NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, { 0 }, .per_set = true },
	{ NFT_MSG_GETRULE,
	  NFT_MSG_NEWRULE,
	  { NFTA_RULE_HANDLE, NFTA_RULE_POSITION },
	  .flags = NLM_F_APPEND },
};

static const struct kind *kind_of(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (type == TYPE(kinds[i].make))
			return &kinds[i];
	return NULL;
}

/* Rules of iptables: an extension may want to know which protocol its rule is for. The kernel does
 * not tell, but the rule has compared it before. */
struct protocol {
	bool known, inverted, loaded;
	bool needed; /* there is an extension */
	uint8_t number;
};

static void see_payload(const struct nlattr *data, uint8_t family, struct protocol *p)
{
	const struct nlattr *tb[NFTA_PAYLOAD_LEN + 1];
	uint32_t at = family == NFPROTO_IPV6 ? 6 : 9; /* where the header names it */
	nl_nested(data, tb, NFTA_PAYLOAD_LEN);
	p->loaded = ntohl(nl_number(tb[NFTA_PAYLOAD_BASE])) == NFT_PAYLOAD_NETWORK_HEADER &&
		    ntohl(nl_number(tb[NFTA_PAYLOAD_OFFSET])) == at &&
		    ntohl(nl_number(tb[NFTA_PAYLOAD_LEN])) == 1;
}

static void see_meta(const struct nlattr *data, struct protocol *p)
{
	const struct nlattr *tb[NFTA_META_KEY + 1];
	nl_nested(data, tb, NFTA_META_KEY);
	p->loaded = ntohl(nl_number(tb[NFTA_META_KEY])) == NFT_META_L4PROTO;
}

static void see_compare(const struct nlattr *data, struct protocol *p)
{
	const struct nlattr *tb[NFTA_CMP_DATA + 1], *value[NFTA_DATA_VALUE + 1];
	nl_nested(data, tb, NFTA_CMP_DATA);
	nl_nested(tb[NFTA_CMP_DATA], value, NFTA_DATA_VALUE);
	if (p->loaded && value[NFTA_DATA_VALUE] &&
	    mnl_attr_get_payload_len(value[NFTA_DATA_VALUE]) >= 1) {
		p->known = true;
		p->inverted = ntohl(nl_number(tb[NFTA_CMP_OP])) == NFT_CMP_NEQ;
		p->number = *(const uint8_t *)mnl_attr_get_payload(value[NFTA_DATA_VALUE]);
	}
	p->loaded = false;
}

static void see_expression(const struct nlattr *element, uint8_t family, struct protocol *p)
{
	const struct nlattr *tb[NFTA_EXPR_DATA + 1];
	nl_nested(element, tb, NFTA_EXPR_DATA);
	const char *name = nl_string(tb[NFTA_EXPR_NAME]);
	if (!name || !tb[NFTA_EXPR_DATA])
		return;
	if (!strcmp(name, "payload"))
		see_payload(tb[NFTA_EXPR_DATA], family, p);
	else if (!strcmp(name, "meta"))
		see_meta(tb[NFTA_EXPR_DATA], p);
	else if (!strcmp(name, "cmp"))
		see_compare(tb[NFTA_EXPR_DATA], p);
	p->needed = p->needed || !strcmp(name, "match") || !strcmp(name, "target");
}

static struct protocol protocol_of(const struct nlmsghdr *msg)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NFTA_RULE_EXPRESSIONS + 1], *element;
	struct protocol p = { 0 };
	nl_attrs(msg, sizeof(*head), tb, NFTA_RULE_EXPRESSIONS);
	if (tb[NFTA_RULE_EXPRESSIONS]) {
		mnl_attr_for_each_nested(element, tb[NFTA_RULE_EXPRESSIONS])
		{
			see_expression(element, head->nfgen_family, &p);
		}
	}
	return p;
}

/* Reading. */

struct reading {
	struct nl *nf;
	struct strbuf *out;
	uint32_t next_number;
};

static int add_attr(struct strbuf *out, uint16_t type, const void *bytes, size_t len)
{
	static const char zeros[4];
	const struct nlattr attr = { .nla_len = (uint16_t)(MNL_ATTR_HDRLEN + len),
				     .nla_type = type };
	int rc = strbuf_add(out, &attr, sizeof(attr));
	if (rc == 0)
		rc = strbuf_add(out, bytes, len);
	return rc < 0 ? rc : strbuf_add(out, zeros, MNL_ALIGN(len) - len);
}

static int add_protocol(struct strbuf *out, const struct nlmsghdr *msg)
{
	struct protocol p = protocol_of(msg);
	const struct { /* two attributes in one */
		struct nlattr proto_head;
		uint32_t proto;
		struct nlattr flags_head;
		uint32_t flags;
	} nested = { { 8, NFTA_RULE_COMPAT_PROTO },
		     htonl(p.number),
		     { 8, NFTA_RULE_COMPAT_FLAGS },
		     htonl(p.inverted ? NFT_RULE_COMPAT_F_INV : 0) };
	return p.needed && p.known
		   ? add_attr(out, NFTA_RULE_COMPAT | NLA_F_NESTED, &nested, sizeof(nested))
		   : 0;
}

static bool is_dropped(const struct kind *kind, const struct nlattr *attr)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind->dropped); i++)
		if (kind->dropped[i] == mnl_attr_get_type(attr))
			return true;
	return false;
}

/* What the kernel told becomes what it is told. */
static int add_message(struct reading *r, const struct kind *kind, const struct nlmsghdr *msg)
{
	struct nfgenmsg head = *(const struct nfgenmsg *)mnl_nlmsg_get_payload(msg);
	struct nlmsghdr outer = { .nlmsg_type = TYPE(kind->make),
				  .nlmsg_flags =
				      (uint16_t)(NLM_F_REQUEST | NLM_F_CREATE | kind->flags) };
	const struct nlattr *attr;
	size_t begin = r->out->len;
	head.res_id = 0;
	int rc = strbuf_add(r->out, &outer, sizeof(outer));
	if (rc == 0)
		rc = strbuf_add(r->out, &head, sizeof(head));
	mnl_attr_for_each(attr, msg, sizeof(head))
	{
		if (rc == 0 && !is_dropped(kind, attr))
			rc = add_attr(r->out, attr->nla_type, mnl_attr_get_payload(attr),
				      mnl_attr_get_payload_len(attr));
	}
	uint32_t number = htonl(++r->next_number);
	if (rc == 0 && kind->numbers)
		rc = add_attr(r->out, kind->numbers, &number, sizeof(number));
	if (rc == 0 && kind->make == NFT_MSG_NEWRULE)
		rc = add_protocol(r->out, msg);
	if (rc < 0)
		return rc;
	outer.nlmsg_len = (uint32_t)(r->out->len - begin);
	memcpy(r->out->data + begin, &outer, sizeof(outer));
	return 0;
}

static int see_table(const struct nlmsghdr *msg, struct error *err)
{
	const struct nlattr *tb[NFTA_TABLE_OWNER + 1];
	nl_attrs(msg, sizeof(struct nfgenmsg), tb, NFTA_TABLE_OWNER);
	if (!tb[NFTA_TABLE_OWNER])
		return 0;
	return error_set(err, ENOTSUP,
			 "it has a table of nftables, %s, that belongs to a program (flags owner), "
			 "which only that can set",
			 nl_string(tb[NFTA_TABLE_NAME]));
}

static int ask(struct reading *r, const struct kind *kind, struct nl_request *request,
	       struct error *err)
{
	auto_strbuf all = { 0 };
	int rc = nl_dump(r->nf, request, &all);
	if (rc < 0)
		return error_code(err, rc, "read tables of nftables (%u)", kind->get);
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));) {
		if (msg->nlmsg_type != TYPE(kind->make) ||
		    mnl_nlmsg_get_payload_len(msg) < sizeof(struct nfgenmsg))
			continue;
		rc = kind->make == NFT_MSG_NEWTABLE ? see_table(msg, err) : 0;
		if (rc == 0 && add_message(r, kind, msg) < 0)
			rc = error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}

/* Elements, of each set that was read so far. */
static int ask_sets(struct reading *r, const struct kind *kind, struct error *err)
{
	struct nl_request request;
	auto_strbuf sets = { 0 };
	if (strbuf_add(&sets, r->out->data, r->out->len) < 0)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&sets, msg));) {
		const struct nlattr *tb[NFTA_SET_NAME + 1];
		if (msg->nlmsg_type != TYPE(NFT_MSG_NEWSET))
			continue;
		const struct nfgenmsg *set = mnl_nlmsg_get_payload(msg);
		nl_attrs(msg, sizeof(*set), tb, NFTA_SET_NAME);
		struct nfgenmsg *head = nl_begin(&request, TYPE(kind->get), 0, sizeof(*head));
		head->nfgen_family = set->nfgen_family;
		nl_put_str(&request, NFTA_SET_ELEM_LIST_TABLE, nl_string(tb[NFTA_SET_TABLE]));
		nl_put_str(&request, NFTA_SET_ELEM_LIST_SET, nl_string(tb[NFTA_SET_NAME]));
		rc = ask(r, kind, &request, err);
	}
	return rc;
}

static int read_all(struct reading *r, struct error *err)
{
	struct nl_request request;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(kinds); i++) {
		nl_begin(&request, TYPE(kinds[i].get), 0, sizeof(struct nfgenmsg));
		rc = kinds[i].per_set ? ask_sets(r, &kinds[i], err)
				      : ask(r, &kinds[i], &request, err);
		if (i == 0 && (rc == -EINVAL || rc == -EOPNOTSUPP))
			return 0; /* a kernel without nftables */
		if (i == 0 && !r->out->len)
			return 0;
	}
	return rc;
}

int nftables_read(struct strbuf *out, struct error *err)
{
	auto_nl nf = NULL;
	int rc = nl_open(NETLINK_NETFILTER, &nf, err);
	if (rc < 0)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	struct reading reading = { .nf = nf, .out = out };
	rc = read_all(&reading, err);
	return rc == 0 && out->len > MAX_LEN
		   ? error_set(err, E2BIG, "it has more than %u bytes of nftables", MAX_LEN)
		   : rc;
}

int nftables_check(const struct strbuf *messages, struct error *err)
{
	size_t end = 0;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));) {
		if (!kind_of(msg->nlmsg_type) ||
		    mnl_nlmsg_get_payload_len(msg) < sizeof(struct nfgenmsg))
			return error_set(err, EBADMSG, "nf_tables: a message of type %#x, %u bytes",
					 msg->nlmsg_type, msg->nlmsg_len);
		end = (size_t)((const char *)msg - messages->data) + MNL_ALIGN(msg->nlmsg_len);
	}
	return end == messages->len
		   ? 0
		   : error_set(err, EBADMSG, "nf_tables: no whole message at byte %zu", end);
}

int nftables_set(const struct strbuf *messages, struct error *err)
{
	auto_nl nf = NULL;
	int rc = messages->len ? nl_open(NETLINK_NETFILTER, &nf, err) : 0;
	if (rc < 0 || !messages->len)
		return rc;
	rc = nl_batch(nf, NFNL_SUBSYS_NFTABLES, messages, err);
	return rc < 0 ? error_wrap(err, rc, "set tables of nftables") : 0;
}
