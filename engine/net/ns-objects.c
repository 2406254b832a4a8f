/* SPDX-License-Identifier: MIT
 * Next hops, neighbours that somebody has entered, entries of bridges, queueing disciplines and
 * labels of IPv6 addresses of a network namespace, a row each, both directions; and what there is
 * besides is refused. What was learned is learned again.
 * Source: rtnetlink(7), arp(7), tc(8), ip-addrlabel(8), ipset(8), ipvsadm(8),
 * include/uapi/linux/{neighbour,nexthop,xfrm,if_addrlabel}.h, linux/netfilter/ipset/ip_set.h
 */
#include "engine/net/ns-objects.h"

#include <errno.h>
#include <linux/if_addrlabel.h>
#include <linux/mroute.h>
#include <linux/neighbour.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "engine/net/nl.h"
#include "engine/procfs/root.h"

struct object_row {
	const char *what;
	int bus;
	uint16_t get, add;
	uint16_t del; /* the kernel has made some by itself: those that are not stored go; else 0 */
	size_t header_len;
	uint8_t family;     /* the first byte of the question's header, */
	uint8_t ndm_flags;  /* and those of neighbours */
	bool early;         /* routes are made of it */
	const char *module; /* it is asked only where this is there: asking would load it */
	/** What the question has besides its header. NULL: nothing */
	void (*ask)(struct nl_request *ask);
	/** Is it one of these, and nothing that comes by itself? NULL: all are. */
	bool (*is_one)(const struct nlmsghdr *msg);
	/** NULL: it can be carried; else none can */
	int (*refuse)(const struct object_row *row, const struct nlmsghdr *msg, struct error *err);
	/** Make the request for it of what the kernel tells. NULL: it is that */
	void (*request)(const struct nlmsghdr *msg, struct nl_request *ask);
};

static bool is_entered(const struct nlmsghdr *msg)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
	return (head->ndm_family == AF_INET || head->ndm_family == AF_INET6) &&
	       ((head->ndm_state & NUD_PERMANENT) || (head->ndm_flags & NTF_PROXY));
}

/* Entries of bridges, and of devices that have addresses besides their own. Groups come with their
 * members. */
static bool is_entry(const struct nlmsghdr *msg)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NDA_MAX + 1];
	nl_attrs(msg, sizeof(*head), tb, NDA_MAX);
	if (head->ndm_family != AF_BRIDGE || !(head->ndm_state & (NUD_PERMANENT | NUD_NOARP)) ||
	    !tb[NDA_LLADDR] || !mnl_attr_get_payload_len(tb[NDA_LLADDR]))
		return false;
	return tb[NDA_DST] || !(*(const uint8_t *)mnl_attr_get_payload(tb[NDA_LLADDR]) & 1);
}

static void request_entry(const struct nlmsghdr *msg, struct nl_request *ask)
{
	static const uint16_t kept[] = { NDA_LLADDR, NDA_VLAN,    NDA_DST,     NDA_PORT,
					 NDA_VNI,    NDA_IFINDEX, NDA_SRC_VNI, NDA_NH_ID };
	const struct ndmsg *told = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NDA_MAX + 1];
	nl_attrs(msg, sizeof(*told), tb, NDA_MAX);
	struct ndmsg *head = nl_begin(ask, RTM_NEWNEIGH, 0, sizeof(*head));
	bool port = tb[NDA_MASTER] && nl_number(tb[NDA_MASTER]) != (uint32_t)told->ndm_ifindex;
	*head = *told;
	head->ndm_flags &= NTF_STICKY;
	head->ndm_flags |= port ? NTF_MASTER : NTF_SELF;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (tb[kept[i]])
			nl_put(ask, kept[i], mnl_attr_get_payload(tb[kept[i]]),
			       mnl_attr_get_payload_len(tb[kept[i]]));
	/* one address may lead to several ends of a tunnel */
	ask->header.nlmsg_flags = tb[NDA_DST] ? NLM_F_APPEND : NLM_F_REPLACE;
}

static bool is_group(const struct nlmsghdr *msg)
{
	const struct nlattr *tb[NHA_MAX + 1];
	nl_attrs(msg, sizeof(struct nhmsg), tb, NHA_MAX);
	return tb[NHA_GROUP] != NULL;
}

static bool is_single(const struct nlmsghdr *msg)
{
	return !is_group(msg);
}

/* Buckets, and the timers of them; how long it has been out of balance is only told. */
static void put_resilience(const struct nlattr *told, struct nl_request *ask)
{
	static const uint16_t kept[] = { NHA_RES_GROUP_BUCKETS, NHA_RES_GROUP_IDLE_TIMER,
					 NHA_RES_GROUP_UNBALANCED_TIMER };
	const struct nlattr *tb[NHA_RES_GROUP_MAX + 1];
	nl_nested(told, tb, NHA_RES_GROUP_MAX);
	struct nlattr *nest = told ? nl_nest(ask, NHA_RES_GROUP) : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (tb[kept[i]])
			nl_put(ask, kept[i], mnl_attr_get_payload(tb[kept[i]]),
			       mnl_attr_get_payload_len(tb[kept[i]]));
	nl_nest_end(ask, nest);
}

static void request_next_hop(const struct nlmsghdr *msg, struct nl_request *ask)
{
	static const uint16_t kept[] = { NHA_ID,        NHA_GROUP, NHA_GROUP_TYPE,
					 NHA_BLACKHOLE, NHA_OIF,   NHA_GATEWAY,
					 NHA_ENCAP,     NHA_FDB,   NHA_ENCAP_TYPE };
	const struct nhmsg *told = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NHA_MAX + 1];
	nl_attrs(msg, sizeof(*told), tb, NHA_MAX);
	struct nhmsg *head = nl_begin(ask, RTM_NEWNEXTHOP, NLM_F_REPLACE, sizeof(*head));
	head->nh_family = told->nh_family;
	head->nh_protocol = told->nh_protocol;
	head->nh_flags = told->nh_flags & RTNH_F_ONLINK; /* others tell of the state */
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (tb[kept[i]])
			nl_put(ask, kept[i], mnl_attr_get_payload(tb[kept[i]]),
			       mnl_attr_get_payload_len(tb[kept[i]]));
	put_resilience(tb[NHA_RES_GROUP], ask);
}

/* Those without a number are what devices begin with. */
static bool is_chosen(const struct nlmsghdr *msg)
{
	return ((const struct tcmsg *)mnl_nlmsg_get_payload(msg))->tcm_handle != 0;
}

/* Without classes and filters, and told as they are set. */
static bool is_simple(const char *kind)
{
	static const char *const kinds[] = { "noqueue", "pfifo_fast", "pfifo", "bfifo",
					     "tbf",     "fq",         "codel" };
	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i], kind))
			return true;
	return false;
}

static int refuse_qdisc(const struct object_row *row, const struct nlmsghdr *msg, struct error *err)
{
	char name[IF_NAMESIZE] = "?";
	const struct tcmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[TCA_MAX + 1];
	nl_attrs(msg, sizeof(*head), tb, TCA_MAX);
	const char *kind = nl_string(tb[TCA_KIND]);
	(void)row;
	if (head->tcm_parent == TC_H_ROOT && is_simple(kind))
		return 0;
	if_indextoname((unsigned)head->tcm_ifindex, name);
	return error_set(err, ENOTSUP,
			 "network device %s has the queueing discipline %s: not supported; remove "
			 "it before the dump (tc qdisc del dev %s %s)",
			 name, kind ? kind : "?", name,
			 head->tcm_parent == TC_H_INGRESS ? kind : "root");
}

static void request_qdisc(const struct nlmsghdr *msg, struct nl_request *ask)
{
	const struct tcmsg *told = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[TCA_MAX + 1];
	nl_attrs(msg, sizeof(*told), tb, TCA_MAX);
	struct tcmsg *head = nl_begin(ask, RTM_NEWQDISC, NLM_F_REPLACE, sizeof(*head));
	head->tcm_ifindex = told->tcm_ifindex;
	head->tcm_handle = told->tcm_handle;
	head->tcm_parent = told->tcm_parent;
	nl_put_str(ask, TCA_KIND, nl_string(tb[TCA_KIND]));
	if (tb[TCA_OPTIONS])
		nl_put(ask, TCA_OPTIONS, mnl_attr_get_payload(tb[TCA_OPTIONS]),
		       mnl_attr_get_payload_len(tb[TCA_OPTIONS]));
}

/* The kernel counts changes in the header. */
static const struct ifaddrlblmsg *label_head(const struct nlmsghdr *msg, struct ifaddrlblmsg *out)
{
	*out = *(const struct ifaddrlblmsg *)mnl_nlmsg_get_payload(msg);
	out->ifal_seq = 0;
	return out;
}

static void request_label(const struct nlmsghdr *msg, struct nl_request *ask)
{
	ask->too_long = false;
	memcpy(ask->bytes, msg, msg->nlmsg_len);
	label_head(msg, mnl_nlmsg_get_payload(&ask->header));
	ask->header.nlmsg_flags = 0;
}

static bool is_other_route(const struct nlmsghdr *msg)
{
	uint8_t family = ((const struct rtmsg *)mnl_nlmsg_get_payload(msg))->rtm_family;
	return family == AF_MPLS || family == RTNL_FAMILY_IPMR || family == RTNL_FAMILY_IP6MR;
}

static int refuse_all(const struct object_row *row, const struct nlmsghdr *msg, struct error *err)
{
	(void)msg;
	return error_set(err, ENOTSUP, "it has %s: not supported; remove them before the dump",
			 row->what);
}

static void ask_sets(struct nl_request *ask)
{
	nl_put_u8(ask, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
}

static int refuse_set(const struct object_row *row, const struct nlmsghdr *msg, struct error *err)
{
	const struct nlattr *tb[IPSET_ATTR_CMD_MAX + 1];
	nl_attrs(msg, row->header_len, tb, IPSET_ATTR_CMD_MAX);
	const char *name = nl_string(tb[IPSET_ATTR_SETNAME]);
	return error_set(err, ENOTSUP,
			 "it has %s, %s: not supported; remove it before the dump (ipset destroy "
			 "%s), or use sets of nftables",
			 row->what, name ? name : "?", name ? name : "NAME");
}

static const struct object_row rows[] = {
	{ .what = "a next hop",
	  .get = RTM_GETNEXTHOP,
	  .add = RTM_NEWNEXTHOP,
	  .header_len = sizeof(struct nhmsg),
	  .early = true,
	  .is_one = is_single,
	  .request = request_next_hop },
	{ .what = "a group of next hops",
	  .get = RTM_GETNEXTHOP,
	  .add = RTM_NEWNEXTHOP,
	  .header_len = sizeof(struct nhmsg),
	  .early = true,
	  .is_one = is_group,
	  .request = request_next_hop },
	{ .what = "a neighbour",
	  .get = RTM_GETNEIGH,
	  .add = RTM_NEWNEIGH,
	  .header_len = sizeof(struct ndmsg),
	  .is_one = is_entered },
	{ .what = "a proxy",
	  .get = RTM_GETNEIGH,
	  .add = RTM_NEWNEIGH,
	  .header_len = sizeof(struct ndmsg),
	  .ndm_flags = NTF_PROXY,
	  .is_one = is_entered },
	{ .what = "an entry of a bridge",
	  .get = RTM_GETNEIGH,
	  .add = RTM_NEWNEIGH,
	  .header_len = sizeof(struct ndmsg),
	  .family = AF_BRIDGE,
	  .is_one = is_entry,
	  .request = request_entry },
	{ .what = "a queueing discipline",
	  .get = RTM_GETQDISC,
	  .add = RTM_NEWQDISC,
	  .header_len = sizeof(struct tcmsg),
	  .is_one = is_chosen,
	  .refuse = refuse_qdisc,
	  .request = request_qdisc },
	{ .what = "a label of IPv6 addresses",
	  .get = RTM_GETADDRLABEL,
	  .add = RTM_NEWADDRLABEL,
	  .del = RTM_DELADDRLABEL,
	  .header_len = sizeof(struct ifaddrlblmsg),
	  .family = AF_INET6,
	  .request = request_label },
	/* nothing of these is carried */
	{ .what = "a set of addresses (ipset)",
	  .bus = NETLINK_NETFILTER,
	  .module = "ip_set",
	  .get = NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST,
	  .add = NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST,
	  .header_len = sizeof(struct nfgenmsg),
	  .ask = ask_sets,
	  .refuse = refuse_set },
	{ .what = "routes of MPLS or multicast routing",
	  .get = RTM_GETROUTE,
	  .add = RTM_NEWROUTE,
	  .header_len = sizeof(struct rtmsg),
	  .is_one = is_other_route,
	  .refuse = refuse_all },
	{ .what = "policies of IPsec (ip xfrm policy)",
	  .bus = NETLINK_XFRM,
	  .get = XFRM_MSG_GETPOLICY,
	  .add = XFRM_MSG_NEWPOLICY,
	  .header_len = sizeof(struct xfrm_userpolicy_id),
	  .refuse = refuse_all },
	{ .what = "associations of IPsec (ip xfrm state)",
	  .bus = NETLINK_XFRM,
	  .get = XFRM_MSG_GETSA,
	  .add = XFRM_MSG_NEWSA,
	  .header_len = sizeof(struct xfrm_usersa_id),
	  .refuse = refuse_all },
};

static bool is_of(const struct object_row *row, const struct nlmsghdr *msg)
{
	return msg->nlmsg_type == row->add && mnl_nlmsg_get_payload_len(msg) >= row->header_len &&
	       (!row->is_one || row->is_one(msg));
}

static int ask_all(const struct object_row *row, struct strbuf *all, struct error *err)
{
	char path[64];
	struct nl_request ask;
	auto_nl nl = NULL;
	snprintf(path, sizeof(path), "/sys/module/%s", row->module ? row->module : "");
	if (row->module && access(path, F_OK) < 0)
		return 0;
	int rc = nl_open(row->bus, &nl, err);
	if (rc == -EPROTONOSUPPORT)
		return 0;
	if (rc < 0)
		return rc;
	/* a question to IPsec for all of them has no header: it would be taken for attributes */
	bool whole = row->bus == NETLINK_XFRM;
	char *head = nl_begin(&ask, row->get, 0, whole ? 0 : row->header_len);
	if (!whole)
		head[0] = (char)row->family;
	if (row->ndm_flags)
		((struct ndmsg *)(void *)head)->ndm_flags = row->ndm_flags;
	if (row->ask)
		row->ask(&ask);
	rc = nl_dump(nl, &ask, all);
	if (rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT || rc == -EINVAL)
		return 0; /* a kernel without them */
	return rc < 0 ? error_code(err, rc, "look for %s", row->what) : 0;
}

static int read_row(const struct object_row *row, struct strbuf *out, struct error *err)
{
	auto_strbuf all = { 0 };
	int rc = ask_all(row, &all, err);
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));) {
		if (!is_of(row, msg))
			continue;
		if (!out)
			rc = row->refuse ? row->refuse(row, msg, err) : 0;
		else if (!row->bus && row->refuse != refuse_all &&
			 strbuf_add(out, msg, MNL_ALIGN(msg->nlmsg_len)) < 0)
			rc = error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}

bool net_ipvs_is_used(const char *text)
{
	size_t lines = 0; /* three are the head */
	for (; *text; text++)
		lines += *text == '\n';
	return lines > 3;
}

/* By a file, as asking by netlink would load the module. */
static int refuse_ipvs(struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(procfs_fd(), "thread-self/net/ip_vs", &text, NULL);
	if (rc < 0 || !net_ipvs_is_used(text.data ? text.data : ""))
		return 0;
	return error_set(err, ENOTSUP,
			 "it has services of IPVS: not supported; remove them before the dump "
			 "(ipvsadm --clear)");
}

int net_objects_read(struct strbuf *out, struct error *err)
{
	int rc = out ? 0 : refuse_ipvs(err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		rc = read_row(&rows[i], out, err);
	return rc;
}

/* Restore. */

static const struct object_row *row_of(const struct nlmsghdr *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!rows[i].bus && is_of(&rows[i], msg))
			return rows[i].refuse && rows[i].refuse(&rows[i], msg, NULL) < 0 ? NULL
											 : &rows[i];
	return NULL;
}

int net_objects_check(const struct strbuf *messages, struct error *err)
{
	size_t end = 0;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));) {
		if (!row_of(msg) || msg->nlmsg_len > sizeof(((struct nl_request *)0)->bytes))
			return error_set(err, EBADMSG, "objects: a message of type %u, %u bytes",
					 msg->nlmsg_type, msg->nlmsg_len);
		end = (size_t)((const char *)msg - messages->data) + MNL_ALIGN(msg->nlmsg_len);
	}
	return end == messages->len
		   ? 0
		   : error_set(err, EBADMSG, "objects: no whole message at byte %zu", end);
}

static bool is_same_label(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	struct ifaddrlblmsg one, other;
	size_t len = sizeof(one);
	return a->nlmsg_len == b->nlmsg_len &&
	       !memcmp(label_head(a, &one), label_head(b, &other), len) &&
	       !memcmp((const char *)mnl_nlmsg_get_payload(a) + len,
		       (const char *)mnl_nlmsg_get_payload(b) + len,
		       mnl_nlmsg_get_payload_len(a) - len);
}

/* @param row  of labels */
static bool is_among(const struct object_row *row, const struct strbuf *messages,
		     const struct nlmsghdr *one)
{
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));)
		if (is_of(row, msg) && is_same_label(msg, one))
			return true;
	return false;
}

static int set_one(const struct object_row *row, const struct nlmsghdr *msg, uint16_t type,
		   struct nl *rt, struct error *err)
{
	struct nl_request ask = { 0 };
	if (row->request) {
		row->request(msg, &ask);
	} else {
		memcpy(ask.bytes, msg, msg->nlmsg_len);
		ask.header.nlmsg_flags = NLM_F_REPLACE;
	}
	ask.header.nlmsg_type = type;
	ask.header.nlmsg_flags |= NLM_F_CREATE;
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? error_wrap(err, rc, "%s %s", type == row->del ? "remove" : "add", row->what)
		      : 0;
}

/* Some are there already: those that are not stored go, if any are stored; one that is there is not
 * made again, as the kernel would have it twice. */
static int set_labels(const struct object_row *row, const struct strbuf *messages, struct nl *rt,
		      struct error *err)
{
	auto_strbuf all = { 0 };
	bool any = false;
	for (const struct nlmsghdr *msg = NULL; !any && (msg = nl_next(messages, msg));)
		any = is_of(row, msg);
	int rc = any ? ask_all(row, &all, err) : 0;
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));)
		if (is_of(row, msg) && !is_among(row, messages, msg))
			rc = set_one(row, msg, row->del, rt, err);
	for (const struct nlmsghdr *msg = NULL; any && rc == 0 && (msg = nl_next(messages, msg));)
		if (is_of(row, msg) && !is_among(row, &all, msg))
			rc = set_one(row, msg, row->add, rt, err);
	return rc;
}

int net_objects_set(const struct strbuf *messages, bool early, struct nl *rt, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && !early && i < ARRAY_SIZE(rows); i++)
		rc = rows[i].del ? set_labels(&rows[i], messages, rt, err) : 0;
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(messages, msg));) {
		const struct object_row *row = row_of(msg);
		if (row && !row->del && row->early == early)
			rc = set_one(row, msg, row->add, rt, err);
	}
	return rc;
}
