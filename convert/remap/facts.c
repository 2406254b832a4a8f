/* SPDX-License-Identifier: MIT
 * Facts of a set.
 */
#include "convert/remap/facts.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/raw/netlink.h"
#include "files.pb-c.h"
#include "images/reader.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "task.pb-c.h"

void facts_fini(struct facts *facts)
{
	free(facts->sockets.items);
	free(facts->addresses.items);
	free(facts->routes.items);
	free(facts->mapped.items);
	free(facts->pids.items);
	free(facts->users_inside.items);
	free(facts->users_of_tasks.items);
	*facts = (struct facts){ 0 };
}

static int add_number(struct numbers *numbers, uint32_t number, struct error *err)
{
	/* the same comes many times in a row */
	if (numbers->nr && numbers->items[numbers->nr - 1] == number)
		return 0;
	uint32_t *place = array_add(numbers);
	if (!place)
		return error_set(err, ENOMEM, "out of memory");
	*place = number;
	return 0;
}

int facts_add_pid(struct facts *facts, uint32_t pid, struct error *err)
{
	return add_number(&facts->pids, pid, err);
}

static bool is_local(const struct facts *facts, const struct ip *ip)
{
	if (ip_is_loopback(ip))
		return true;
	for (size_t i = 0; i < facts->addresses.nr; i++) {
		if (ip_equal(&facts->addresses.items[i].local, ip, IP_BITS))
			return true;
	}
	for (size_t i = 0; i < facts->sockets.nr; i++) {
		if (ip_equal(&facts->sockets.items[i].src, ip, IP_BITS))
			return true;
	}
	return false;
}

bool facts_own_end(const struct facts *facts, const struct ip *ip, uint32_t port)
{
	bool any = false;
	for (size_t i = 0; i < facts->sockets.nr; i++) {
		const struct net_socket *sk = &facts->sockets.items[i];
		if (sk->sport != port)
			continue;
		if (ip_equal(&sk->src, ip, IP_BITS))
			return true;
		any |= ip_is_any(&sk->src);
	}
	return any && is_local(facts, ip);
}

static struct ip words_ip(const uint32_t *words, size_t nr, bool v6)
{
	struct ip none = { { 0 } };
	if (nr == 1 || nr == 4)
		return ip_from_bytes(words, nr * 4);
	return v6 ? none : ip_from_bytes(&none, 4);
}

static int add_socket(struct facts *facts, const InetSkEntry *e, struct error *err)
{
	if (e->type == SOCK_RAW)
		return 0;
	struct net_socket *sk = array_add(&facts->sockets);
	if (!sk)
		return error_set(err, ENOMEM, "out of memory");
	bool v6 = e->family == AF_INET6;
	*sk = (struct net_socket){
		.id = e->id,
		.ns = e->ns_id,
		.proto = e->proto,
		.sport = e->src_port,
		.dport = e->dst_port,
		.src = words_ip(e->src_addr, e->n_src_addr, v6),
		.dst = words_ip(e->dst_addr, e->n_dst_addr, v6),
		.v6only = e->v6only,
		.v6 = v6,
	};
	return 0;
}

static int add_extents(struct facts *facts, UidGidExtent *const *items, size_t nr, bool group,
		       struct error *err)
{
	for (size_t i = 0; i < nr; i++) {
		struct id_range *range = array_add(&facts->mapped);
		if (!range)
			return error_set(err, ENOMEM, "out of memory");
		*range = (struct id_range){ group, items[i]->first, items[i]->count };
	}
	return 0;
}

static int add_users(struct facts *facts, const UsernsEntry *e, uint32_t number, struct error *err)
{
	if (e->has_parent_ns)
		return add_number(&facts->users_inside, number, err);
	return add_extents(facts, e->uid_map, e->n_uid_map, false, err)
		   ?: add_extents(facts, e->gid_map, e->n_gid_map, true, err);
}

bool facts_tasks_are_inside(const struct facts *facts)
{
	const struct numbers *inside = &facts->users_inside, *tasks = &facts->users_of_tasks;
	for (size_t i = 0; i < inside->nr; i++)
		for (size_t k = 0; k < tasks->nr; k++)
			if (inside->items[i] == tasks->items[k])
				return true;
	return false;
}

/* One message of a dump, as its attributes come. */
struct message {
	struct ip local, peer, dst, gateway;
	bool has_local, has_peer, has_dst, has_gateway;
	uint32_t oif;
	unsigned bits;
};

static int take_attr(void *arg, const struct netlink_attr *attr, struct error *err)
{
	(void)err;
	struct message *m = arg;
	const char *key = attr->row->key;
	if (!strcmp(key, "oif") && attr->len == 4)
		memcpy(&m->oif, attr->bytes, 4);
	if (attr->len != 4 && attr->len != 16)
		return 0;
	struct ip ip = ip_from_bytes(attr->bytes, attr->len);
	if (!strcmp(key, "local")) {
		m->local = ip;
		m->has_local = true;
	} else if (!strcmp(key, "address")) {
		m->peer = ip;
		m->has_peer = true;
	} else if (!strcmp(key, "gateway")) {
		m->gateway = ip;
		m->has_gateway = true;
	} else if (!strcmp(key, "dst")) {
		m->dst = ip;
		m->has_dst = true;
		m->bits = IP_BITS - (unsigned)attr->len * 8 + attr->prefix;
	}
	return 0;
}

/* The end of a line has no network of its own. */
static int add_address(struct facts *facts, uint32_t ns, const struct ifaddrmsg *h,
		       const struct message *m, struct error *err)
{
	if (!m->has_local && !m->has_peer)
		return 0;
	struct net_address *a = array_add(&facts->addresses);
	if (!a)
		return error_set(err, ENOMEM, "out of memory");
	bool line = m->has_local && m->has_peer && !ip_equal(&m->local, &m->peer, IP_BITS);
	a->ns = ns;
	a->ifindex = h->ifa_index;
	a->local = m->has_local ? m->local : m->peer;
	a->bits = (ip_is_v4(&a->local) ? IP_BITS - 32 : 0) + h->ifa_prefixlen;
	if (line || a->bits > IP_BITS)
		a->bits = IP_BITS;
	return 0;
}

static int add_route(struct facts *facts, uint32_t ns, const char *image, const struct message *m,
		     struct error *err)
{
	struct net_route *route = array_add(&facts->routes);
	if (!route)
		return error_set(err, ENOMEM, "out of memory");
	*route = (struct net_route){
		.ns = ns,
		.image = image,
		.oif = m->oif,
		.dst = m->dst,
		.gateway = m->gateway,
		.bits = m->has_dst && m->bits <= IP_BITS ? m->bits : 0,
		.has_gateway = m->has_gateway,
	};
	return 0;
}

static int read_netlink(struct facts *facts, struct image_reader *r, uint32_t ns, struct error *err)
{
	struct netlink_in in = { .r = r };
	int rc = netlink_begin(&in, err);
	while (rc > 0 && (rc = netlink_next(&in, err)) > 0) {
		struct message m = { 0 };
		struct ifaddrmsg h = { 0 };
		netlink_visit(&in, take_attr, &m, NULL);
		if (in.header.nlmsg_type == RTM_NEWADDR &&
		    in.header.nlmsg_len >= sizeof(in.header) + sizeof(h)) {
			memcpy(&h, in.message.data + sizeof(in.header), sizeof(h));
			rc = add_address(facts, ns, &h, &m, err) ?: 1;
		} else if (in.header.nlmsg_type == RTM_NEWROUTE) {
			rc = add_route(facts, ns, "route", &m, err) ?: 1;
		}
	}
	strbuf_fini(&in.message);
	return rc;
}

/* A gateway of next hops, which routes go by; what is broken there is told later. */
static int add_next_hops(struct facts *facts, const NetnsEntry *e, uint32_t ns, struct error *err)
{
	struct nlmsghdr h;
	size_t at = 0;
	uint8_t *body;
	int rc = 0;
	while (rc == 0 && e->has_objects && (body = netlink_message(&e->objects, &at, &h))) {
		struct message m = { 0 };
		size_t len = h.nlmsg_len - sizeof(h);
		const struct netlink_row *row = netlink_row(h.nlmsg_type, len);
		if (row && h.nlmsg_type == RTM_NEWNEXTHOP)
			rc = netlink_visit_body(row, body, len, take_attr, &m, NULL)
				 ?: add_route(facts, ns, "netns", &m, err);
	}
	return rc;
}

static int read_entries(struct facts *facts, struct image_reader *r, uint32_t number,
			struct error *err)
{
	int rc;
	do {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		const FileEntry *file = (FileEntry *)msg;
		const PstreeEntry *process = (PstreeEntry *)msg;
		if (msg->descriptor == &inet_sk_entry__descriptor)
			rc = add_socket(facts, (InetSkEntry *)msg, err);
		else if (msg->descriptor == &file_entry__descriptor && file->isk)
			rc = add_socket(facts, file->isk, err);
		else if (msg->descriptor == &task_kobj_ids_entry__descriptor)
			rc = add_number(&facts->users_of_tasks,
					((const TaskKobjIdsEntry *)msg)->user_ns_id, err);
		else if (msg->descriptor == &userns_entry__descriptor)
			rc = add_users(facts, (const UsernsEntry *)msg, number, err);
		else if (msg->descriptor == &pstree_entry__descriptor && process->n_levels)
			facts->nested_pid = process->pid;
		else if (msg->descriptor == &netns_entry__descriptor)
			rc = add_next_hops(facts, (const NetnsEntry *)msg, number, err);
	} while (rc >= 0);
	return rc;
}

static int read_member(struct facts *facts, struct source *src, const char *name, struct error *err)
{
	const struct image_type *type = image_type_by_filename(name);
	auto_image_reader r = NULL;
	bool netlink =
	    type && (type->id == IMG_IFADDR || type->id == IMG_ROUTE || type->id == IMG_ROUTE6);
	if (!netlink &&
	    (!type || (type->id != IMG_FILES && type->id != IMG_INETSK && type->id != IMG_USERNS &&
		       type->id != IMG_IDS && type->id != IMG_PSTREE && type->id != IMG_NETNS)))
		return 0;
	int rc = image_open(src, name, &r, err);
	if (rc < 0)
		return rc;
	uint32_t number = (uint32_t)image_number(type, name);
	return netlink ? read_netlink(facts, r, number, err) : read_entries(facts, r, number, err);
}

int facts_read(struct source *src, struct facts *out, struct error *err)
{
	const struct source_member *members;
	auto_source parent = NULL;
	/* a parent that is missing is one all the same */
	out->has_parent = source_open_parent(src, &parent, NULL) < 0 || parent;
	ssize_t nr = source_list(src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (!strchr(members[i].name, '/'))
			rc = read_member(out, src, members[i].name, err);
	}
	return rc < 0 ? rc : facts_read_status(src, out, err);
}
