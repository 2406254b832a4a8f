/* SPDX-License-Identifier: MIT
 * Network namespaces as a whole, both directions. What several of them have to do with each other
 * on restore stands in ns-nested.c.
 */
#include "engine/net/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/external.h"
#include "engine/net/lock-ns.h"
#include "engine/net/ns-conf.h"
#include "engine/net/ns-conntrack.h"
#include "engine/net/ns-dump.h"
#include "engine/net/ns-filter.h"
#include "engine/net/ns-mptcp.h"
#include "engine/net/ns-objects.h"
#include "engine/net/ns-outside.h"
#include "engine/net/ns-save.h"
#include "engine/net/ns-set.h"
#include "engine/net/unix.h"
#include "images/reader.h"

static const char *external_key(const struct dump *d, const struct ns_seen *ns)
{
	char ino[32];
	snprintf(ino, sizeof(ino), "%lu", (unsigned long)ns->ino);
	return external_value(d->opts, "net", ino);
}

static struct net_filters *filters_of(const struct dump *d, uint32_t id)
{
	for (size_t i = 0; d->net && i < d->net->filters.nr; i++)
		if (d->net->filters.items[i].id == id)
			return &d->net->filters.items[i];
	return NULL;
}

int netns_collect(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct ns_visit visit;
	char holder[96];
	if (d->opts->empty_net || external_key(d, ns))
		return 0;
	int rc = net_table_new(d, err);
	struct net_filters *f = rc < 0 ? NULL : array_add(&d->net->filters);
	if (!f)
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory");
	f->id = ns->id;
	rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = net_filters_read(f, err);
	if (rc == 0)
		rc = net_objects_read(NULL, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	if (rc < 0)
		return error_wrap(err, rc, "%s: its network namespace",
				  ns_seen_holder(ns, holder, sizeof(holder)));
	return back;
}

/* Settings that belong to no device, and what it calls other namespaces. */
static int dump_objects(NetnsEntry *e, struct error *err)
{
	struct strbuf messages = { 0 };
	int rc = net_objects_read(&messages, err);
	e->has_objects = messages.len > 0;
	e->objects.len = messages.len;
	e->objects.data = (uint8_t *)messages.data;
	return rc;
}

static int dump_mptcp(NetnsEntry *e, struct error *err)
{
	struct strbuf messages = { 0 };
	int rc = mptcp_read(&messages, err);
	e->has_mptcp = messages.len > 0;
	e->mptcp.len = messages.len;
	e->mptcp.data = (uint8_t *)messages.data;
	return rc;
}

static int dump_conf(struct dump_netns *dn, struct error *err)
{
	NetnsEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	netns_entry__init(e);
	struct net_filters *f = filters_of(dn->d, dn->seen->id);
	int rc = net_conf_read(e, err);
	if (rc == 0)
		rc = dump_objects(e, err);
	if (rc == 0)
		rc = dump_mptcp(e, err);
	if (rc == 0 && f)
		rc = net_filters_write(dn->d, f, e, err);
	e->nsids = dn->ids.items;
	e->n_nsids = dn->ids.nr;
	if (rc == 0)
		rc = image_write_one(dn->d->images_fd, IMG_NETNS, dn->seen->id, &e->base, err);
	e->nsids = NULL;
	e->n_nsids = 0;
	netns_entry__free_unpacked(e, NULL);
	return rc;
}

static int dump_all(struct dump_netns *dn, struct error *err)
{
	int rc = nl_open(NETLINK_ROUTE, &dn->rt, err);
	if (rc == 0)
		rc = netns_links_ask(dn->rt, &dn->link_list, err);
	if (rc == 0)
		rc = netns_ids_read(dn, err);
	if (rc == 0)
		rc = netns_links_dump(dn, err);
	if (rc == 0)
		rc = netns_save_dump(dn, err);
	return rc < 0 ? rc : dump_conf(dn, err);
}

/* It stays outside: a restore is given one under that name. */
static int dump_external(struct dump *d, const struct ns_seen *ns, const char *key,
			 struct error *err)
{
	NetnsEntry e = NETNS_ENTRY__INIT;
	e.ext_key = (char *)(uintptr_t)key;
	return image_write_one(d->images_fd, IMG_NETNS, ns->id, &e.base, err);
}

int netns_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct dump_netns dn = { .d = d, .seen = ns };
	const char *key = external_key(d, ns);
	if (key)
		return dump_external(d, ns, key, err);
	int rc = d->opts->empty_net ? 0 : dump_all(&dn, err);
	if (rc == 0)
		rc = conntrack_dump(d, ns->id, err);
	nl_close(dn.rt);
	strbuf_fini(&dn.link_list);
	for (size_t i = 0; i < dn.ids.nr; i++)
		free(dn.ids.items[i]);
	free(dn.ids.items);
	return rc;
}

/* Restore. */

struct netns *netns_find(const struct restore *r, uint32_t id)
{
	for (size_t i = 0; r->netns && i < r->netns->nr; i++)
		if (r->netns->items[i].id == id)
			return &r->netns->items[i];
	return NULL;
}

static void netns_fini(struct netns *ns)
{
	if (ns->conf)
		netns_entry__free_unpacked(ns->conf, NULL);
	for (size_t k = 0; k < ns->links.nr; k++)
		net_device_entry__free_unpacked(ns->links.items[k].entry, NULL);
	free(ns->links.items);
	fd_close(ns->fd);
	nl_close(ns->rt);
	lock_fini(&ns->lock); /* it was dropped by the launcher */
}

void netns_set_free(struct netns_set *set)
{
	if (!set)
		return;
	if (set->numbers)
		munmap(set->numbers, set->nr * sizeof(int));
	for (size_t i = 0; i < set->nr; i++)
		netns_fini(&set->items[i]);
	free(set->items);
	free(set);
}

static int load_conf(struct restore *r, struct netns *ns, struct error *err)
{
	int rc = image_read_one(r->images, IMG_NETNS, ns->id, (ProtobufCMessage **)&ns->conf, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = net_conf_check(ns->conf, err);
	const struct strbuf objects = netns_bytes(ns->conf ? &ns->conf->objects : NULL);
	if (rc == 0)
		rc = net_objects_check(&objects, err);
	const struct strbuf mptcp = netns_bytes(ns->conf ? &ns->conf->mptcp : NULL);
	if (rc == 0)
		rc = mptcp_check(&mptcp, err);
	return rc < 0 ? error_wrap(err, rc, "netns-%u.img", ns->id) : 0;
}

static int load_external(struct restore *r, struct netns *ns, const char *key, struct error *err)
{
	int fd = inherit_find(r->opts, key);
	if (fd < 0)
		return error_set(err, EINVAL,
				 "the network namespace was left out as %s: give one with "
				 "--inherit-fd fd[N]:%s%s",
				 key, key, ns->root ? ", or join one with --join-ns net:FILE" : "");
	ns->external = fd;
	if (ns->root)
		return ns_give(r, NS_NET, fd, err);
	ns->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return ns->fd < 0 ? error_sys(err, "duplicate fd %d", fd) : 0;
}

int netns_add(struct restore *r, uint32_t id, bool root, struct error *err)
{
	if (!r->netns && (r->netns = calloc(1, sizeof(*r->netns))))
		r->netns->home = -1;
	struct netns *ns = r->netns ? array_add(r->netns) : NULL;
	if (!ns)
		return error_set(err, ENOMEM, "out of memory");
	*ns = (struct netns){ .id = id, .root = root, .fd = -1, .external = -1 };
	int rc = conntrack_load(r, id, err);
	if (rc == 0)
		rc = load_conf(r, ns, err);
	/* runc asks for an empty one in any case, and may give the one to use */
	if (rc == 0 && ns->conf && ns->conf->ext_key)
		return load_external(r, ns, ns->conf->ext_key, err);
	if (rc == 0 && r->opts->empty_net)
		return 0;
	if (rc == 0)
		rc = netns_links_load(r, ns, err);
	if (rc == 0 && ns->conf && !ns->links.nr) { /* there is always the loopback device */
		char name[32];
		image_filename(&image_types[IMG_NETDEV], id, name, sizeof(name));
		return netns_refuse_missing(name, id, err);
	}
	if (rc == 0)
		rc = netns_save_load(r, id, ns->conf, err);
	return rc < 0 ? rc : net_filters_load(r, id, ns->conf, err);
}

int netns_load(struct restore *r, uint32_t id, struct error *err)
{
	return netns_add(r, id, true, err);
}

static void undo_one(struct netns *ns)
{
	struct ns_visit visit;
	struct error err = { 0 };
	if (ns->external < 0 || !ns->lock.set || ns->lock.found)
		return;
	int rc = ns_visit_fd(ns->external, NS_NET, &visit, &err);
	if (rc == 0 && (rc = lock_drop(&ns->lock, &err)) == 0)
		rc = ns_visit_end(&visit, &err);
	if (rc < 0)
		log_warn("%s", err.text);
}

void netns_undo(struct restore *r)
{
	for (size_t i = 0; r->netns && i < r->netns->nr; i++)
		undo_one(&r->netns->items[i]);
}

int netns_prepare(struct restore *r, uint32_t id, int fd, struct error *err)
{
	struct ns_visit visit;
	struct netns *ns = netns_find(r, id);
	int rc = ns ? ns_visit_fd(fd, NS_NET, &visit, err) : 0;
	if (rc < 0 || !ns)
		return rc;
	rc = net_lock_restored(r, ns, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	if (rc == 0)
		rc = back;
	return rc < 0 ? rc : netns_connect(r, ns, fd, err);
}

/* Whoever fills an empty one counts on the loopback device, and `--network none` fills nothing. */
static int loopback_up(struct error *err)
{
	struct ifreq lo = { .ifr_name = "lo" };
	auto_fd sk = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sk < 0 || ioctl(sk, SIOCGIFFLAGS, &lo) < 0)
		return error_sys(err, "look at the loopback device");
	lo.ifr_flags |= IFF_UP | IFF_RUNNING;
	return ioctl(sk, SIOCSIFFLAGS, &lo) < 0 ? error_sys(err, "set the loopback device up") : 0;
}

/* Devices begin with the defaults, so those come first. */
int netns_begin(struct restore *r, struct netns *ns, struct error *err)
{
	int rc = nl_open(NETLINK_ROUTE, &ns->rt, err);
	if (rc < 0 || r->opts->empty_net)
		return rc;
	if (ns->conf && r->users)
		rc = net_conf_turn_inside(ns->conf, r->users, err);
	if (rc == 0 && ns->conf)
		rc = net_conf_write(ns->conf, r->opts->weak_sysctls, err);
	return rc < 0 || !ns->conf ? rc : netns_ids_set(r, ns, err);
}

static int fill(struct restore *r, struct netns *ns, struct error *err)
{
	const struct strbuf objects = netns_bytes(ns->conf ? &ns->conf->objects : NULL);
	int rc = netns_links_fill(r, ns, err);
	if (rc == 0 && ns->conf)
		net_conf_write_more(ns->conf);
	if (rc == 0)
		rc = netns_save_fill(r, ns->id, &objects, ns->rt, err);
	if (rc == 0)
		rc = net_objects_set(&objects, false, ns->rt, err);
	const struct strbuf mptcp = netns_bytes(ns->conf ? &ns->conf->mptcp : NULL);
	if (rc == 0)
		rc = mptcp_set(&mptcp, err);
	return rc < 0 ? rc : netns_links_finish(ns, err);
}

int netns_complete(struct restore *r, struct netns *ns, struct error *err)
{
	if (r->opts->empty_net)
		return ns->external >= 0 ? 0 : loopback_up(err);
	return fill(r, ns, err);
}

int netns_filter_one(struct restore *r, const struct netns *ns, struct error *err)
{
	int rc = r->opts->empty_net ? 0 : net_filters_fill(r, ns->id, ns->conf, err);
	return rc < 0 ? rc : conntrack_fill(r, ns->id, err);
}
