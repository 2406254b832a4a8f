/* SPDX-License-Identifier: MIT
 * Network namespaces as a whole, both directions.
 */
#include "engine/net/ns.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "base/array.h"
#include "engine/net/lock-ns.h"
#include "engine/net/ns-conf.h"
#include "engine/net/ns-dump.h"
#include "engine/net/ns-save.h"
#include "engine/net/ns-set.h"
#include "images/reader.h"

/* Settings that belong to no device, and what it calls other namespaces. */
static int dump_conf(struct dump_netns *dn, struct error *err)
{
	NetnsEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	netns_entry__init(e);
	int rc = net_conf_read(e, err);
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

int netns_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct dump_netns dn = { .d = d, .seen = ns };
	int rc = dump_all(&dn, err);
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

void netns_set_free(struct netns_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++) {
		struct netns *ns = &set->items[i];
		if (ns->conf)
			netns_entry__free_unpacked(ns->conf, NULL);
		for (size_t k = 0; k < ns->links.nr; k++)
			net_device_entry__free_unpacked(ns->links.items[k].entry, NULL);
		free(ns->links.items);
	}
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
	return rc < 0 ? error_wrap(err, rc, "netns-%u.img", ns->id) : 0;
}

int netns_load(struct restore *r, uint32_t id, struct error *err)
{
	if (!r->netns)
		r->netns = calloc(1, sizeof(*r->netns));
	struct netns *ns = r->netns ? array_add(r->netns) : NULL;
	if (!ns)
		return error_set(err, ENOMEM, "out of memory");
	ns->id = id;
	int rc = load_conf(r, ns, err);
	if (rc == 0)
		rc = netns_links_load(r, ns, err);
	return rc < 0 ? rc : netns_save_load(r, id, err);
}

int netns_prepare(struct restore *r, uint32_t id, int fd, struct error *err)
{
	struct ns_visit visit;
	(void)id;
	int rc = ns_visit_fd(fd, NS_NET, &visit, err);
	if (rc < 0)
		return rc;
	rc = net_lock_restored(r, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

/* Devices begin with the defaults, so those come first. */
static int fill(struct restore *r, struct netns *ns, struct nl *rt, struct error *err)
{
	int rc = ns->conf ? net_conf_write(ns->conf, r->opts->weak_sysctls, err) : 0;
	if (rc == 0)
		rc = netns_links_fill(r, ns, rt, err);
	if (rc == 0 && ns->conf)
		net_conf_write_more(ns->conf);
	if (rc == 0)
		rc = netns_save_fill(r, ns->id, rt, err);
	return rc < 0 ? rc : netns_links_finish(ns, rt, err);
}

int netns_fill(struct restore *r, uint32_t id, struct error *err)
{
	auto_nl rt = NULL;
	struct netns *ns = netns_find(r, id);
	if (!ns)
		return 0;
	int rc = nl_open(NETLINK_ROUTE, &rt, err);
	return rc < 0 ? rc : fill(r, ns, rt, err);
}
