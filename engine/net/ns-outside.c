/* SPDX-License-Identifier: MIT
 * Devices that are connected with the outside: --external veth[IN]:OUT[@BRIDGE], macvlan[IN]:OUT
 * and other kinds that are on another device, netdev[IN]:OUT.
 */
#include "engine/net/ns-outside.h"

#include <errno.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/files/external.h"
#include "engine/net/ns-link.h"

#define PATIENCE_MS 2000
#define STEP_MS     5

/* "eth0=veth7": what is behind the =; NULL: it is about another device */
static const char *pair_value(const char *pair, const char *name)
{
	size_t len = strlen(name);
	return !strncmp(pair, name, len) && pair[len] == '=' ? pair + len + 1 : NULL;
}

/* @return NULL: nothing was said */
static const char *value_of(const struct options *opts, const char *kind, const char *name)
{
	const char *value = external_value(opts, kind, name);
	for (size_t i = 0; !value && !strcmp(kind, "veth") && i < opts->veth_pairs.nr; i++)
		value = pair_value(opts->veth_pairs.items[i], name);
	return value;
}

bool netns_is_external(const struct options *opts, const char *kind, const char *name)
{
	char key[64];
	snprintf(key, sizeof(key), "%s[%s]", kind, name);
	return value_of(opts, kind, name) || external_has(opts, key);
}

static int index_of(const char *name, struct error *err)
{
	unsigned index = if_nametoindex(name);
	return index ? (int)index : error_sys(err, "there is no device %s outside", name);
}

/* As a port of a bridge its other end is of use at once; otherwise somebody else sets it up. */
static int add_to_bridge(struct nl *rt, const char *port, const char *bridge, struct error *err)
{
	struct nl_request ask;
	int master = index_of(bridge, err), index = master < 0 ? master : index_of(port, err);
	if (index < 0)
		return index;
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = index;
	head->ifi_flags = head->ifi_change = IFF_UP;
	nl_put_u32(&ask, IFLA_MASTER, (uint32_t)master);
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? error_wrap(err, rc, "make %s a port of %s", port, bridge) : 0;
}

static int split(const char *value, char name[IFNAMSIZ], const char **bridge, struct error *err)
{
	size_t len = strcspn(value, "@");
	if (!len || len >= IFNAMSIZ)
		return error_set(err, EINVAL, "\"%s\" is no name of a device", value);
	memcpy(name, value, len);
	name[len] = 0;
	*bridge = value[len] ? value + len + 1 : NULL;
	return 0;
}

static int make_pair(struct nl *rt, const NetDeviceEntry *e, const char *value, int fd,
		     struct error *err)
{
	struct nl_request ask;
	char name[IFNAMSIZ];
	const char *bridge = NULL;
	int rc = split(value, name, &bridge, err);
	if (rc < 0)
		return rc;
	link_put_new(e, &ask);
	nl_put_u32(&ask, IFLA_NET_NS_FD, (uint32_t)fd);
	struct nlattr *info = nl_nest(&ask, IFLA_LINKINFO);
	nl_put_str(&ask, IFLA_INFO_KIND, "veth");
	struct nlattr *data = nl_nest(&ask, IFLA_INFO_DATA);
	struct nlattr *peer = nl_nest(&ask, VETH_INFO_PEER);
	nl_put_raw(&ask, sizeof(struct ifinfomsg));
	nl_put_str(&ask, IFLA_IFNAME, name);
	nl_nest_end(&ask, peer);
	nl_nest_end(&ask, data);
	nl_nest_end(&ask, info);
	/* the namespace of the dumped tree goes a moment after its tasks, and its devices with it
	 */
	for (int i = 0; i < PATIENCE_MS / STEP_MS; i++) {
		rc = nl_do(rt, &ask, err);
		if (rc != -EEXIST)
			break;
		usleep(STEP_MS * 1000);
	}
	if (rc < 0)
		return error_wrap(err, rc, "make the pair %s, %s", e->name, name);
	return bridge ? add_to_bridge(rt, name, bridge, err) : 0;
}

static int make_on(struct nl *rt, const NetDeviceEntry *e, const struct link_kind *kind,
		   const char *parent, int fd, struct error *err)
{
	struct nl_request ask;
	int index = index_of(parent, err);
	if (index < 0)
		return index;
	link_put_new(e, &ask);
	nl_put_u32(&ask, IFLA_NET_NS_FD, (uint32_t)fd);
	nl_put_u32(&ask, IFLA_LINK, (uint32_t)index);
	link_put_kind(e, kind, &ask);
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? error_wrap(err, rc, "make it on %s", parent) : 0;
}

/* Under the name and the number that it had. */
static int move(struct nl *rt, const NetDeviceEntry *e, const char *name, int fd, struct error *err)
{
	struct nl_request ask;
	int index = index_of(name, err);
	if (index < 0)
		return index;
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = index;
	nl_put_u32(&ask, IFLA_NET_NS_FD, (uint32_t)fd);
	nl_put_str(&ask, IFLA_IFNAME, e->name);
	nl_put_u32(&ask, IFLA_NEW_IFINDEX, e->ifindex);
	int rc = nl_do(rt, &ask, err);
	return rc < 0 ? error_wrap(err, rc, "move %s", name) : 0;
}

static int connect_link(struct restore *r, struct nl *rt, const NetDeviceEntry *e, int fd,
			struct error *err)
{
	const struct link_kind *kind = link_kind_of(e);
	const char *value = value_of(r->opts, "netdev", e->name);
	if (value)
		return move(rt, e, value, fd, err);
	value = kind ? value_of(r->opts, kind->name, e->name) : NULL;
	if (value && kind->type == ND_TYPE__VETH)
		return make_pair(rt, e, value, fd, err);
	return value && kind->on_parent ? make_on(rt, e, kind, value, fd, err) : 0;
}

int netns_connect(struct restore *r, const struct netns *ns, int fd, struct error *err)
{
	auto_nl rt = NULL;
	int rc = nl_open(NETLINK_ROUTE, &rt, err);
	for (size_t i = 0; rc == 0 && i < ns->links.nr; i++) {
		const NetDeviceEntry *e = ns->links.items[i].entry;
		rc = connect_link(r, rt, e, fd, err);
		if (rc < 0)
			error_wrap(err, rc, "network device %s", e->name);
	}
	return rc;
}
