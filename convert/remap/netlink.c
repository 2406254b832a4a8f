/* SPDX-License-Identifier: MIT
 * Netlink dumps: values changed where they stand.
 */
#include "convert/raw/netlink.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "convert/remap/remapping.h"

struct dump {
	struct remapping *r;
	struct ip src, dst; /* of the flow at hand, as they were */
};

static int note(struct remapping *r, const struct netlink_attr *attr, const char *from,
		const char *to, struct error *err)
{
	char field[64];
	snprintf(field, sizeof(field), "%s.%s", attr->message->name, attr->row->key);
	return remapping_note(r, field, from, to, err);
}

static int note_numbers(struct remapping *r, const struct netlink_attr *attr,
			const struct remap_rule *rule, struct error *err)
{
	char from[16], to[16];
	snprintf(from, sizeof(from), "%" PRIu32, rule->from);
	snprintf(to, sizeof(to), "%" PRIu32, rule->to);
	return note(r, attr, from, to, err);
}

static int address(struct dump *d, const struct netlink_attr *attr, size_t skip, struct error *err)
{
	char from[64], to[64];
	uint8_t *bytes = attr->bytes + skip;
	size_t len = attr->len - skip;
	if (attr->len < skip || (len != 4 && len != 16))
		return 0;
	struct ip old, new;
	unsigned bits = attr->prefix < len * 8 ? attr->prefix : (unsigned)len * 8;
	bool turned =
	    rules_turn_ip(d->r->rules, bytes, len, IP_BITS - (unsigned)len * 8 + bits, &old, &new);
	if (!strncmp(attr->row->key, "src", 3))
		d->src = old;
	if (!strncmp(attr->row->key, "dst", 3))
		d->dst = old;
	return turned ? note(d->r, attr, ip_text(&old, from), ip_text(&new, to), err) : 0;
}

/* The addresses of a flow stand in front of its ports. */
static int flow_port(struct dump *d, const struct netlink_attr *attr, const struct ip *end,
		     struct error *err)
{
	uint16_t port;
	if (attr->len != sizeof(port))
		return 0;
	memcpy(&port, attr->bytes, sizeof(port));
	struct remap_rule *rule = rule_for_number(d->r->rules, REMAP_PORT, ntohs(port));
	if (!rule || !facts_own_end(&d->r->facts, end, ntohs(port)))
		return 0;
	rule->found++;
	port = htons((uint16_t)rule->to);
	memcpy(attr->bytes, &port, sizeof(port));
	return rule->from == rule->to ? 0 : note_numbers(d->r, attr, rule, err);
}

/* First and last: only a range of one is the value. */
static int range(struct dump *d, const struct netlink_attr *attr, enum remap_kind kind, size_t size,
		 struct error *err)
{
	uint32_t first = 0, last = 0;
	if (attr->len != 2 * size)
		return 0;
	memcpy(&first, attr->bytes, size); /* the machine's order, which is little-endian */
	memcpy(&last, attr->bytes + size, size);
	struct remap_rule *rule = first == last ? rule_for_number(d->r->rules, kind, first) : NULL;
	if (!rule)
		return 0;
	rule->found++;
	memcpy(attr->bytes, &rule->to, size);
	memcpy(attr->bytes + size, &rule->to, size);
	return rule->from == rule->to ? 0 : note_numbers(d->r, attr, rule, err);
}

/* Where the kernel itself listens. */
static int own_port(struct dump *d, const struct netlink_attr *attr, struct error *err)
{
	uint16_t port;
	if (attr->len != sizeof(port))
		return 0;
	memcpy(&port, attr->bytes, sizeof(port));
	struct remap_rule *rule = rule_for_number(d->r->rules, REMAP_PORT, port);
	if (!rule)
		return 0;
	rule->found++;
	port = (uint16_t)rule->to;
	memcpy(attr->bytes, &port, sizeof(port));
	return rule->from == rule->to ? 0 : note_numbers(d->r, attr, rule, err);
}

static int visit(void *arg, const struct netlink_attr *attr, struct error *err)
{
	struct dump *d = arg;
	switch (attr->row->form) {
	case ATTR_ADDRESS:
	case ATTR_TARGET:
	case ATTR_ORIGIN:
		return address(d, attr, 0, err);
	case ATTR_VIA:
		return address(d, attr, 2, err);
	case ATTR_SPORT:
		return flow_port(d, attr, &d->src, err);
	case ATTR_DPORT:
		return flow_port(d, attr, &d->dst, err);
	case ATTR_PORTS:
		return range(d, attr, REMAP_PORT, 2, err);
	case ATTR_PORT:
		return own_port(d, attr, err);
	case ATTR_UIDS:
		return range(d, attr, REMAP_UID, 4, err);
	default:
		return 0;
	}
}

int remap_netlink(struct remapping *r, struct image_reader *reader, int fd, struct error *err)
{
	struct netlink_in in = { .r = reader };
	struct dump dump = { .r = r };
	int rc = netlink_begin(&in, err);
	if (rc > 0 && in.magic && fd >= 0 &&
	    (rc = fd_write_full(fd, &in.magic, sizeof(in.magic))) < 0)
		rc = error_code(err, rc, "%s: write", r->image);
	r->has_entry = true;
	for (r->entry = 0; rc >= 0; r->entry++) {
		rc = netlink_next(&in, err);
		if (rc <= 0)
			break;
		rc = netlink_visit(&in, visit, &dump, err);
		if (rc == 0 && fd >= 0 &&
		    (rc = fd_write_full(fd, in.message.data, in.message.len)) < 0)
			rc = error_code(err, rc, "%s: write", r->image);
	}
	strbuf_fini(&in.message);
	return rc;
}

int remap_netlink_bytes(struct remapping *r, const struct netlink_row *row,
			const ProtobufCBinaryData *data, struct error *err)
{
	struct dump dump = { .r = r };
	struct nlmsghdr h;
	size_t at = 0;
	uint8_t *body;
	int rc = 0;
	while (rc == 0 && (body = netlink_message(data, &at, &h)) != NULL) {
		size_t len = h.nlmsg_len - sizeof(h);
		const struct netlink_row *of = row ? row : netlink_row(h.nlmsg_type, len);
		rc = of ? netlink_visit_body(of, body, len, visit, &dump, err) : 0;
	}
	if (rc == 0 && at < data->len)
		rc = error_set(err, EBADMSG, "%s: %s: no whole message at byte %zu", r->image,
			       r->field.data, at);
	return rc;
}

int remap_netlink_attrs(struct remapping *r, const struct netlink_row *row,
			const ProtobufCBinaryData *data, struct error *err)
{
	struct dump dump = { .r = r };
	return netlink_visit_body(row, data->data, data->len, visit, &dump, err);
}
