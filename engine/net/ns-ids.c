/* SPDX-License-Identifier: MIT
 * The numbers by which a network namespace knows others, both directions: netns_entry.nsids.
 * Source: include/uapi/linux/net_namespace.h, ip-netns(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/net/ns-dump.h"
#include "engine/net/ns-set.h"

/* @return 0: `nsid` is set, -1 when it has none */
static int ask_id(struct nl *rt, int fd, int32_t *nsid)
{
	struct nl_request ask;
	auto_strbuf answer = { 0 };
	const struct nlattr *tb[NETNSA_MAX + 1];
	nl_begin(&ask, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	nl_put_u32(&ask, NETNSA_FD, (uint32_t)fd);
	int rc = nl_get(rt, &ask, &answer);
	const struct nlmsghdr *msg = rc == 0 ? nl_next(&answer, NULL) : NULL;
	if (rc < 0 || !msg)
		return rc < 0 ? rc : -EPROTO;
	nl_attrs(msg, NLMSG_ALIGN(sizeof(struct rtgenmsg)), tb, NETNSA_MAX);
	*nsid = tb[NETNSA_NSID] ? (int32_t)nl_number(tb[NETNSA_NSID]) : -1;
	return 0;
}

static int note_id(struct dump_netns *dn, const struct ns_seen *other, struct error *err)
{
	int32_t nsid;
	auto_fd fd = ns_seen_open(other, err);
	if (fd < 0)
		return fd;
	int rc = ask_id(dn->rt, fd, &nsid);
	if (rc < 0)
		return error_code(err, rc, "ask for the number of a network namespace");
	if (nsid < 0)
		return 0;
	NetnsId **slot = array_add(&dn->ids);
	NetnsId *id = slot ? malloc(sizeof(*id)) : NULL;
	if (!id) {
		dn->ids.nr -= slot != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	netns_id__init(id);
	id->target_ns_id = other->id;
	id->netnsid_value = nsid;
	*slot = id;
	return 0;
}

int netns_ids_read(struct dump_netns *dn, struct error *err)
{
	const struct ns_table *all = dn->d->ns;
	int rc = 0;
	for (size_t i = 0; rc == 0 && all && i < all->nr; i++)
		if (all->items[i].kind == NS_NET && !all->items[i].own)
			rc = note_id(dn, &all->items[i], err);
	return rc;
}

uint32_t netns_id_of(const struct dump_netns *dn, int32_t nsid)
{
	for (size_t i = 0; i < dn->ids.nr; i++)
		if (dn->ids.items[i]->netnsid_value == nsid)
			return dn->ids.items[i]->target_ns_id;
	return 0;
}

/* Restore. */

/* Its descriptor, in the process that fills them. @return -1: it is not there */
static int fd_of(const struct restore *r, uint32_t id)
{
	const struct netns *ns = netns_find(r, id);
	if (!ns)
		return -1;
	return ns->fd >= 0 ? ns->fd : r->netns->home;
}

/* Before there is a device with its other end there, or the kernel would choose. */
int netns_ids_set(const struct restore *r, const struct netns *ns, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ns->conf->n_nsids; i++) {
		const NetnsId *id = ns->conf->nsids[i];
		struct nl_request ask;
		int fd = fd_of(r, id->target_ns_id);
		if (fd < 0)
			continue;
		nl_begin(&ask, RTM_NEWNSID, 0, sizeof(struct rtgenmsg));
		nl_put_u32(&ask, NETNSA_NSID, (uint32_t)id->netnsid_value);
		nl_put_u32(&ask, NETNSA_FD, (uint32_t)fd);
		rc = nl_do(ns->rt, &ask, err);
		if (rc < 0)
			error_wrap(err, rc, "call network namespace %u %d", id->target_ns_id,
				   id->netnsid_value);
	}
	return rc;
}
