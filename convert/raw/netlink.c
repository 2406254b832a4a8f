/* SPDX-License-Identifier: MIT
 * Netlink dumps (ifaddr, route, route6, rule, netns-ct, netns-exp) as JSON.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "convert/json/base64.h"
#include "convert/json/value.h"
#include "convert/raw/netlink.h"
#include "convert/raw/raw.h"

static const struct hint hex_hint = { .kind = HINT_HEX };

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
			  const struct netlink_prefixes *prefixes, unsigned depth,
			  struct json_out *out);

static void nexthops_to_json(const uint8_t *bytes, size_t len, const struct attr_row *rows,
			     struct json_out *out)
{
	const struct netlink_prefixes none = { 0 };
	struct rtnexthop h;
	json_begin(out, '[');
	while (len >= sizeof(h)) {
		memcpy(&h, bytes, sizeof(h));
		if (h.rtnh_len < sizeof(h) || h.rtnh_len > len)
			break;
		json_begin(out, '{');
		json_key(out, "oif");
		json_u64(out, (uint32_t)h.rtnh_ifindex);
		json_key(out, "weight");
		json_u64(out, h.rtnh_hops + 1u);
		attrs_to_json(bytes + sizeof(h), h.rtnh_len - sizeof(h), rows, &none, 1, out);
		json_end(out, '}');
		size_t step = (h.rtnh_len + 3u) & ~3u;
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	json_end(out, ']');
}

static void attr_to_json(const struct attr_row *row, const uint8_t *bytes, size_t len,
			 const struct netlink_prefixes *prefixes, unsigned depth,
			 struct json_out *out)
{
	json_key(out, row->key);
	switch (row->form) {
	case ATTR_ADDRESS:
		address_attr(bytes, len, -1, out);
		return;
	case ATTR_TARGET:
		address_attr(bytes, len, prefixes->dst, out);
		return;
	case ATTR_ORIGIN:
		address_attr(bytes, len, prefixes->src, out);
		return;
	case ATTR_U8:
		json_u64(out, number_of(bytes, len < 1 ? len : 1, false));
		return;
	case ATTR_PORT:
	case ATTR_U32:
	case ATTR_DICT:
		value_to_json(out, number_of(bytes, len, false), row->dict);
		return;
	case ATTR_HEX:
		value_to_json(out, number_of(bytes, len, false), &hex_hint);
		return;
	case ATTR_SPORT:
	case ATTR_DPORT:
	case ATTR_BE32:
		json_u64(out, number_of(bytes, len, true));
		return;
	case ATTR_BE_HEX:
		value_to_json(out, number_of(bytes, len, true), &hex_hint);
		return;
	case ATTR_NAME:
		json_bytes(out, bytes, strnlen((const char *)bytes, len));
		return;
	case ATTR_NEST:
		json_begin(out, '{');
		attrs_to_json(bytes, len, row->nested, prefixes, depth + 1, out);
		json_end(out, '}');
		return;
	case ATTR_NEXTHOPS:
		nexthops_to_json(bytes, len, row->nested, out);
		return;
	case ATTR_VIA:
		address_attr(bytes + (len < 2 ? len : 2), len < 2 ? 0 : len - 2, -1, out);
		return;
	case ATTR_UIDS:
	case ATTR_PORTS:
		json_strf(out, "%" PRIu64 "-%" PRIu64, number_of(bytes, len / 2, false),
			  number_of(bytes + len / 2, len / 2, false));
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
			  const struct netlink_prefixes *prefixes, unsigned depth,
			  struct json_out *out)
{
	for (; rows->key && depth < NETLINK_NEST_MAX; rows++) {
		size_t value_len;
		const uint8_t *value = attr_find(bytes, len, rows->type, &value_len);
		if (value)
			attr_to_json(rows, value, value_len, prefixes, depth, out);
	}
}

static void message_show(uint16_t type, const uint8_t *bytes, size_t len, struct json_out *out)
{
	const struct netlink_row *row = netlink_row(type, len);
	json_begin(out, '{');
	if (!row) {
		json_key(out, "nlmsg_type");
		json_u64(out, type);
		json_key(out, "bytes");
		json_u64(out, len);
	} else {
		size_t head = NLMSG_ALIGN(row->header_len), unused;
		const struct netlink_prefixes prefixes = netlink_prefixes(row, bytes);
		row->header(bytes, out);
		bytes += head < len ? head : len;
		len -= head < len ? head : len;
		if (row->absent && !attr_find(bytes, len, 1, &unused)) {
			json_key(out, row->absent);
			json_str(out, "default");
		}
		attrs_to_json(bytes, len, row->attrs, &prefixes, 0, out);
	}
	json_end(out, '}');
}

int netlink_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	struct netlink_in in = { .r = r };
	json_key(out, "entries");
	json_begin(out, '[');
	int rc = netlink_begin(&in, err);
	while (rc > 0 && !out->error && (rc = netlink_next(&in, err)) > 0)
		message_show(in.header.nlmsg_type,
			     (const uint8_t *)in.message.data + sizeof(in.header),
			     in.header.nlmsg_len - sizeof(in.header), out);
	json_end(out, ']');
	strbuf_fini(&in.message);
	return rc < 0 ? rc : 0;
}
