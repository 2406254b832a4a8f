/* SPDX-License-Identifier: MIT
 * Addresses and routes of a network are of devices that are in it.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/raw/netlink.h"
#include "convert/verify/check.h"

struct network_walk {
	struct check *check;
	const char *image;
	uint64_t number, entry;
};

static void device_check(const struct network_walk *w, const char *field, uint32_t ifindex)
{
	char name[64];
	uint64_t key = object_within(w->number, ifindex);
	if (!object_set_has(&w->check->objects, OBJ_NETDEV, key))
		finding_at(w->check, w->image, &w->entry, field, "no %s",
			   object_name(OBJ_NETDEV, key, name, sizeof(name)));
}

static int route_attr(void *arg, const struct netlink_attr *attr, struct error *err)
{
	uint32_t ifindex;
	(void)err;
	if (strcmp(attr->row->key, "oif") != 0 || attr->len != sizeof(ifindex))
		return 0;
	memcpy(&ifindex, attr->bytes, sizeof(ifindex));
	device_check(arg, "oif", ifindex);
	return 0;
}

static int message_check(struct network_walk *w, struct netlink_in *in, struct error *err)
{
	struct ifaddrmsg address;
	if (in->header.nlmsg_type == RTM_NEWROUTE)
		return netlink_visit(in, route_attr, w, err);
	if (in->header.nlmsg_type != RTM_NEWADDR ||
	    in->message.len < NLMSG_HDRLEN + sizeof(address))
		return 0;
	memcpy(&address, in->message.data + NLMSG_HDRLEN, sizeof(address));
	device_check(w, "index", address.ifa_index);
	return 0;
}

static int network_read(struct network_walk *w, struct netlink_in *in, struct error *why)
{
	int rc = netlink_begin(in, why);
	for (; rc > 0 && (rc = netlink_next(in, why)) > 0; w->entry++) {
		rc = message_check(w, in, why);
		if (rc < 0)
			return rc;
		rc = 1;
	}
	return rc;
}

int check_networks(struct check *check, struct error *err)
{
	for (size_t i = 0; i < check->nr_members; i++) {
		const struct source_member *m = &check->members[i];
		const struct image_type *type = m->own ? image_type_by_filename(m->name) : NULL;
		if (!type || check->broken[i] ||
		    (type->id != IMG_IFADDR && type->id != IMG_ROUTE && type->id != IMG_ROUTE6))
			continue;
		struct error why;
		struct network_walk w = { .check = check,
					  .image = m->name,
					  .number = image_number(type, m->name) };
		auto_image_reader r = NULL;
		int rc = object_set_has(&check->objects, IMG_NETDEV, w.number)
			     ? image_open(check->src, m->name, &r, &why)
			     : -ENOENT;
		struct netlink_in in = { .r = r };
		if (rc == 0)
			rc = network_read(&w, &in, &why);
		strbuf_fini(&in.message);
		if (rc == -ENOMEM)
			return error_set(err, rc, "%s", why.text);
		/* what cannot be read was found by the walk */
	}
	return 0;
}
