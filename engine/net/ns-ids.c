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
	auto_fd fd = openat(other->member->proc_fd, "ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /proc/%d/ns/net", other->member->pid);
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
