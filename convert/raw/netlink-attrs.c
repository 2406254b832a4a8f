/* SPDX-License-Identifier: MIT
 * The tables of netlink messages and their attributes.
 * Source: include/uapi/linux/{netlink,rtnetlink,if_addr,fib_rules,neighbour,nexthop,
 * if_addrlabel,mptcp,if_link}.h, netfilter/nfnetlink*.h.
 */
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_link.h>
#include <linux/mptcp.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/array.h"
#include "convert/json/value.h"
#include "convert/raw/netlink.h"

static const struct hint_value family_names[] = { { "inet", 2 }, { "inet6", 10 }, { NULL, 0 } };
static const struct hint_value scope_names[] = { { "global", 0 },    { "site", 200 },
						 { "link", 253 },    { "host", 254 },
						 { "nowhere", 255 }, { NULL, 0 } };
static const struct hint_value type_names[] = {
	{ "unspec", 0 },   { "unicast", 1 },   { "local", 2 },     { "broadcast", 3 },
	{ "anycast", 4 },  { "multicast", 5 }, { "blackhole", 6 }, { "unreachable", 7 },
	{ "prohibit", 8 }, { "throw", 9 },     { "nat", 10 },      { NULL, 0 },
};
static const struct hint_value protocol_names[] = { { "unspec", 0 }, { "redirect", 1 },
						    { "kernel", 2 }, { "boot", 3 },
						    { "static", 4 }, { "ra", 9 },
						    { "dhcp", 16 },  { NULL, 0 } };
static const struct hint_value table_names[] = {
	{ "default", 253 }, { "main", 254 }, { "local", 255 }, { NULL, 0 }
};
static const struct hint_value action_names[] = { { "lookup", 1 },      { "goto", 2 },
						  { "nop", 3 },         { "blackhole", 6 },
						  { "unreachable", 7 }, { "prohibit", 8 },
						  { NULL, 0 } };
static const struct hint_value ip_names[] = { { "icmp", 1 }, { "igmp", 2 },    { "tcp", 6 },
					      { "udp", 17 }, { "icmpv6", 58 }, { "sctp", 132 },
					      { NULL, 0 } };

#define DICT(values_)                                                                              \
	{                                                                                          \
		.kind = HINT_DICT, .values = values_                                               \
	}
static const struct hint family_dict = DICT(family_names), scope_dict = DICT(scope_names),
			 type_dict = DICT(type_names), protocol_dict = DICT(protocol_names),
			 table_dict = DICT(table_names), action_dict = DICT(action_names),
			 ip_dict = DICT(ip_names), hex = { .kind = HINT_HEX };

static const struct attr_row address_attrs[] = {
	{ IFA_LABEL, "label", ATTR_NAME },        { IFA_LOCAL, "local", ATTR_ADDRESS },
	{ IFA_ADDRESS, "address", ATTR_TARGET },  { IFA_BROADCAST, "broadcast", ATTR_ADDRESS },
	{ IFA_ANYCAST, "anycast", ATTR_ADDRESS }, { IFA_FLAGS, "flags", ATTR_HEX },
	{ IFA_RT_PRIORITY, "metric", ATTR_U32 },  { 0, NULL },
};
static const struct attr_row nexthop_attrs[] = {
	{ RTA_GATEWAY, "gateway", ATTR_ADDRESS },
	{ RTA_VIA, "via", ATTR_VIA },
	{ RTA_FLOW, "flow", ATTR_U32 },
	{ 0, NULL },
};
static const struct attr_row route_attrs[] = {
	{ RTA_DST, "dst", ATTR_TARGET },
	{ RTA_SRC, "src", ATTR_ORIGIN },
	{ RTA_GATEWAY, "gateway", ATTR_ADDRESS },
	{ RTA_PREFSRC, "prefsrc", ATTR_ADDRESS },
	{ RTA_IIF, "iif", ATTR_U32 },
	{ RTA_OIF, "oif", ATTR_U32 },
	{ RTA_PRIORITY, "priority", ATTR_U32 },
	{ RTA_TABLE, "table", ATTR_DICT, .dict = &table_dict },
	{ RTA_MARK, "mark", ATTR_HEX },
	{ RTA_PREF, "pref", ATTR_U8 },
	{ RTA_VIA, "via", ATTR_VIA },
	{ RTA_MULTIPATH, "nexthops", ATTR_NEXTHOPS, nexthop_attrs },
	{ 0, NULL },
};
static const struct attr_row rule_attrs[] = {
	{ FRA_PRIORITY, "priority", ATTR_U32 },
	{ FRA_SRC, "src", ATTR_ORIGIN },
	{ FRA_DST, "dst", ATTR_TARGET },
	{ FRA_IIFNAME, "iif", ATTR_NAME },
	{ FRA_OIFNAME, "oif", ATTR_NAME },
	{ FRA_FWMARK, "fwmark", ATTR_HEX },
	{ FRA_FWMASK, "fwmask", ATTR_HEX },
	{ FRA_TABLE, "table", ATTR_DICT, .dict = &table_dict },
	{ FRA_GOTO, "goto", ATTR_U32 },
	{ FRA_PROTOCOL, "protocol", ATTR_DICT, .dict = &protocol_dict },
	{ FRA_IP_PROTO, "ipproto", ATTR_DICT, .dict = &ip_dict },
	{ FRA_SPORT_RANGE, "sports", ATTR_PORTS },
	{ FRA_DPORT_RANGE, "dports", ATTR_PORTS },
	{ FRA_UID_RANGE, "uids", ATTR_UIDS },
	{ 0, NULL },
};
static const struct attr_row flow_ip_attrs[] = {
	{ CTA_IP_V4_SRC, "src", ATTR_ADDRESS },
	{ CTA_IP_V4_DST, "dst", ATTR_ADDRESS },
	{ CTA_IP_V6_SRC, "src6", ATTR_ADDRESS },
	{ CTA_IP_V6_DST, "dst6", ATTR_ADDRESS },
	{ 0, NULL },
};
static const struct attr_row flow_proto_attrs[] = {
	{ CTA_PROTO_NUM, "protocol", ATTR_DICT, .dict = &ip_dict },
	{ CTA_PROTO_SRC_PORT, "sport", ATTR_SPORT },
	{ CTA_PROTO_DST_PORT, "dport", ATTR_DPORT },
	{ CTA_PROTO_ICMP_TYPE, "icmp_type", ATTR_U8 },
	{ CTA_PROTO_ICMP_CODE, "icmp_code", ATTR_U8 },
	{ 0, NULL },
};
static const struct attr_row flow_attrs[] = {
	{ CTA_TUPLE_IP, "ip", ATTR_NEST, flow_ip_attrs },
	{ CTA_TUPLE_PROTO, "proto", ATTR_NEST, flow_proto_attrs },
	{ 0, NULL },
};
static const struct attr_row flow_entry_attrs[] = {
	{ CTA_TUPLE_ORIG, "original", ATTR_NEST, flow_attrs },
	{ CTA_TUPLE_REPLY, "reply", ATTR_NEST, flow_attrs },
	{ CTA_TUPLE_MASTER, "master", ATTR_NEST, flow_attrs },
	{ CTA_STATUS, "status", ATTR_BE_HEX },
	{ CTA_TIMEOUT, "timeout", ATTR_BE32 },
	{ CTA_MARK, "mark", ATTR_BE_HEX },
	{ CTA_USE, "use", ATTR_BE32 },
	{ CTA_ID, "id", ATTR_BE32 },
	{ 0, NULL },
};
static const struct attr_row expect_attrs[] = {
	{ CTA_EXPECT_MASTER, "master", ATTR_NEST, flow_attrs },
	{ CTA_EXPECT_TUPLE, "expected", ATTR_NEST, flow_attrs },
	{ CTA_EXPECT_MASK, "mask", ATTR_NEST, flow_attrs },
	{ CTA_EXPECT_TIMEOUT, "timeout", ATTR_BE32 },
	{ CTA_EXPECT_ID, "id", ATTR_BE32 },
	{ CTA_EXPECT_HELP_NAME, "helper", ATTR_NAME },
	{ 0, NULL },
};

static const struct attr_row neighbour_attrs[] = {
	{ NDA_DST, "dst", ATTR_ADDRESS },
	{ 0, NULL },
};
static const struct attr_row next_hop_attrs[] = {
	{ NHA_ID, "id", ATTR_U32 },
	{ NHA_OIF, "oif", ATTR_U32 },
	{ NHA_GATEWAY, "gateway", ATTR_ADDRESS },
	{ 0, NULL },
};
static const struct attr_row label_attrs[] = {
	{ IFAL_ADDRESS, "address", ATTR_TARGET },
	{ IFAL_LABEL, "label", ATTR_U32 },
	{ 0, NULL },
};
static const struct attr_row endpoint_attrs[] = {
	{ MPTCP_PM_ADDR_ATTR_ID, "id", ATTR_U8 },
	{ MPTCP_PM_ADDR_ATTR_ADDR4, "address", ATTR_ADDRESS },
	{ MPTCP_PM_ADDR_ATTR_ADDR6, "address", ATTR_ADDRESS },
	{ MPTCP_PM_ADDR_ATTR_PORT, "port", ATTR_PORT },
	{ 0, NULL },
};
static const struct attr_row mptcp_attrs[] = {
	{ MPTCP_PM_ATTR_ADDR, "endpoint", ATTR_NEST, endpoint_attrs },
	{ 0, NULL },
};
static const struct attr_row vxlan_attrs[] = {
	{ IFLA_VXLAN_GROUP, "remote", ATTR_ADDRESS },
	{ IFLA_VXLAN_GROUP6, "remote", ATTR_ADDRESS },
	{ IFLA_VXLAN_LOCAL, "local", ATTR_ADDRESS },
	{ IFLA_VXLAN_LOCAL6, "local", ATTR_ADDRESS },
	{ 0, NULL },
};

static void member_u64(struct json_out *out, const char *key, uint64_t value,
		       const struct hint *hint)
{
	json_key(out, key);
	value_to_json(out, value, hint);
}

static void address_header(const uint8_t *bytes, struct json_out *out)
{
	struct ifaddrmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "ifindex", h.ifa_index, NULL);
	member_u64(out, "family", h.ifa_family, &family_dict);
	member_u64(out, "scope", h.ifa_scope, &scope_dict);
}

static void route_header(const uint8_t *bytes, struct json_out *out)
{
	struct rtmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "family", h.rtm_family, &family_dict);
	member_u64(out, "type", h.rtm_type, &type_dict);
	member_u64(out, "protocol", h.rtm_protocol, &protocol_dict);
	member_u64(out, "scope", h.rtm_scope, &scope_dict);
	if (h.rtm_flags)
		member_u64(out, "flags", h.rtm_flags, &hex);
}

static void rule_header(const uint8_t *bytes, struct json_out *out)
{
	struct fib_rule_hdr h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "family", h.family, &family_dict);
	member_u64(out, "action", h.action, &action_dict);
	if (h.flags)
		member_u64(out, "flags", h.flags, &hex);
}

static void neighbour_header(const uint8_t *bytes, struct json_out *out)
{
	struct ndmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "ifindex", (uint32_t)h.ndm_ifindex, NULL);
	member_u64(out, "family", h.ndm_family, &family_dict);
}

static void next_hop_header(const uint8_t *bytes, struct json_out *out)
{
	struct nhmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "family", h.nh_family, &family_dict);
	member_u64(out, "protocol", h.nh_protocol, &protocol_dict);
}

static void label_header(const uint8_t *bytes, struct json_out *out)
{
	struct ifaddrlblmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "ifindex", h.ifal_index, NULL);
}

static void netfilter_header(const uint8_t *bytes, struct json_out *out)
{
	struct nfgenmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "family", h.nfgen_family, &family_dict);
}

static const struct netlink_row messages[] = {
	{ RTM_NEWADDR, "address", sizeof(struct ifaddrmsg),
	  offsetof(struct ifaddrmsg, ifa_prefixlen), .hosts = true, .header = address_header,
	  .attrs = address_attrs },
	{ RTM_NEWROUTE, "route", sizeof(struct rtmsg), offsetof(struct rtmsg, rtm_dst_len),
	  offsetof(struct rtmsg, rtm_src_len), .header = route_header, .attrs = route_attrs,
	  .absent = "dst" },
	{ RTM_NEWRULE, "rule", sizeof(struct fib_rule_hdr), offsetof(struct fib_rule_hdr, dst_len),
	  offsetof(struct fib_rule_hdr, src_len), .header = rule_header, .attrs = rule_attrs },
	{ RTM_NEWNEIGH, "neighbour", sizeof(struct ndmsg), .header = neighbour_header,
	  .attrs = neighbour_attrs },
	{ RTM_NEWNEXTHOP, "next_hop", sizeof(struct nhmsg), .header = next_hop_header,
	  .attrs = next_hop_attrs },
	{ RTM_NEWADDRLABEL, "label", sizeof(struct ifaddrlblmsg),
	  offsetof(struct ifaddrlblmsg, ifal_prefixlen), .header = label_header,
	  .attrs = label_attrs },
	{ NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, "flow", sizeof(struct nfgenmsg),
	  .header = netfilter_header, .attrs = flow_entry_attrs },
	{ NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW, "expectation",
	  sizeof(struct nfgenmsg), .header = netfilter_header, .attrs = expect_attrs },
};

const struct netlink_row netlink_mptcp = { .name = "mptcp",
					   .header_len = sizeof(struct genlmsghdr),
					   .attrs = mptcp_attrs };
const struct netlink_row netlink_vxlan = { .name = "vxlan", .attrs = vxlan_attrs };

const struct netlink_row *netlink_row(uint16_t type, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type == type && len >= messages[i].header_len)
			return &messages[i];
	}
	return NULL;
}

struct netlink_prefixes netlink_prefixes(const struct netlink_row *row, const uint8_t *header)
{
	return (struct netlink_prefixes){
		row->dst_len_at ? header[row->dst_len_at] : 0,
		row->src_len_at ? header[row->src_len_at] : 0,
	};
}
