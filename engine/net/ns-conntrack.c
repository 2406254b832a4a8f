/* SPDX-License-Identifier: MIT
 * Tracked connections, both directions: what the kernel tells, as it tells it.
 * Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c.
 */
#include "engine/net/ns-conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "engine/net/nl.h"
#include "engine/net/ns-save.h"
#include "engine/procfs/root.h"
#include "images/writer.h"

#define CRIU_SEQ                                                                                   \
	24680 /* CRIU sends messages as they are, and waits for an answer to this number           \
	       */
#define TYPE(subsys, message) ((uint16_t)((subsys) << 8 | (message)))
#define TRACKED               TYPE(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW)
#define EXPECTED              TYPE(NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_NEW)
/* What the kernel lets be set; others come about by themselves. */
#define STATUS (IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED | IPS_FIXED_TIMEOUT)

static const struct table {
	enum image_id image;
	uint16_t get, made;
} tables[] = {
	{ IMG_NETNF_CT, TYPE(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET), TRACKED },
	{ IMG_NETNF_EXP, TYPE(NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_GET), EXPECTED },
};

/* Dump. */

struct writing {
	struct dump *d;
	uint32_t id;
	const struct table *table;
	struct image_writer *w; /* NULL until there is something to be written */
	struct error *err;
};

static int write_message(const struct nlmsghdr *msg, void *arg)
{
	struct writing *wr = arg;
	int rc = 0;
	if (msg->nlmsg_type != wr->table->made)
		return MNL_CB_OK;
	if (!wr->w)
		rc = image_create(wr->d->images_fd, wr->table->image, wr->id, &wr->w, wr->err);
	struct nlmsghdr header = *msg;
	header.nlmsg_seq = CRIU_SEQ;
	if (rc == 0)
		rc = image_write_bytes(wr->w, &header, sizeof(header), wr->err);
	if (rc == 0)
		rc = image_write_bytes(wr->w, msg + 1, MNL_ALIGN(msg->nlmsg_len) - sizeof(header),
				       wr->err);
	errno = -rc;
	return rc < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump_table(struct dump *d, uint32_t id, const struct table *table, struct nl *nf,
		      struct error *err)
{
	struct error why = { 0 };
	struct nl_request ask;
	struct writing wr = { .d = d, .id = id, .table = table, .err = &why };
	nl_begin(&ask, table->get, 0, sizeof(struct nfgenmsg));
	int rc = nl_each(nf, &ask, write_message, &wr);
	if (rc == 0 && wr.w)
		rc = image_finish(wr.w, &why);
	image_writer_close(wr.w);
	if (why.code)
		return error_set(err, why.code, "%s", why.text);
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return 0; /* a kernel that tracks nothing */
	return rc < 0 ? error_code(err, rc, "read tracked connections") : 0;
}

/* The table is one for all namespaces, and large: it is not gone through for nothing. */
static bool is_empty(void)
{
	auto_strbuf text = { 0 };
	if (file_read_at(procfs_fd(), "sys/net/netfilter/nf_conntrack_count", &text, NULL) < 0)
		return false;
	return text.len && text.data[0] == '0';
}

int conntrack_dump(struct dump *d, uint32_t id, struct error *err)
{
	auto_nl nf = NULL;
	if (is_empty())
		return 0;
	int rc = nl_open(NETLINK_NETFILTER, &nf, err);
	if (rc < 0)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(tables); i++)
		rc = dump_table(d, id, &tables[i], nf, err);
	return rc;
}

/* Restore. */

struct tuple {
	const struct nlattr *src, *dst; /* addresses, of IPv4 or IPv6 */
	const struct nlattr *number, *sport, *dport;
	bool ipv6;
	bool whole; /* it is of a protocol with ports, and has no zone of its own */
};

static struct tuple tuple_of(const struct nlattr *attr)
{
	const struct nlattr *tb[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];
	nl_nested(attr, tb, CTA_TUPLE_MAX);
	nl_nested(tb[CTA_TUPLE_IP], ip, CTA_IP_MAX);
	nl_nested(tb[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	bool ipv6 = ip[CTA_IP_V6_SRC] != NULL;
	struct tuple t = {
		.src = ipv6 ? ip[CTA_IP_V6_SRC] : ip[CTA_IP_V4_SRC],
		.dst = ipv6 ? ip[CTA_IP_V6_DST] : ip[CTA_IP_V4_DST],
		.number = proto[CTA_PROTO_NUM],
		.sport = proto[CTA_PROTO_SRC_PORT],
		.dport = proto[CTA_PROTO_DST_PORT],
		.ipv6 = ipv6,
	};
	t.whole = t.src && t.dst && t.number && t.sport && t.dport && !tb[CTA_TUPLE_ZONE];
	return t;
}

static void put_as(struct nl_request *ask, unsigned type, const struct nlattr *attr)
{
	nl_put(ask, type, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

/* The way back of a connection, if nobody changed addresses. */
static void put_inverse(struct nl_request *ask, const struct tuple *t)
{
	struct nlattr *tuple = nl_nest(ask, CTA_TUPLE_REPLY);
	struct nlattr *ip = nl_nest(ask, CTA_TUPLE_IP);
	put_as(ask, t->ipv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, t->dst);
	put_as(ask, t->ipv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, t->src);
	nl_nest_end(ask, ip);
	struct nlattr *proto = nl_nest(ask, CTA_TUPLE_PROTO);
	put_as(ask, CTA_PROTO_NUM, t->number);
	put_as(ask, CTA_PROTO_SRC_PORT, t->dport);
	put_as(ask, CTA_PROTO_DST_PORT, t->sport);
	nl_nest_end(ask, proto);
	nl_nest_end(ask, tuple);
}

static void put_nat(struct nl_request *ask, unsigned type, bool ipv6, const struct nlattr *address,
		    const struct nlattr *port)
{
	struct nlattr *nat = nl_nest(ask, type);
	put_as(ask, ipv6 ? CTA_NAT_V6_MINIP : CTA_NAT_V4_MINIP, address);
	put_as(ask, ipv6 ? CTA_NAT_V6_MAXIP : CTA_NAT_V4_MAXIP, address);
	struct nlattr *proto = nl_nest(ask, CTA_NAT_PROTO);
	put_as(ask, CTA_PROTONAT_PORT_MIN, port);
	put_as(ask, CTA_PROTONAT_PORT_MAX, port);
	nl_nest_end(ask, proto);
	nl_nest_end(ask, nat);
}

/* The kernel tells that addresses are changed only by how packets come back; to change them again
 * it wants to be told so. @return false: it is none of these, and told as it is */
static bool put_translated(struct nl_request *ask, const struct nlattr *const *tb, uint32_t status)
{
	if (!(status & IPS_NAT_MASK) || !tb[CTA_TUPLE_ORIG] || !tb[CTA_TUPLE_REPLY])
		return false;
	const struct tuple there = tuple_of(tb[CTA_TUPLE_ORIG]);
	const struct tuple back = tuple_of(tb[CTA_TUPLE_REPLY]);
	if (!there.whole || !back.whole)
		return false;
	put_inverse(ask, &there);
	if (status & IPS_SRC_NAT)
		put_nat(ask, CTA_NAT_SRC, back.ipv6, back.dst, back.dport);
	if (status & IPS_DST_NAT)
		put_nat(ask, CTA_NAT_DST, back.ipv6, back.src, back.sport);
	return true;
}

/* Its windows are not known any more: it may be anywhere in them. */
static void make_liberal(const struct nlattr *info)
{
	static const unsigned ways[] = { CTA_PROTOINFO_TCP_FLAGS_ORIGINAL,
					 CTA_PROTOINFO_TCP_FLAGS_REPLY };
	const struct nlattr *protos[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];
	nl_nested(info, protos, CTA_PROTOINFO_MAX);
	nl_nested(protos[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct nlattr *attr = tcp[ways[i]];
		if (!attr || mnl_attr_get_payload_len(attr) < sizeof(struct nf_ct_tcp_flags))
			continue;
		struct nf_ct_tcp_flags *flags = mnl_attr_get_payload(attr);
		flags->flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
		flags->mask |= IP_CT_TCP_FLAG_BE_LIBERAL;
	}
}

/* @param msg  its flags are changed */
static void put_tracked(struct nl_request *ask, const struct nlmsghdr *msg)
{
	const struct nlattr *tb[CTA_MAX + 1], *attr;
	nl_attrs(msg, sizeof(struct nfgenmsg), tb, CTA_MAX);
	uint32_t status = ntohl(nl_number(tb[CTA_STATUS]));
	make_liberal(tb[CTA_PROTOINFO]);
	bool translated = put_translated(ask, tb, status);
	mnl_attr_for_each(attr, msg, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case CTA_STATUS:
			nl_put_u32(ask, CTA_STATUS, htonl(status & STATUS));
			break;
		case CTA_TUPLE_REPLY:
			if (!translated)
				put_as(ask, attr->nla_type, attr);
			break;
		case CTA_ID:
		case CTA_USE:
		case CTA_COUNTERS_ORIG:
		case CTA_COUNTERS_REPLY:
		case CTA_TIMESTAMP:
		case CTA_SECCTX:
			break;
		default:
			put_as(ask, attr->nla_type, attr);
		}
	}
}

static bool has_master(const struct nlmsghdr *msg)
{
	const struct nlattr *tb[CTA_MAX + 1];
	nl_attrs(msg, sizeof(struct nfgenmsg), tb, CTA_MAX);
	return msg->nlmsg_type == TRACKED && tb[CTA_TUPLE_MASTER];
}

static int add_message(struct nl *nf, const struct nlmsghdr *msg, struct error *err)
{
	struct nl_request ask;
	const struct nlattr *attr;
	struct nfgenmsg *head =
	    nl_begin(&ask, msg->nlmsg_type, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head));
	*head = *(const struct nfgenmsg *)mnl_nlmsg_get_payload(msg);
	head->res_id = 0;
	if (msg->nlmsg_type == TRACKED) {
		put_tracked(&ask, msg);
	} else {
		mnl_attr_for_each(attr, msg, sizeof(*head))
		{
			put_as(&ask, attr->nla_type, attr);
		}
	}
	int rc = nl_do(nf, &ask, err);
	return rc == -EEXIST ? 0 : rc;
}

/* @return 1; 0: nothing is in it */
static int read_table(struct restore *r, const struct table *table, uint32_t id, struct strbuf *out,
		      struct error *err)
{
	char name[64];
	size_t end = 0;
	int rc = netns_raw_read(r, table->image, id, out, err);
	if (rc < 0 || !out->len)
		return rc;
	image_filename(&image_types[table->image], id, name, sizeof(name));
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(out, msg));) {
		/* CRIU stores what is tracked in place of what is expected */
		if ((msg->nlmsg_type != TRACKED && msg->nlmsg_type != EXPECTED) ||
		    mnl_nlmsg_get_payload_len(msg) < sizeof(struct nfgenmsg))
			return error_set(err, EBADMSG, "%s: a message of type %#x, %u bytes", name,
					 msg->nlmsg_type, msg->nlmsg_len);
		end = (size_t)((const char *)msg - out->data) + MNL_ALIGN(msg->nlmsg_len);
	}
	return end >= out->len
		   ? 1
		   : error_set(err, EBADMSG, "%s: no whole message at byte %zu", name, end);
}

int conntrack_load(struct restore *r, uint32_t id, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < ARRAY_SIZE(tables); i++) {
		auto_strbuf messages = { 0 };
		rc = read_table(r, &tables[i], id, &messages, err);
	}
	return rc < 0 ? rc : 0;
}

static int fill_table(struct restore *r, const struct table *table, uint32_t id, struct nl *nf,
		      struct error *err)
{
	auto_strbuf messages = { 0 };
	int rc = read_table(r, table, id, &messages, err);
	rc = rc < 0 ? rc : 0;
	for (int turn = 0; rc == 0 && turn < 2; turn++) {
		for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&messages, msg));)
			if (msg->nlmsg_type == table->made && has_master(msg) == (turn == 1))
				rc = add_message(nf, msg, err);
	}
	return rc < 0 ? error_wrap(err, rc, "track a connection") : 0;
}

int conntrack_fill(struct restore *r, uint32_t id, struct error *err)
{
	auto_nl nf = NULL;
	int rc = nl_open(NETLINK_NETFILTER, &nf, err);
	if (rc < 0)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(tables); i++)
		rc = fill_table(r, &tables[i], id, nf, err);
	return rc;
}
