/* SPDX-License-Identifier: MIT
 * Kinds of network devices, a row each, both directions.
 * Source: include/uapi/linux/{if_link,if_tunnel,if_tun,veth}.h
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/if_tunnel.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/net/ns-link.h"
#include "engine/ns/user.h"

/* Macvlan. */

static int macvlan_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *tb[IFLA_MACVLAN_FLAGS + 1];
	nl_nested(seen->info[IFLA_INFO_DATA], tb, IFLA_MACVLAN_FLAGS);
	MacvlanLinkEntry *m = malloc(sizeof(*m));
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	macvlan_link_entry__init(m);
	e->macvlan = m;
	m->mode = nl_number(tb[IFLA_MACVLAN_MODE]);
	m->has_flags = tb[IFLA_MACVLAN_FLAGS] != NULL;
	m->flags = nl_number(tb[IFLA_MACVLAN_FLAGS]);
	if (m->mode == MACVLAN_MODE_SOURCE)
		return error_set(err, ENOTSUP,
				 "its mode is `source`, whose list of addresses is not carried");
	return 0;
}

static int macvlan_check(const NetDeviceEntry *e, struct error *err)
{
	return e->macvlan ? 0 : error_set(err, EBADMSG, "a macvlan without its fields");
}

static void macvlan_put(const NetDeviceEntry *e, struct nl_request *ask)
{
	nl_put_u32(ask, IFLA_MACVLAN_MODE, e->macvlan->mode);
	if (e->macvlan->has_flags)
		nl_put_u16(ask, IFLA_MACVLAN_FLAGS, (uint16_t)e->macvlan->flags);
}

/* IPv6 in IPv4. Words of addresses are as they are on the wire. */

static int sit_words(const struct nlattr *attr, size_t nr, uint32_t **out, size_t *n)
{
	if (!attr || mnl_attr_get_payload_len(attr) < nr * sizeof(uint32_t))
		return 0;
	*out = malloc(nr * sizeof(uint32_t));
	if (!*out)
		return -ENOMEM;
	memcpy(*out, mnl_attr_get_payload(attr), nr * sizeof(uint32_t));
	*n = nr;
	return 0;
}

static const struct sit_row {
	uint16_t attr;
	uint8_t len; /* of the attribute */
	size_t has, at;
} sit_rows[] = {
#define ROW(attr, len, f)                                                                          \
	{                                                                                          \
		attr, len, offsetof(SitEntry, has_##f), offsetof(SitEntry, f)                      \
	}
	ROW(IFLA_IPTUN_LINK, 4, link),
	ROW(IFLA_IPTUN_TTL, 1, ttl),
	ROW(IFLA_IPTUN_TOS, 1, tos),
	ROW(IFLA_IPTUN_FLAGS, 2, flags),
	ROW(IFLA_IPTUN_PROTO, 1, proto),
	ROW(IFLA_IPTUN_ENCAP_TYPE, 2, encap_type),
	ROW(IFLA_IPTUN_ENCAP_FLAGS, 2, encap_flags),
	ROW(IFLA_IPTUN_ENCAP_SPORT, 2, encap_sport),
	ROW(IFLA_IPTUN_ENCAP_DPORT, 2, encap_dport),
#undef ROW
};

static int sit_dump_prefixes(const struct nlattr *const *tb, SitEntry *s)
{
	uint32_t len = nl_number(tb[IFLA_IPTUN_6RD_PREFIXLEN]);
	uint32_t relay_len = nl_number(tb[IFLA_IPTUN_6RD_RELAY_PREFIXLEN]);
	int rc = 0;
	if (len)
		rc = sit_words(tb[IFLA_IPTUN_6RD_PREFIX], 4, &s->rd_prefix, &s->n_rd_prefix);
	s->has_rd_prefixlen = s->n_rd_prefix != 0;
	s->rd_prefixlen = len;
	if (rc == 0 && len && relay_len)
		rc = sit_words(tb[IFLA_IPTUN_6RD_RELAY_PREFIX], 1, &s->relay_prefix,
			       &s->n_relay_prefix);
	s->has_relay_prefixlen = s->n_relay_prefix != 0;
	s->relay_prefixlen = relay_len;
	return rc;
}

static int sit_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *tb[IFLA_IPTUN_MAX + 1];
	nl_nested(seen->info[IFLA_INFO_DATA], tb, IFLA_IPTUN_MAX);
	SitEntry *s = malloc(sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	sit_entry__init(s);
	e->sit = s;
	for (size_t i = 0; i < ARRAY_SIZE(sit_rows); i++) {
		const struct sit_row *row = &sit_rows[i];
		*(protobuf_c_boolean *)((char *)s + row->has) = tb[row->attr] != NULL;
		*(uint32_t *)((char *)s + row->at) = nl_number(tb[row->attr]);
	}
	s->pmtudisc = s->has_pmtudisc = nl_number(tb[IFLA_IPTUN_PMTUDISC]) != 0;
	int rc = nl_number(tb[IFLA_IPTUN_LOCAL])
		     ? sit_words(tb[IFLA_IPTUN_LOCAL], 1, &s->local, &s->n_local)
		     : 0;
	if (rc == 0 && nl_number(tb[IFLA_IPTUN_REMOTE]))
		rc = sit_words(tb[IFLA_IPTUN_REMOTE], 1, &s->remote, &s->n_remote);
	if (rc == 0)
		rc = sit_dump_prefixes(tb, s);
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int sit_check(const NetDeviceEntry *e, struct error *err)
{
	const SitEntry *s = e->sit;
	if (!s || s->n_local > 1 || s->n_remote > 1 ||
	    (s->has_rd_prefixlen && s->n_rd_prefix != 4) ||
	    (s->has_relay_prefixlen && s->n_relay_prefix != 1))
		return error_set(err, EBADMSG, "a sit tunnel without its fields");
	return 0;
}

static void sit_put(const NetDeviceEntry *e, struct nl_request *ask)
{
	const SitEntry *s = e->sit;
	for (size_t i = 0; i < ARRAY_SIZE(sit_rows); i++) {
		const struct sit_row *row = &sit_rows[i];
		/* a number's first bytes are its low ones */
		if (*(const protobuf_c_boolean *)((const char *)s + row->has))
			nl_put(ask, row->attr, (const char *)s + row->at, row->len);
	}
	if (s->n_local)
		nl_put_u32(ask, IFLA_IPTUN_LOCAL, s->local[0]);
	if (s->n_remote)
		nl_put_u32(ask, IFLA_IPTUN_REMOTE, s->remote[0]);
	/* it is on unless it is said to be off */
	nl_put_u8(ask, IFLA_IPTUN_PMTUDISC, s->has_pmtudisc && s->pmtudisc);
	if (s->has_rd_prefixlen) {
		nl_put_u16(ask, IFLA_IPTUN_6RD_PREFIXLEN, (uint16_t)s->rd_prefixlen);
		nl_put(ask, IFLA_IPTUN_6RD_PREFIX, s->rd_prefix, 4 * sizeof(uint32_t));
	}
	if (s->has_rd_prefixlen && s->has_relay_prefixlen) {
		nl_put_u16(ask, IFLA_IPTUN_6RD_RELAY_PREFIXLEN, (uint16_t)s->relay_prefixlen);
		nl_put_u32(ask, IFLA_IPTUN_6RD_RELAY_PREFIX, s->relay_prefix[0]);
	}
}

/* TUN and TAP. What only an attached descriptor could tell is as it is on a new device. */

#define TUN_VNET_HDR_LEN 10

static int tun_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *tb[IFLA_TUN_MAX + 1];
	nl_nested(seen->info[IFLA_INFO_DATA], tb, IFLA_TUN_MAX);
	TunLinkEntry *t = malloc(sizeof(*t));
	if (!t)
		return error_set(err, ENOMEM, "out of memory");
	tun_link_entry__init(t);
	e->tun = t;
	t->flags = nl_number(tb[IFLA_TUN_TYPE]) | (nl_number(tb[IFLA_TUN_PI]) ? 0 : IFF_NO_PI) |
		   (nl_number(tb[IFLA_TUN_VNET_HDR]) ? IFF_VNET_HDR : 0) |
		   (nl_number(tb[IFLA_TUN_MULTI_QUEUE]) ? IFF_MULTI_QUEUE : 0) |
		   (nl_number(tb[IFLA_TUN_PERSIST]) ? IFF_PERSIST : 0);
	t->owner = tb[IFLA_TUN_OWNER] ? (int32_t)nl_number(tb[IFLA_TUN_OWNER]) : -1;
	t->group = tb[IFLA_TUN_GROUP] ? (int32_t)nl_number(tb[IFLA_TUN_GROUP]) : -1;
	t->vnethdr = TUN_VNET_HDR_LEN;
	t->sndbuf = INT_MAX;
	return 0;
}

static int turn_inside(const struct user_maps *maps, enum id_kind kind, int32_t *id,
		       struct error *err)
{
	uint32_t outside = (uint32_t)*id;
	if (*id == -1)
		return 0;
	*id = (int32_t)id_inside(maps, kind, outside);
	return id_outside(maps, kind, (uint32_t)*id) == outside
		   ? 0
		   : error_set(err, ENOTSUP,
			       "it is of %s %u, whom the user namespace of the tree does not map: "
			       "give it to another one before the dump (ip tuntap)",
			       kind == ID_USER ? "user" : "group", outside);
}

int link_owner_inside(NetDeviceEntry *e, const struct user_maps *maps, struct error *err)
{
	int rc = e->tun ? turn_inside(maps, ID_USER, &e->tun->owner, err) : 0;
	return rc < 0 || !e->tun ? rc : turn_inside(maps, ID_GROUP, &e->tun->group, err);
}

static int tun_check(const NetDeviceEntry *e, struct error *err)
{
	if (!e->tun)
		return error_set(err, EBADMSG, "a TUN device without its fields");
	if (e->tun->flags & ~(uint32_t)LINK_TUN_FLAGS)
		return error_set(err, EBADMSG, "a TUN device with flags %#x", e->tun->flags);
	return 0;
}

static int tun_set_up(int fd, const NetDeviceEntry *e, struct error *err)
{
	const TunLinkEntry *t = e->tun;
	int sndbuf = (int)t->sndbuf, header = (int)t->vnethdr;
	struct ifreq req = { .ifr_flags = (short)(t->flags & ~(uint32_t)IFF_PERSIST) };
	unsigned index = e->ifindex;
	strncpy(req.ifr_name, e->name, sizeof(req.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFINDEX, &index) < 0 || ioctl(fd, TUNSETIFF, &req) < 0)
		return error_sys(err, "make it");
	if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		return error_sys(err, "make it persistent");
	if (t->owner != -1 && ioctl(fd, TUNSETOWNER, t->owner) < 0)
		return error_sys(err, "give it to user %d", t->owner);
	if (t->group != -1 && ioctl(fd, TUNSETGROUP, t->group) < 0)
		return error_sys(err, "give it to group %d", t->group);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return error_sys(err, "set the length of its header");
	if (sndbuf != INT_MAX && (t->flags & IFF_TAP) && ioctl(fd, TUNSETSNDBUF, &sndbuf) < 0)
		return error_sys(err, "set its send buffer");
	return 0;
}

/* It stays until descriptors are attached to it. */
static int tun_make(const NetDeviceEntry *e, struct error *err)
{
	auto_fd fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open /dev/net/tun") : tun_set_up(fd, e, err);
}

/* VXLAN. Two of its flags are set by being there at all, whatever they say. */

static const struct link_range vxlan_told[] = {
	{ IFLA_VXLAN_TTL_INHERIT, IFLA_VXLAN_TTL_INHERIT },
	{ IFLA_VXLAN_REMCSUM_RX, IFLA_VXLAN_REMCSUM_RX },
};

static int vxlan_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *tb[IFLA_VXLAN_MAX + 1];
	const struct nlattr inherit = { sizeof(inherit), IFLA_VXLAN_TTL_INHERIT };
	ProtobufCBinaryData *out = &e->kind_data; /* has room for what was left out */
	(void)err;
	nl_nested(seen->info[IFLA_INFO_DATA], tb, IFLA_VXLAN_MAX);
	if (nl_number(tb[IFLA_VXLAN_TTL_INHERIT])) {
		memcpy(out->data + out->len, &inherit, sizeof(inherit));
		out->len += sizeof(inherit);
	}
	const struct nlattr *checksum = tb[IFLA_VXLAN_REMCSUM_RX];
	if (nl_number(checksum)) {
		memcpy(out->data + out->len, checksum, mnl_attr_get_len(checksum));
		out->len += MNL_ALIGN(mnl_attr_get_len(checksum));
	}
	return 0;
}

static const struct link_range bridge_told[] = {
	{ IFLA_BR_ROOT_ID, IFLA_BR_GC_TIMER },
	{ IFLA_BR_FDB_FLUSH, IFLA_BR_FDB_FLUSH },
	{ IFLA_BR_PAD, IFLA_BR_PAD },
	{ 47 /* IFLA_BR_MCAST_QUERIER_STATE */, 48 /* IFLA_BR_FDB_N_LEARNED */ },
};

static int bridge_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const struct nlattr *tb[IFLA_BR_MAX + 1];
	(void)e;
	nl_nested(seen->info[IFLA_INFO_DATA], tb, IFLA_BR_MAX);
	if (!nl_number(tb[IFLA_BR_VLAN_FILTERING]))
		return 0;
	return error_set(err, ENOTSUP,
			 "it filters by VLAN, and which of them its ports are in is not carried: "
			 "switch that off before the dump (ip link set %s type bridge "
			 "vlan_filtering 0)",
			 seen->name);
}

static const struct link_kind kinds[] = {
	{ .name = "veth", .type = ND_TYPE__VETH },
	{ .name = "bridge",
	  .type = ND_TYPE__BRIDGE,
	  .data_too = true,
	  .data_late = true,
	  .told = bridge_told,
	  .nr_told = ARRAY_SIZE(bridge_told),
	  .dump = bridge_dump },
	{ .name = "macvlan",
	  .type = ND_TYPE__MACVLAN,
	  .on_parent = true,
	  .dump = macvlan_dump,
	  .check = macvlan_check,
	  .put = macvlan_put },
	{ .name = "tun",
	  .type = ND_TYPE__TUN,
	  .dump = tun_dump,
	  .check = tun_check,
	  .make = tun_make },
	{ .name = "sit",
	  .type = ND_TYPE__SIT,
	  .dump = sit_dump,
	  .check = sit_check,
	  .put = sit_put },
	/* the format has no type for these: CRIU takes them for devices somebody else makes */
	{ .name = "dummy", .type = ND_TYPE__EXTLINK, .data_too = true },
	{ .name = "ifb", .type = ND_TYPE__EXTLINK, .data_too = true },
	{ .name = "vlan", .type = ND_TYPE__EXTLINK, .data_too = true, .on_parent = true },
	{ .name = "vxlan",
	  .type = ND_TYPE__EXTLINK,
	  .data_too = true,
	  .parent_data = IFLA_VXLAN_LINK,
	  .told = vxlan_told,
	  .nr_told = ARRAY_SIZE(vxlan_told),
	  .dump = vxlan_dump },
	{ .name = "ipvlan", .type = ND_TYPE__EXTLINK, .data_too = true, .on_parent = true },
};

const struct link_kind *link_kind_of_name(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

const struct link_kind *link_kind_of(const NetDeviceEntry *e)
{
	if (e->type == ND_TYPE__EXTLINK)
		return link_kind_of_name(e->kind);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == e->type)
			return &kinds[i];
	return NULL;
}

void link_put_common(const NetDeviceEntry *e, struct nl_request *ask)
{
	nl_put_str(ask, IFLA_IFNAME, e->name);
	nl_put_u32(ask, IFLA_MTU, e->mtu);
	if (e->has_address)
		nl_put(ask, IFLA_ADDRESS, e->address.data, e->address.len);
	if (e->has_txqlen)
		nl_put_u32(ask, IFLA_TXQLEN, e->txqlen);
}

void link_put_new(const NetDeviceEntry *e, struct nl_request *ask)
{
	struct ifinfomsg *head =
	    nl_begin(ask, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	link_put_common(e, ask);
}

void link_put_kind(const NetDeviceEntry *e, const struct link_kind *kind, struct nl_request *ask)
{
	struct nlattr *info = nl_nest(ask, IFLA_LINKINFO);
	nl_put_str(ask, IFLA_INFO_KIND, kind->name);
	if (kind->data_too && !kind->data_late && e->has_kind_data)
		nl_put(ask, IFLA_INFO_DATA, e->kind_data.data, e->kind_data.len);
	if (kind->put) {
		struct nlattr *data = nl_nest(ask, IFLA_INFO_DATA);
		kind->put(e, ask);
		nl_nest_end(ask, data);
	}
	nl_nest_end(ask, info);
}
