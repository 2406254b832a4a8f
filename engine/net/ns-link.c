/* SPDX-License-Identifier: MIT
 * Network devices of a namespace, both directions: netdev-N.img.
 * Source: rtnetlink(7), Documentation/networking/netdevices.rst.
 */
#include "engine/net/ns-link.h"

#include <errno.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/context/dump.h"
#include "engine/net/ns-conf.h"
#include "engine/net/ns-dump.h"
#include "engine/net/ns-outside.h"
#include "engine/net/ns-set.h"
#include "engine/ns/ns.h"
#include "images/reader.h"
#include "images/writer.h"

#define MAX_MTU     0x7fffffff
#define MAX_ADDRESS 32 /* MAX_ADDR_LEN of the kernel */
#define MAX_DATA    4096
#define TOKEN_LEN   16 /* an address of IPv6 */
/* Flags that are somebody's wish; the others tell of the state. */
#define SETTABLE                                                                                   \
	(IFF_UP | IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI |            \
	 IFF_MULTICAST | IFF_DYNAMIC)

/* Dump. */

/* Devices that some modules make in every namespace. */
static bool is_fallback(const char *name)
{
	static const char *const names[] = { "sit0",    "gre0",    "gretap0", "erspan0", "tunl0",
					     "ip6tnl0", "ip6gre0", "ip_vti0", "ip6_vti0" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int put_bytes(const struct nlattr *attr, protobuf_c_boolean *has, ProtobufCBinaryData *out,
		     struct error *err)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	if (!attr)
		return 0;
	out->data = malloc(len + 1);
	if (!out->data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(out->data, mnl_attr_get_payload(attr), len);
	out->len = len;
	*has = true;
	return 0;
}

static bool is_told(const struct link_kind *kind, uint16_t type)
{
	for (size_t i = 0; i < kind->nr_told; i++)
		if (type >= kind->told[i].first && type <= kind->told[i].last)
			return true;
	return false;
}

/* Attributes one by one, but for those that only tell. */
static int copy_data(const struct nlattr *nest, const struct link_kind *kind,
		     protobuf_c_boolean *has, ProtobufCBinaryData *out, struct error *err)
{
	const struct nlattr *attr;
	if (!nest)
		return 0;
	out->data = calloc(1, mnl_attr_get_payload_len(nest) + 1);
	if (!out->data)
		return error_set(err, ENOMEM, "out of memory");
	*has = true;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (is_told(kind, mnl_attr_get_type(attr)))
			continue;
		memcpy(out->data + out->len, attr, mnl_attr_get_len(attr));
		out->len += MNL_ALIGN(mnl_attr_get_len(attr));
	}
	return 0;
}

/* IFLA_BRPORT_…: what a bridge can be told about a port of its. */
static const struct link_range port_told[] = {
	{ IFLA_BRPORT_ROOT_ID, IFLA_BRPORT_FLUSH },
	{ IFLA_BRPORT_PAD, IFLA_BRPORT_PAD },
	{ IFLA_BRPORT_MCAST_EHT_HOSTS_CNT, IFLA_BRPORT_MCAST_EHT_HOSTS_CNT },
	{ 41 /* IFLA_BRPORT_MCAST_N_GROUPS */, 41 },
};
static const struct link_kind port_kind = { .told = port_told, .nr_told = ARRAY_SIZE(port_told) };

static int dump_master(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	const char *kind = nl_string(seen->info[IFLA_INFO_SLAVE_KIND]);
	e->has_master = seen->tb[IFLA_MASTER] != NULL;
	e->master = nl_number(seen->tb[IFLA_MASTER]);
	if (!e->has_master || !kind || strcmp(kind, "bridge"))
		return 0;
	return copy_data(seen->info[IFLA_INFO_SLAVE_DATA], &port_kind, &e->has_port_data,
			 &e->port_data, err);
}

/* How it comes by addresses of IPv6. */
static int dump_inet6(const struct link_seen *seen, NetDeviceEntry *e, struct error *err)
{
	static const char none[TOKEN_LEN];
	const struct nlattr *families[AF_INET6 + 1], *tb[IFLA_INET6_MAX + 1];
	nl_nested(seen->tb[IFLA_AF_SPEC], families, AF_INET6);
	nl_nested(families[AF_INET6], tb, IFLA_INET6_MAX);
	e->has_addr_gen_mode = tb[IFLA_INET6_ADDR_GEN_MODE] != NULL;
	e->addr_gen_mode = nl_number(tb[IFLA_INET6_ADDR_GEN_MODE]);
	const struct nlattr *token = tb[IFLA_INET6_TOKEN];
	if (!token || mnl_attr_get_payload_len(token) != sizeof(none) ||
	    !memcmp(mnl_attr_get_payload(token), none, sizeof(none)))
		return 0;
	return put_bytes(token, &e->has_token, &e->token, err);
}

/* The device it is on, or at the other end: itself where there is none. */
static int dump_peer(struct dump_netns *dn, const struct link_seen *seen, NetDeviceEntry *e)
{
	const struct nlattr *away = seen->tb[IFLA_LINK_NETNSID];
	uint32_t id = dn->seen->id;
	e->has_peer_ifindex = true;
	e->peer_ifindex = seen->tb[IFLA_LINK] ? nl_number(seen->tb[IFLA_LINK]) : e->ifindex;
	if (away)
		id = netns_id_of(dn, (int32_t)nl_number(away));
	e->has_peer_nsid = id != 0;
	e->peer_nsid = id;
	return 0;
}

static int dump_kind(const struct link_seen *seen, const struct link_kind *kind, NetDeviceEntry *e,
		     struct error *err)
{
	int rc = 0;
	if (kind->type == ND_TYPE__EXTLINK || kind->data_too) {
		e->kind = strdup(kind->name);
		if (!e->kind)
			return error_set(err, ENOMEM, "out of memory");
	}
	if (kind->data_too)
		rc = copy_data(seen->info[IFLA_INFO_DATA], kind, &e->has_kind_data, &e->kind_data,
			       err);
	return rc == 0 && kind->dump ? kind->dump(seen, e, err) : rc;
}

static int fill_entry(struct dump_netns *dn, const struct link_seen *seen,
		      const struct link_kind *kind, NetDeviceEntry *e, struct error *err)
{
	const char *alias = nl_string(seen->tb[IFLA_IFALIAS]);
	bool loop = seen->head->ifi_type == ARPHRD_LOOPBACK;
	e->type = loop ? ND_TYPE__LOOPBACK : kind ? kind->type : ND_TYPE__EXTLINK;
	e->ifindex = (uint32_t)seen->head->ifi_index;
	e->mtu = nl_number(seen->tb[IFLA_MTU]);
	e->flags = seen->head->ifi_flags;
	e->has_txqlen = seen->tb[IFLA_TXQLEN] != NULL;
	e->txqlen = nl_number(seen->tb[IFLA_TXQLEN]);
	e->name = strdup(seen->name);
	e->alias = alias ? strdup(alias) : NULL;
	if (!e->name || (alias && !e->alias))
		return error_set(err, ENOMEM, "out of memory");
	int rc = loop ? 0 : put_bytes(seen->tb[IFLA_ADDRESS], &e->has_address, &e->address, err);
	if (rc == 0)
		rc = dump_inet6(seen, e, err);
	if (rc == 0)
		rc = dump_peer(dn, seen, e);
	if (rc == 0)
		rc = dump_master(seen, e, err);
	if (rc == 0)
		rc = link_more_dump(seen, e, err);
	if (rc == 0)
		rc = link_features_dump(e, err);
	if (rc == 0)
		rc = net_conf_read_device(e, err);
	return rc == 0 && kind ? dump_kind(seen, kind, e, err) : rc;
}

static int refuse_kind(const struct link_seen *seen, struct error *err)
{
	return error_set(err, ENOTSUP,
			 "network device %s is %s%s: not supported; make it yourself before the "
			 "restore fills the namespace (action script, setup-namespaces) and leave "
			 "it out with --external netdev[%s]",
			 seen->name, seen->kind ? "of kind " : "hardware",
			 seen->kind ? seen->kind : "", seen->name);
}

static int dump_link(struct dump_netns *dn, const struct link_seen *seen, struct error *err)
{
	const struct link_kind *kind = link_kind_of_name(seen->kind);
	bool external = netns_is_external(dn->d->opts, "netdev", seen->name);
	bool known = kind || seen->head->ifi_type == ARPHRD_LOOPBACK;
	if (is_fallback(seen->name) && !(seen->head->ifi_flags & IFF_UP))
		return 0;
	if (external)
		kind = kind && kind->type == ND_TYPE__VETH ? kind : NULL;
	else if (!known && !is_fallback(seen->name))
		return refuse_kind(seen, err);
	NetDeviceEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	net_device_entry__init(e);
	int rc = fill_entry(dn, seen, kind, e, err);
	if (rc == 0)
		rc = link_owner_inside(e, dn->d->users, err);
	if (rc == 0)
		rc = image_write(dn->links, &e->base, err);
	net_device_entry__free_unpacked(e, NULL);
	return rc < 0 ? error_wrap(err, rc, "network device %s", seen->name) : 0;
}

/* @return 1; 0: it is another message */
static int parse_link(const struct nlmsghdr *msg, struct link_seen *seen, struct error *err)
{
	*seen = (struct link_seen){ .head = mnl_nlmsg_get_payload(msg) };
	if (msg->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(msg) < sizeof(*seen->head))
		return 0;
	nl_attrs(msg, sizeof(*seen->head), seen->tb, IFLA_MAX);
	nl_nested(seen->tb[IFLA_LINKINFO], seen->info, IFLA_INFO_MAX);
	seen->name = nl_string(seen->tb[IFLA_IFNAME]);
	seen->kind = nl_string(seen->info[IFLA_INFO_KIND]);
	if (!seen->name)
		return error_set(err, EPROTO, "network device %d has no name",
				 seen->head->ifi_index);
	return 1;
}

static int see_link(struct dump_netns *dn, const struct nlmsghdr *msg, struct error *err)
{
	struct link_seen seen;
	int rc = parse_link(msg, &seen, err);
	return rc <= 0 ? rc : dump_link(dn, &seen, err);
}

int link_entry_read(struct nl *rt, const char *name, NetDeviceEntry **out, struct error *err)
{
	auto_strbuf answer = { 0 };
	struct nl_request ask;
	struct link_seen seen;
	struct ifinfomsg *head = nl_begin(&ask, RTM_GETLINK, 0, sizeof(*head));
	head->ifi_family = AF_UNSPEC;
	nl_put_str(&ask, IFLA_IFNAME, name);
	int rc = nl_get(rt, &ask, &answer);
	if (rc < 0)
		return error_code(err, rc, "ask for it");
	const struct nlmsghdr *msg = nl_next(&answer, NULL);
	rc = msg ? parse_link(msg, &seen, err) : 0;
	if (rc <= 0)
		return rc < 0 ? rc : error_set(err, EPROTO, "it is not told of");
	*out = malloc(sizeof(**out));
	if (!*out)
		return error_set(err, ENOMEM, "out of memory");
	net_device_entry__init(*out);
	const struct ns_seen here = { .own = true };
	struct dump_netns dn = { .seen = &here, .rt = rt };
	return fill_entry(&dn, &seen, link_kind_of_name(seen.kind), *out, err);
}

int netns_links_ask(struct nl *rt, struct strbuf *out, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_GETLINK, 0, sizeof(*head));
	head->ifi_family = AF_UNSPEC;
	int rc = nl_dump(rt, &ask, out);
	return rc < 0 ? error_code(err, rc, "list network devices") : 0;
}

int netns_links_dump(struct dump_netns *dn, struct error *err)
{
	int rc = image_create(dn->d->images_fd, IMG_NETDEV, dn->seen->id, &dn->links, err);
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&dn->link_list, msg));)
		rc = see_link(dn, msg, err);
	if (rc == 0)
		rc = image_finish(dn->links, err);
	image_writer_close(take_ptr(dn->links));
	return rc;
}

/* Restore. */

static struct netns_link *find_index(const struct netns *ns, uint32_t ifindex)
{
	for (size_t i = 0; i < ns->links.nr; i++)
		if (ns->links.items[i].entry->ifindex == ifindex)
			return &ns->links.items[i];
	return NULL;
}

/* The device it is on, or connected with; NULL: none that is made here */
static struct netns_link *find_peer(const struct netns_set *set, const struct netns *ns,
				    const NetDeviceEntry *e, struct netns **where)
{
	if (!e->has_peer_nsid || !e->has_peer_ifindex)
		return NULL;
	for (size_t i = 0; i < set->nr; i++) {
		*where = &set->items[i];
		if ((*where)->id == e->peer_nsid)
			return *where == ns && e->peer_ifindex == e->ifindex
				   ? NULL
				   : find_index(*where, e->peer_ifindex);
	}
	return NULL;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);
	return len && len < IFNAMSIZ && !strpbrk(name, "/: \t\n") && strcmp(name, ".") &&
	       strcmp(name, "..");
}

int link_entry_check(const NetDeviceEntry *e, struct error *err)
{
	const struct link_kind *kind = link_kind_of(e);
	if (!is_name(e->name))
		return error_set(err, EBADMSG, "network device %u has the name \"%.64s\"",
				 e->ifindex, e->name);
	if (!e->ifindex || e->ifindex > INT32_MAX || e->mtu > MAX_MTU ||
	    (e->has_address && e->address.len > MAX_ADDRESS) ||
	    (e->has_kind_data && e->kind_data.len > MAX_DATA) ||
	    (e->has_port_data && e->port_data.len > MAX_DATA) ||
	    (e->has_token && e->token.len != TOKEN_LEN))
		return error_set(err, EBADMSG,
				 "network device %s: index %u, MTU %u, an address of %zu bytes",
				 e->name, e->ifindex, e->mtu, e->address.len);
	if (e->type == ND_TYPE__VENET)
		return error_set(err, ENOTSUP, "network device %s is of kind venet", e->name);
	if (e->type == ND_TYPE__EXTLINK && e->kind && !kind)
		return error_set(err, ENOTSUP, "network device %s is of unknown kind %.32s",
				 e->name, e->kind);
	int rc = kind && kind->check ? kind->check(e, err) : 0;
	if (rc == 0)
		rc = link_more_check(e, err);
	if (rc == 0)
		rc = net_conf_check_device(e, err);
	return rc < 0 ? error_wrap(err, rc, "network device %s", e->name) : 0;
}

static int take_link(struct netns *ns, NetDeviceEntry *e, struct error *err)
{
	int rc = link_entry_check(e, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ns->links.nr; i++) {
		const NetDeviceEntry *other = ns->links.items[i].entry;
		if (other->ifindex == e->ifindex || !strcmp(other->name, e->name))
			return error_set(err, EBADMSG, "network devices %s and %s are both %u",
					 other->name, e->name, e->ifindex);
	}
	struct netns_link *link = array_add(&ns->links);
	if (!link)
		return error_set(err, ENOMEM, "out of memory");
	link->entry = e;
	return 0;
}

static int load_link(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	int rc = take_link(ctx, (NetDeviceEntry *)*msg, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", image_reader_name(in));
	*msg = NULL;
	return 0;
}

static int check_relations(const struct restore *r, const struct netns *ns, const NetDeviceEntry *e,
			   struct error *err)
{
	struct netns *where;
	const struct link_kind *kind = link_kind_of(e);
	if (e->has_master && !find_index(ns, e->master))
		return error_set(err, EBADMSG, "network device %s has a master %u that is missing",
				 e->name, e->master);
	if (netns_is_external(r->opts, "netdev", e->name) || find_peer(r->netns, ns, e, &where))
		return 0;
	if (e->type == ND_TYPE__VETH && !netns_is_external(r->opts, "veth", e->name))
		return error_set(
		    err, EINVAL,
		    "network device %s (veth) had its other end outside: say what it "
		    "is called there with --external veth[%s]:NAME, or put a device of "
		    "yours in its place with --external netdev[%s]:NAME",
		    e->name, e->name, e->name);
	if (kind && kind->on_parent && !netns_is_external(r->opts, kind->name, e->name))
		return error_set(err, EINVAL,
				 "network device %s (%s) was on a device outside: name it with "
				 "--external %s[%s]:NAME",
				 e->name, kind->name, kind->name, e->name);
	return 0;
}

int netns_links_load(struct restore *r, struct netns *ns, struct error *err)
{
	return image_each(r->images, IMG_NETDEV, ns->id, load_link, ns, err);
}

int netns_links_check(const struct restore *r, const struct netns *ns, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ns->links.nr; i++)
		rc = check_relations(r, ns, ns->links.items[i].entry, err);
	return rc < 0 ? error_wrap(err, rc, "netdev-%u.img", ns->id) : 0;
}

/* Both ends of a pair at once. @param there  the namespace of the other one; -1: the same */
static void put_pair(const NetDeviceEntry *peer, int there, struct nl_request *ask)
{
	struct nlattr *info = nl_nest(ask, IFLA_LINKINFO);
	nl_put_str(ask, IFLA_INFO_KIND, "veth");
	struct nlattr *data = nl_nest(ask, IFLA_INFO_DATA);
	struct nlattr *other = nl_nest(ask, VETH_INFO_PEER);
	struct ifinfomsg *head = nl_put_raw(ask, sizeof(*head));
	if (head)
		head->ifi_index = (int)peer->ifindex;
	link_put_common(peer, ask);
	if (there >= 0)
		nl_put_u32(ask, IFLA_NET_NS_FD, (uint32_t)there);
	nl_nest_end(ask, other);
	nl_nest_end(ask, data);
	nl_nest_end(ask, info);
}

/* A device somebody else has made: under the number that addresses and routes know. */
static int find_made(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	auto_strbuf answer = { 0 };
	if (link_get(rt, e, &answer, NULL) < 0)
		return error_set(err, ENODEV,
				 "it is not there: make it before (action script, "
				 "setup-namespaces), or name one with --external netdev[%s]:NAME",
				 e->name);
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nl_next(&answer, NULL));
	if ((uint32_t)head->ifi_index == e->ifindex)
		return 0;
	return error_set(err, EEXIST,
			 "it is there as number %d, want %u: make it with that number (ip link add "
			 "… index %u)",
			 head->ifi_index, e->ifindex, e->ifindex);
}

static int set_common(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_NEWLINK, 0, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	link_put_common(e, &ask);
	return nl_do(rt, &ask, err);
}

static int descriptor_of(const struct netns_set *set, const struct netns *ns)
{
	return ns->fd >= 0 ? ns->fd : set->home;
}

/* What is on another device is made where that one is, and appears in its place. */
static int make_by_netlink(struct netns_set *set, const struct netns *ns, const NetDeviceEntry *e,
			   struct error *err)
{
	struct nl_request ask;
	struct netns *where = NULL;
	struct nl *rt = ns->rt;
	const struct link_kind *kind = link_kind_of(e);
	struct netns_link *peer = find_peer(set, ns, e, &where);
	bool apart = peer && where != ns;
	link_put_new(e, &ask);
	if (kind->type == ND_TYPE__VETH) {
		put_pair(peer->entry, apart ? descriptor_of(set, where) : -1, &ask);
	} else {
		if (kind->on_parent)
			nl_put_u32(&ask, IFLA_LINK, e->peer_ifindex);
		if (kind->on_parent && apart) {
			rt = where->rt;
			nl_put_u32(&ask, IFLA_NET_NS_FD, (uint32_t)descriptor_of(set, ns));
		}
		link_put_kind(e, kind, &ask);
	}
	int rc = nl_do(rt, &ask, err);
	if (rc == 0 && kind->type == ND_TYPE__VETH)
		peer->made = true;
	return rc < 0 ? rc : link_set_kind_data(ns->rt, e, err);
}

/* Does it name a device of its namespace that is not there yet? */
static bool waits_for_parent(const struct netns *ns, const NetDeviceEntry *e,
			     const struct link_kind *kind)
{
	const struct nlattr *attr = NULL, *parent = NULL;
	mnl_attr_for_each_payload((const void *)e->kind_data.data, e->kind_data.len)
	{
		if (kind->parent_data && mnl_attr_get_type(attr) == kind->parent_data)
			parent = attr;
	}
	const struct netns_link *link = parent ? find_index(ns, nl_number(parent)) : NULL;
	return link && !link->made;
}

/* @return 1; 0: what it needs is not there yet */
static int make_link(struct restore *r, struct netns_set *set, const struct netns *ns,
		     struct netns_link *link, struct error *err)
{
	struct netns *where;
	const NetDeviceEntry *e = link->entry;
	const struct link_kind *kind = link_kind_of(e);
	bool outside = !kind || netns_is_external(r->opts, kind->name, e->name) ||
		       netns_is_external(r->opts, "netdev", e->name);
	int rc;
	if (!outside && kind->on_parent && !find_peer(set, ns, e, &where)->made)
		return 0;
	if (!outside && waits_for_parent(ns, e, kind))
		return 0;
	if (outside)
		rc = find_made(ns->rt, e, err);
	else if (kind->make)
		rc = kind->make(e, err);
	else
		rc = make_by_netlink(set, ns, e, err);
	if (rc == 0 && (outside || kind->make))
		rc = set_common(ns->rt, e, err);
	link->made = rc == 0;
	return rc < 0 ? rc : 1;
}

/* @return how many of them wait for others; -errno */
static int make_links(struct restore *r, struct netns_set *set, struct netns *ns, struct error *err)
{
	int left = 0, rc = netns_stand(set, ns, err);
	for (size_t i = 0; rc >= 0 && i < ns->links.nr; i++) {
		struct netns_link *link = &ns->links.items[i];
		rc = link->made ? 1 : make_link(r, set, ns, link, err);
		if (rc < 0)
			error_wrap(err, rc, "make network device %s", link->entry->name);
		left += rc == 0;
	}
	return rc < 0 ? rc : left;
}

/* As often as one of them leads to another: what is on what may come in any order. */
int netns_links_make(struct restore *r, struct netns_set *set, struct error *err)
{
	for (int before = INT_MAX, left;; before = left) {
		left = 0;
		for (size_t i = 0; i < set->nr; i++) {
			int rc = make_links(r, set, &set->items[i], err);
			if (rc < 0)
				return rc;
			left += rc;
		}
		if (left == 0)
			return 0;
		if (left == before)
			return error_set(err, EBADMSG,
					 "netdev-%u.img: %d network devices are on each other",
					 set->items[0].id, left);
	}
}

static int set_inet6(struct nl *rt, const NetDeviceEntry *e, unsigned attr, const void *bytes,
		     size_t len, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	struct nlattr *spec = nl_nest(&ask, IFLA_AF_SPEC);
	struct nlattr *v6 = nl_nest(&ask, AF_INET6);
	nl_put(&ask, attr, bytes, len);
	nl_nest_end(&ask, v6);
	nl_nest_end(&ask, spec);
	int rc = nl_do(rt, &ask, err);
	/* without IPv6 */
	return rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP ? 0 : rc;
}

static int set_gen_mode(struct nl *rt, const NetDeviceEntry *e, uint8_t mode, struct error *err)
{
	return set_inet6(rt, e, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode), err);
}

/* It is refused where routers are not listened to, but stays when that changes. */
static int set_token(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	if (!e->has_token)
		return 0;
	net_conf_hear_routers(e);
	int rc = set_inet6(rt, e, IFLA_INET6_TOKEN, e->token.data, e->token.len, err);
	return rc < 0 ? error_wrap(err, rc, "set its IPv6 token") : 0;
}

static int set_master(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	nl_put_u32(&ask, IFLA_MASTER, e->master);
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? rc : link_set_port_data(rt, e, err);
}

static int set_up_link(struct restore *r, const NetDeviceEntry *e, struct nl *rt, struct error *err)
{
	int rc = set_token(rt, e, err);
	if (rc == 0)
		rc = net_conf_write_device(e, r->opts->weak_sysctls, err);
	/* or addresses would come about that are to be restored */
	if (rc == 0 && e->type != ND_TYPE__LOOPBACK)
		rc = set_gen_mode(rt, e, IN6_ADDR_GEN_MODE_NONE, err);
	if (rc == 0)
		rc = link_more_set(rt, e, err);
	if (rc == 0)
		rc = link_features_set(e, err);
	return rc == 0 && e->has_master ? set_master(rt, e, err) : rc;
}

static int set_flags(struct nl *rt, const NetDeviceEntry *e, struct error *err)
{
	struct nl_request ask;
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = (int)e->ifindex;
	head->ifi_flags = e->flags & SETTABLE;
	head->ifi_change = SETTABLE;
	if (e->alias)
		nl_put(&ask, IFLA_IFALIAS, e->alias, strlen(e->alias));
	return nl_do(rt, &ask, err);
}

int netns_links_fill(struct restore *r, const struct netns *ns, struct error *err)
{
	int rc = 0;
	for (size_t turn = 0; turn < 2; turn++) {
		for (size_t i = 0; rc == 0 && i < ns->links.nr; i++) {
			const NetDeviceEntry *e = ns->links.items[i].entry;
			rc = turn == 0 ? set_up_link(r, e, ns->rt, err) : set_flags(ns->rt, e, err);
			if (rc == 0 && turn == 1)
				rc = net_conf_write_up(e, r->opts->weak_sysctls, err);
			if (rc < 0)
				error_wrap(err, rc, "network device %s", e->name);
		}
	}
	return rc;
}

int netns_links_finish(const struct netns *ns, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ns->links.nr; i++) {
		const NetDeviceEntry *e = ns->links.items[i].entry;
		uint8_t mode =
		    e->has_addr_gen_mode ? (uint8_t)e->addr_gen_mode : IN6_ADDR_GEN_MODE_EUI64;
		if (e->type != ND_TYPE__LOOPBACK)
			rc = set_gen_mode(ns->rt, e, mode, err);
		link_set_port_state(ns->rt, e);
		if (rc < 0)
			error_wrap(err, rc, "network device %s", e->name);
	}
	return rc;
}
