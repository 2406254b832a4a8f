/* SPDX-License-Identifier: MIT
 * Netlink dumps, read a message at a time, and their attributes one after the other.
 * Addresses, routes and rules start with the word iproute2's `ip … save` writes.
 */
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "convert/raw/netlink.h"

#define MESSAGE_MAX (1024 * 1024) /* bytes; the kernel's dumps use 32 KiB buffers */

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

int netlink_begin(struct netlink_in *in, struct error *err)
{
	uint32_t found = 0;
	in->magic = save_magic(image_reader_type(in->r)->id);
	if (!in->magic)
		return 1;
	ssize_t n = image_read_raw(in->r, &found, sizeof(found), err);
	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(found) || found != in->magic)
		return error_set(err, EBADMSG, "%s: starts with %#010" PRIx32 ", want %#010" PRIx32,
				 image_reader_name(in->r), found, in->magic);
	in->at = sizeof(found);
	return 1;
}

int netlink_next(struct netlink_in *in, struct error *err)
{
	const char *name = image_reader_name(in->r);
	struct nlmsghdr *h = &in->header;
	ssize_t n = image_read_raw(in->r, h, sizeof(*h), err);
	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > MESSAGE_MAX)
		return error_set(err, EBADMSG, "%s: no netlink message at byte %" PRIu64, name,
				 in->at);
	size_t want = NLMSG_ALIGN(h->nlmsg_len) - sizeof(*h);
	strbuf_reset(&in->message);
	if (strbuf_add(&in->message, h, sizeof(*h)) < 0 || strbuf_reserve(&in->message, want) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	n = image_read_raw(in->r, in->message.data + sizeof(*h), want, err);
	if (n < 0)
		return (int)n;
	in->message.len += (size_t)n;
	if (in->message.len < h->nlmsg_len)
		return error_set(err, EBADMSG,
				 "%s: message at byte %" PRIu64 ": wanted %zu bytes, found %zd",
				 name, in->at, h->nlmsg_len - sizeof(*h), n);
	in->at += sizeof(*h) + want;
	return 1;
}

uint8_t *netlink_message(const ProtobufCBinaryData *data, size_t *at, struct nlmsghdr *h)
{
	size_t left = data->len - *at;
	uint8_t *message = left ? data->data + *at : NULL;
	if (left < sizeof(*h))
		return NULL;
	memcpy(h, message, sizeof(*h));
	if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > left)
		return NULL;
	size_t step = NLMSG_ALIGN((size_t)h->nlmsg_len);
	*at += step < left ? step : left;
	return message + sizeof(*h);
}

struct visiting {
	netlink_visit_fn *visit;
	void *arg;
	const struct netlink_row *message;
	struct netlink_prefixes prefixes;
	unsigned depth;
};

static int visit_attrs(struct visiting *v, uint8_t *bytes, size_t len, const struct attr_row *rows,
		       struct error *err);

/* Hops follow each other as attributes do, a struct rtnexthop in front of each one's own. */
static int visit_nexthops(struct visiting *v, uint8_t *bytes, size_t len,
			  const struct attr_row *rows, struct error *err)
{
	struct rtnexthop h;
	int rc = 0;
	while (rc == 0 && len >= sizeof(h)) {
		memcpy(&h, bytes, sizeof(h));
		if (h.rtnh_len < sizeof(h) || h.rtnh_len > len)
			break;
		rc = visit_attrs(v, bytes + sizeof(h), h.rtnh_len - sizeof(h), rows, err);
		size_t step = NLMSG_ALIGN((size_t)h.rtnh_len);
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	return rc;
}

static int visit_attr(struct visiting *v, uint8_t *bytes, size_t len, const struct attr_row *row,
		      struct error *err)
{
	if (row->form == ATTR_NEST)
		return visit_attrs(v, bytes, len, row->nested, err);
	if (row->form == ATTR_NEXTHOPS)
		return visit_nexthops(v, bytes, len, row->nested, err);
	struct netlink_attr attr = { v->message, row, bytes, len, (unsigned)len * 8 };
	if (row->form == ATTR_TARGET && !v->message->hosts)
		attr.prefix = v->prefixes.dst;
	if (row->form == ATTR_ORIGIN)
		attr.prefix = v->prefixes.src;
	return v->visit(v->arg, &attr, err);
}

static int visit_attrs(struct visiting *v, uint8_t *bytes, size_t len, const struct attr_row *rows,
		       struct error *err)
{
	struct nlattr a;
	int rc = 0;
	if (v->depth == NETLINK_NEST_MAX)
		return 0;
	v->depth++;
	while (rc == 0 && len >= sizeof(a)) {
		memcpy(&a, bytes, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > len)
			break;
		const struct attr_row *row = rows;
		while (row->key && row->type != (a.nla_type & NLA_TYPE_MASK))
			row++;
		if (row->key)
			rc = visit_attr(v, bytes + sizeof(a), a.nla_len - sizeof(a), row, err);
		size_t step = NLA_ALIGN((size_t)a.nla_len);
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	v->depth--;
	return rc;
}

int netlink_visit_body(const struct netlink_row *row, uint8_t *body, size_t len,
		       netlink_visit_fn *visit, void *arg, struct error *err)
{
	size_t head = NLMSG_ALIGN(row->header_len);
	if (len < row->header_len || head >= len)
		return 0;
	struct visiting v = { visit, arg, row, netlink_prefixes(row, body), 0 };
	return visit_attrs(&v, body + head, len - head, row->attrs, err);
}

int netlink_visit(struct netlink_in *in, netlink_visit_fn *visit, void *arg, struct error *err)
{
	uint8_t *body = (uint8_t *)in->message.data + sizeof(in->header);
	size_t len = in->header.nlmsg_len - sizeof(in->header);
	const struct netlink_row *row = netlink_row(in->header.nlmsg_type, len);
	return row ? netlink_visit_body(row, body, len, visit, arg, err) : 0;
}
