/* SPDX-License-Identifier: MIT
 * What a kind of devices has besides, given to one that is there: attribute by attribute.
 * Source: rtnetlink(7), include/uapi/linux/if_link.h, if_bridge.h
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/net/ns-link.h"

/* Where attributes of a device are, inside of IFLA_LINKINFO. */
struct data_place {
	const char *kind;
	unsigned kind_attr, data_attr;
};

static const struct data_place port_place = { "bridge", IFLA_INFO_SLAVE_KIND,
					      IFLA_INFO_SLAVE_DATA };

static int set_one(struct nl *rt, const NetDeviceEntry *e, const struct data_place *place,
		   const struct nlattr *attr, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_NEWLINK, 0, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	struct nlattr *info = nl_nest(&ask, IFLA_LINKINFO);
	nl_put_str(&ask, place->kind_attr, place->kind);
	struct nlattr *data = nl_nest(&ask, place->data_attr);
	nl_put(&ask, mnl_attr_get_type(attr), mnl_attr_get_payload(attr),
	       mnl_attr_get_payload_len(attr));
	nl_nest_end(&ask, data);
	nl_nest_end(&ask, info);
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? error_wrap(err, rc, "set attribute %u of a %s", mnl_attr_get_type(attr),
				   place->kind)
		      : 0;
}

static bool is_same(const struct nlattr *now, const struct nlattr *attr)
{
	return now && mnl_attr_get_len(now) == mnl_attr_get_len(attr) &&
	       !memcmp(now, attr, mnl_attr_get_len(attr));
}

static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

int link_get(struct nl *rt, const NetDeviceEntry *e, struct strbuf *out, struct error *err)
{
	struct nl_request ask;
	nl_begin(&ask, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(&ask, IFLA_IFNAME, e->name);
	int rc = nl_get(rt, &ask, out);
	const struct nlmsghdr *msg = rc == 0 ? nl_next(out, NULL) : NULL;
	if (!msg || mnl_nlmsg_get_payload_len(msg) < sizeof(struct ifinfomsg))
		return error_code(err, rc < 0 ? rc : -EPROTO, "ask for it");
	return 0;
}

static bool is_port_state(const struct data_place *place, const struct nlattr *attr)
{
	return place == &port_place && mnl_attr_get_type(attr) == IFLA_BRPORT_STATE;
}

/* Switches of a bridge: a bit each, and which of them are meant. */
static int set_switches(struct nl *rt, const NetDeviceEntry *e, const struct data_place *place,
			const struct nlattr *now, const struct nlattr *attr, struct error *err)
{
	struct {
		struct nlattr head;
		struct br_boolopt_multi value;
	} before = { 0 }, wanted = { 0 };
	if (mnl_attr_get_len(attr) != sizeof(wanted))
		return set_one(rt, e, place, attr, err);
	memcpy(&wanted, attr, sizeof(wanted));
	if (now && mnl_attr_get_len(now) == sizeof(before))
		memcpy(&before, now, sizeof(before));
	wanted.value.optmask &= before.value.optval ^ wanted.value.optval;
	return wanted.value.optmask ? set_one(rt, e, place, &wanted.head, err) : 0;
}

static bool is_switches(const struct data_place *place, const struct nlattr *attr)
{
	return !strcmp(place->kind, "bridge") && place->data_attr == IFLA_INFO_DATA &&
	       mnl_attr_get_type(attr) == IFLA_BR_MULTI_BOOLOPT;
}

/* Only what differs: kernels are built without some of it. */
static int set_data(struct nl *rt, const NetDeviceEntry *e, const struct data_place *place,
		    const ProtobufCBinaryData *bytes, struct error *err)
{
	auto_strbuf answer = { 0 };
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *attr;
	int rc = link_get(rt, e, &answer, err);
	if (rc < 0)
		return rc;
	nl_attrs(nl_next(&answer, NULL), sizeof(struct ifinfomsg), tb, IFLA_MAX);
	nl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	if (!info[place->data_attr])
		return 0;
	mnl_attr_for_each_payload((const void *)bytes->data, bytes->len)
	{
		const struct nlattr *now = find_in(info[place->data_attr], mnl_attr_get_type(attr));
		if (is_port_state(place, attr) || is_same(now, attr))
			continue;
		rc = is_switches(place, attr) ? set_switches(rt, e, place, now, attr, err)
					      : set_one(rt, e, place, attr, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int link_set_kind_data(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	const struct link_kind *kind = link_kind_of(e);
	if (!kind || !kind->data_late || !e->has_kind_data)
		return 0;
	const struct data_place place = { kind->name, IFLA_INFO_KIND, IFLA_INFO_DATA };
	return set_data(rt, e, &place, &e->kind_data, err);
}

int link_set_port_data(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	return e->has_port_data ? set_data(rt, e, &port_place, &e->port_data, err) : 0;
}

/* It need not learn again, for as long as a new port does. The protocol may say otherwise (STP). */
void link_set_port_state(struct nl *rt, const NetDeviceEntry *e)
{
	const struct nlattr *attr = NULL;
	mnl_attr_for_each_payload((const void *)e->port_data.data, e->port_data.len)
	{
		if (is_port_state(&port_place, attr))
			set_one(rt, e, &port_place, attr, NULL);
	}
}
