/* SPDX-License-Identifier: MIT
 * Settings of network devices that no image of CRIU tells of, both directions: their attributes as
 * the kernel tells them, net_device_entry.more.
 * Source: rtnetlink(7), ip-link(8), include/uapi/linux/if_link.h
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/net/ns-link.h"

#define MAX_BYTES 4096

/* Numbers, and what new devices have. */
static const struct more_row {
	uint16_t type;
	uint32_t usual;
} rows[] = {
	{ IFLA_GROUP, 0 },
	{ IFLA_GSO_MAX_SIZE, 65536 },
	{ IFLA_GSO_MAX_SEGS, 65535 },
	{ IFLA_GRO_MAX_SIZE, 65536 },
};

static bool is_carried(const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == type)
			return mnl_attr_get_payload_len(attr) == sizeof(uint32_t);
	return type == IFLA_PROP_LIST; /* other names */
}

static void add(NetDeviceEntry *e, const struct nlattr *attr)
{
	if (!attr || e->more.len + MNL_ALIGN(mnl_attr_get_len(attr)) > MAX_BYTES)
		return;
	memcpy(e->more.data + e->more.len, attr, mnl_attr_get_len(attr));
	e->more.len += MNL_ALIGN(mnl_attr_get_len(attr));
	e->has_more = true;
}

int link_more_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *xdp[IFLA_XDP_MAX + 1];
	nl_nested(seen->tb[IFLA_XDP], xdp, IFLA_XDP_MAX);
	if (nl_number(xdp[IFLA_XDP_ATTACHED]))
		return error_set(err, ENOTSUP,
				 "it has an XDP program: not supported; detach it before the dump "
				 "(ip link set dev %s xdp off)",
				 seen->name);
	e->more.data = calloc(1, MAX_BYTES);
	if (!e->more.data)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct nlattr *attr = seen->tb[rows[i].type];
		if (attr && nl_number(attr) != rows[i].usual)
			add(e, attr);
	}
	add(e, seen->tb[IFLA_PROP_LIST]);
	return 0;
}

int link_more_check(const NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *attr = NULL;
	size_t end = 0;
	mnl_attr_for_each_payload((const void *)e->more.data, e->more.len)
	{
		if (!is_carried(attr))
			return error_set(err, EBADMSG, "an attribute of type %u",
					 mnl_attr_get_type(attr));
		end += MNL_ALIGN(mnl_attr_get_len(attr));
	}
	return end == e->more.len ? 0
				  : error_set(err, EBADMSG, "no whole attribute at byte %zu", end);
}

int link_more_set(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	int rc = 0;
	const struct nlattr *attr = NULL;
	mnl_attr_for_each_payload((const void *)e->more.data, e->more.len)
	{
		struct nl_request ask;
		bool names = mnl_attr_get_type(attr) == IFLA_PROP_LIST;
		struct ifinfomsg *head =
		    nl_begin(&ask, names ? RTM_NEWLINKPROP : RTM_SETLINK,
			     names ? NLM_F_CREATE | NLM_F_APPEND | NLM_F_EXCL : 0, sizeof(*head));
		head->ifi_index = (int)e->ifindex;
		nl_put(&ask, attr->nla_type, mnl_attr_get_payload(attr),
		       mnl_attr_get_payload_len(attr));
		rc = rc == 0 ? nl_do(rt, &ask, err) : rc;
	}
	return rc;
}
