/* SPDX-License-Identifier: MIT
 * Netlink dumps (ifaddr, route, route6, rule, netns-ct, netns-exp): a message at a time.
 * Source: include/uapi/linux/{netlink,rtnetlink,if_addr,fib_rules}.h, netfilter/nfnetlink*.h.
 * Addresses, routes and rules start with the word iproute2's `ip … save` writes.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "convert/json/base64.h"
#include "convert/json/value.h"
#include "convert/raw/raw.h"

#define MESSAGE_MAX (1024 * 1024) /* bytes; the kernel's dumps use 32 KiB buffers */
#define NEST_MAX    8

enum attr_form {
	ATTR_ADDRESS,
	ATTR_TARGET, /* an address with the header's dst_len */
	ATTR_ORIGIN, /* with its src_len */
	ATTR_U8,
	ATTR_U32,
	ATTR_HEX, /* u32 */
	ATTR_NAME,
	ATTR_BE16,
	ATTR_BE32,
	ATTR_BE_HEX,
	ATTR_DICT,     /* u8 or u32 */
	ATTR_NEST,     /* attributes again */
	ATTR_NEXTHOPS, /* struct rtnexthop, each with attributes */
};

struct attr_row {
	uint16_t type;
	const char *key;
	enum attr_form form;
	const struct attr_row *nested; /* of ATTR_NEST and ATTR_NEXTHOPS, ends with a NULL key */
	const struct hint *dict;
};

/* What attributes need from the header of their message. */
struct family {
	uint8_t dst_len, src_len; /* prefix lengths, bits */
};

struct message_row {
	uint16_t type;
	const char *name;
	size_t header_len;
	void (*header)(const uint8_t *header, struct family *family, struct json_out *out);
	const struct attr_row *attrs;
	const char *absent; /* member that is "default" when the attribute 1 is missing */
};

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
	{ CTA_PROTO_SRC_PORT, "sport", ATTR_BE16 },
	{ CTA_PROTO_DST_PORT, "dport", ATTR_BE16 },
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

static void member_u64(struct json_out *out, const char *key, uint64_t value,
		       const struct hint *hint)
{
	json_key(out, key);
	value_to_json(out, value, hint);
}

static void address_header(const uint8_t *bytes, struct family *family, struct json_out *out)
{
	struct ifaddrmsg h;
	memcpy(&h, bytes, sizeof(h));
	family->dst_len = h.ifa_prefixlen;
	member_u64(out, "ifindex", h.ifa_index, NULL);
	member_u64(out, "family", h.ifa_family, &family_dict);
	member_u64(out, "scope", h.ifa_scope, &scope_dict);
}

static void route_header(const uint8_t *bytes, struct family *family, struct json_out *out)
{
	struct rtmsg h;
	memcpy(&h, bytes, sizeof(h));
	family->dst_len = h.rtm_dst_len;
	family->src_len = h.rtm_src_len;
	member_u64(out, "family", h.rtm_family, &family_dict);
	member_u64(out, "type", h.rtm_type, &type_dict);
	member_u64(out, "protocol", h.rtm_protocol, &protocol_dict);
	member_u64(out, "scope", h.rtm_scope, &scope_dict);
	if (h.rtm_flags)
		member_u64(out, "flags", h.rtm_flags, &hex);
}

static void rule_header(const uint8_t *bytes, struct family *family, struct json_out *out)
{
	struct fib_rule_hdr h;
	memcpy(&h, bytes, sizeof(h));
	family->dst_len = h.dst_len;
	family->src_len = h.src_len;
	member_u64(out, "family", h.family, &family_dict);
	member_u64(out, "action", h.action, &action_dict);
	if (h.flags)
		member_u64(out, "flags", h.flags, &hex);
}

static void netfilter_header(const uint8_t *bytes, struct family *family, struct json_out *out)
{
	(void)family;
	struct nfgenmsg h;
	memcpy(&h, bytes, sizeof(h));
	member_u64(out, "family", h.nfgen_family, &family_dict);
}

static const struct message_row messages[] = {
	{ RTM_NEWADDR, "address", sizeof(struct ifaddrmsg), address_header, address_attrs },
	{ RTM_NEWROUTE, "route", sizeof(struct rtmsg), route_header, route_attrs, "dst" },
	{ RTM_NEWRULE, "rule", sizeof(struct fib_rule_hdr), rule_header, rule_attrs },
	{ NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, "flow", sizeof(struct nfgenmsg),
	  netfilter_header, flow_entry_attrs },
	{ NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW, "expectation",
	  sizeof(struct nfgenmsg), netfilter_header, expect_attrs },
};

/* Big- or host-endian, as many bytes as there are, at most 4. */
static uint64_t number_of(const uint8_t *bytes, size_t len, bool big)
{
	uint64_t v = 0;
	for (size_t i = 0; i < len && i < 4; i++)
		v |= (uint64_t)bytes[i] << 8 * (big ? (len < 4 ? len : 4) - 1 - i : i);
	return v;
}

static void address_attr(const uint8_t *bytes, size_t len, int prefix, struct json_out *out)
{
	char text[INET6_ADDRSTRLEN];
	if (len != 4 && len != 16)
		json_base64(out, bytes, len);
	else if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		json_null(out);
	else if (prefix < 0)
		json_str(out, text);
	else
		json_strf(out, "%s/%d", text, prefix);
}

static void attrs_to_json(const uint8_t *bytes, size_t len, const struct attr_row *rows,
			  const struct family *family, unsigned depth, struct json_out *out);

static void nexthops_to_json(const uint8_t *bytes, size_t len, const struct attr_row *rows,
			     struct json_out *out)
{
	const struct family none = { 0 };
	struct rtnexthop h;
	json_begin(out, '[');
	while (len >= sizeof(h)) {
		memcpy(&h, bytes, sizeof(h));
		if (h.rtnh_len < sizeof(h) || h.rtnh_len > len)
			break;
		json_begin(out, '{');
		member_u64(out, "oif", (uint32_t)h.rtnh_ifindex, NULL);
		member_u64(out, "weight", h.rtnh_hops + 1u, NULL);
		attrs_to_json(bytes + sizeof(h), h.rtnh_len - sizeof(h), rows, &none, 1, out);
		json_end(out, '}');
		size_t step = (h.rtnh_len + 3u) & ~3u;
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	json_end(out, ']');
}

static void attr_to_json(const struct attr_row *row, const uint8_t *bytes, size_t len,
			 const struct family *family, unsigned depth, struct json_out *out)
{
	json_key(out, row->key);
	switch (row->form) {
	case ATTR_ADDRESS:
		address_attr(bytes, len, -1, out);
		return;
	case ATTR_TARGET:
		address_attr(bytes, len, family->dst_len, out);
		return;
	case ATTR_ORIGIN:
		address_attr(bytes, len, family->src_len, out);
		return;
	case ATTR_U8:
		json_u64(out, number_of(bytes, len < 1 ? len : 1, false));
		return;
	case ATTR_U32:
	case ATTR_DICT:
		value_to_json(out, number_of(bytes, len, false), row->dict);
		return;
	case ATTR_HEX:
		value_to_json(out, number_of(bytes, len, false), &hex);
		return;
	case ATTR_BE16:
	case ATTR_BE32:
		json_u64(out, number_of(bytes, len, true));
		return;
	case ATTR_BE_HEX:
		value_to_json(out, number_of(bytes, len, true), &hex);
		return;
	case ATTR_NAME:
		json_bytes(out, bytes, strnlen((const char *)bytes, len));
		return;
	case ATTR_NEST:
		json_begin(out, '{');
		attrs_to_json(bytes, len, row->nested, family, depth + 1, out);
		json_end(out, '}');
		return;
	case ATTR_NEXTHOPS:
		nexthops_to_json(bytes, len, row->nested, out);
		return;
	}
}

/* The value of one attribute; NULL when it is not there or its list is broken before it. */
static const uint8_t *attr_find(const uint8_t *bytes, size_t len, unsigned type, size_t *value_len)
{
	struct nlattr a;
	while (len >= sizeof(a)) {
		memcpy(&a, bytes, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > len)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type) {
			*value_len = a.nla_len - sizeof(a);
			return bytes + sizeof(a);
		}
		size_t step = NLA_ALIGN(a.nla_len);
		if (step >= len)
			return NULL;
		bytes += step;
		len -= step;
	}
	return NULL;
}

/* In the order of the rows, so that the text does not depend on the kernel's order. */
static void attrs_to_json(const uint8_t *bytes, size_t len, const struct attr_row *rows,
			  const struct family *family, unsigned depth, struct json_out *out)
{
	for (; rows->key && depth < NEST_MAX; rows++) {
		size_t value_len;
		const uint8_t *value = attr_find(bytes, len, rows->type, &value_len);
		if (value)
			attr_to_json(rows, value, value_len, family, depth, out);
	}
}

static const struct message_row *row_of(uint16_t type, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type == type && len >= messages[i].header_len)
			return &messages[i];
	}
	return NULL;
}

static void message_show(uint16_t type, const uint8_t *bytes, size_t len, struct json_out *out)
{
	const struct message_row *row = row_of(type, len);
	struct family family = { 0 };
	json_begin(out, '{');
	if (!row) {
		member_u64(out, "nlmsg_type", type, NULL);
		member_u64(out, "bytes", len, NULL);
	} else {
		size_t head = NLMSG_ALIGN(row->header_len), unused;
		row->header(bytes, &family, out);
		bytes += head < len ? head : len;
		len -= head < len ? head : len;
		if (row->absent && !attr_find(bytes, len, 1, &unused)) {
			json_key(out, row->absent);
			json_str(out, "default");
		}
		attrs_to_json(bytes, len, row->attrs, &family, 0, out);
	}
	json_end(out, '}');
}

/* The word in front of what `ip … save` writes; 0: none. */
static uint32_t save_magic(enum image_id id)
{
	switch (id) {
	case IMG_IFADDR:
		return 0x47361222;
	case IMG_ROUTE:
	case IMG_ROUTE6:
		return 0x45311224;
	case IMG_RULE:
		return 0x71706986;
	default:
		return 0;
	}
}

static int magic_skip(struct image_reader *r, uint64_t *at, struct error *err)
{
	uint32_t want = save_magic(image_reader_type(r)->id), found = 0;
	if (!want)
		return 1;
	ssize_t n = image_read_raw(r, &found, sizeof(found), err);
	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(found) || found != want)
		return error_set(err, EBADMSG, "%s: starts with %#010" PRIx32 ", want %#010" PRIx32,
				 image_reader_name(r), found, want);
	*at = sizeof(found);
	return 1;
}

/* One message. @return 1; 0 at the end. */
static int message_read(struct image_reader *r, uint64_t *at, struct strbuf *body,
			struct json_out *out, struct error *err)
{
	const char *name = image_reader_name(r);
	struct nlmsghdr h;
	ssize_t n = image_read_raw(r, &h, sizeof(h), err);
	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(h) || h.nlmsg_len < sizeof(h) || h.nlmsg_len > MESSAGE_MAX)
		return error_set(err, EBADMSG, "%s: no netlink message at byte %" PRIu64, name,
				 *at);
	size_t len = h.nlmsg_len - sizeof(h);
	size_t want = NLMSG_ALIGN(h.nlmsg_len) - sizeof(h);
	strbuf_reset(body);
	if (strbuf_reserve(body, want) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	n = image_read_raw(r, body->data, want, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return error_set(err, EBADMSG,
				 "%s: message at byte %" PRIu64 ": wanted %zu bytes, found %zd",
				 name, *at, len, n);
	*at += sizeof(h) + want;
	message_show(h.nlmsg_type, (const uint8_t *)body->data, len, out);
	return 1;
}

int netlink_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_strbuf body = { 0 };
	uint64_t at = 0;
	json_key(out, "entries");
	json_begin(out, '[');
	int rc = magic_skip(r, &at, err);
	while (rc > 0 && !out->error)
		rc = message_read(r, &at, &body, out, err);
	json_end(out, ']');
	return rc < 0 ? rc : 0;
}
