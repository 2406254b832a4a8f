/* SPDX-License-Identifier: MIT
 * Addresses, routes and rules, both directions: what the kernel tells, as it tells it, behind the
 * word that `ip … save` puts there.
 * Source: rtnetlink(7), ip-address(8), ip-route(8), ip-rule(8); net/ipv4/fib_frontend.c.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/net/ns-dump.h"
#include "engine/net/ns-objects.h"
#include "engine/net/ns-save.h"
#include "images/reader.h"

#define MAX_BYTES (64u << 20)
#define USER_HZ   100  /* in which the kernel tells times */
#define ROUTE_MS  1000 /* to wait for the routes of addresses */

/* Routes in an order in which each finds what it needs: its gateway must be reachable. */
enum turn { TURN_LOCAL, TURN_LINK, TURN_REST, TURNS };

struct save_row {
	enum image_id image;
	uint32_t magic;
	int family; /* AF_UNSPEC: both */
	uint16_t get, add, del;
	size_t header_len;
	const char *what;
	/** Is it stored? May change it. */
	bool (*keep)(struct nlmsghdr *msg);
	/** When is it its turn? NULL: they are added as they come */
	enum turn (*turn)(const struct nlmsghdr *msg);
	/** Make the request for it right; `again` is sent after it if it is not left empty. */
	void (*request)(struct nl_request *request, struct nl_request *again);
};

static const struct nlattr *attr_of(const struct nlmsghdr *msg, size_t header_len, unsigned type)
{
	const struct nlattr *attr;
	mnl_attr_for_each(attr, msg, header_len)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* Addresses. */

static uint32_t address_flags(const struct nlmsghdr *msg)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *flags = attr_of(msg, sizeof(*head), IFA_FLAGS);
	return flags ? nl_number(flags) : head->ifa_flags;
}

static void set_address_flags(struct nlmsghdr *msg, uint32_t flags)
{
	struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr = attr_of(msg, sizeof(*head), IFA_FLAGS);
	head->ifa_flags = (uint8_t)flags;
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(flags))
		memcpy(mnl_attr_get_payload(attr), &flags, sizeof(flags));
}

/* Those that privacy extensions make are made again from their prefix. */
static bool keep_address(struct nlmsghdr *msg)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	return head->ifa_family == AF_INET ||
	       (head->ifa_family == AF_INET6 && !(address_flags(msg) & IFA_F_TEMPORARY));
}

/* Nobody else has got it meanwhile: it is there at once. Then it is as it was. */
static void request_address(struct nl_request *request, struct nl_request *again)
{
	struct nlmsghdr *msg = &request->header;
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	uint32_t flags = address_flags(msg);
	if (head->ifa_family != AF_INET6 || (flags & (IFA_F_NODAD | IFA_F_TENTATIVE)))
		return;
	memcpy(again->bytes, msg, msg->nlmsg_len);
	again->header.nlmsg_flags = NLM_F_REPLACE;
	set_address_flags(msg, flags | IFA_F_NODAD);
}

/* Routes. */

#define STATE_FLAGS (RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_OFFLOAD | RTNH_F_TRAP)

/* Which of the next hops work is for the kernel to find out. */
static void forget_state(struct nlmsghdr *msg)
{
	struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *hops = attr_of(msg, sizeof(*head), RTA_MULTIPATH);
	head->rtm_flags &=
	    ~(unsigned)(STATE_FLAGS | RTM_F_OFFLOAD | RTM_F_TRAP | RTM_F_OFFLOAD_FAILED);
	if (!hops)
		return;
	size_t len = mnl_attr_get_payload_len(hops);
	struct rtnexthop *hop = mnl_attr_get_payload(hops);
	while (len >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= len) {
		size_t step = RTNH_ALIGN(hop->rtnh_len);
		hop->rtnh_flags &= (unsigned char)~STATE_FLAGS;
		if (step >= len)
			break;
		len -= step;
		hop = (struct rtnexthop *)(void *)((char *)hop + step);
	}
}

static uint32_t route_table(const struct nlmsghdr *msg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *table = attr_of(msg, sizeof(*head), RTA_TABLE);
	return table ? nl_number(table) : head->rtm_table;
}

/* What comes with addresses and devices comes again; what was learned by one packet, too. */
static bool keep_route(struct nlmsghdr *msg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	if (head->rtm_flags & RTM_F_CLONED)
		return false;
	if (head->rtm_family != AF_INET && head->rtm_family != AF_INET6)
		return false;
	forget_state(msg);
	return route_table(msg) != RT_TABLE_LOCAL || head->rtm_protocol != RTPROT_KERNEL;
}

static enum turn turn_of_route(const struct nlmsghdr *msg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	bool hop = attr_of(msg, sizeof(*head), RTA_GATEWAY) ||
		   attr_of(msg, sizeof(*head), RTA_VIA) ||
		   attr_of(msg, sizeof(*head), RTA_MULTIPATH);
	if (head->rtm_type == RTN_LOCAL)
		return TURN_LOCAL;
	return hop ? TURN_REST : TURN_LINK;
}

/* A next hop of its own stands for what is told of it as well. */
static void leave_to_next_hop(struct nl_request *request)
{
	static const uint16_t told[] = { RTA_OIF,       RTA_GATEWAY, RTA_VIA,
					 RTA_MULTIPATH, RTA_ENCAP,   RTA_ENCAP_TYPE };
	const struct nl_request full = *request;
	const struct nlattr *attr;
	if (!attr_of(&full.header, sizeof(struct rtmsg), RTA_NH_ID))
		return;
	memcpy(nl_begin(request, RTM_NEWROUTE, 0, sizeof(struct rtmsg)),
	       mnl_nlmsg_get_payload(&full.header), sizeof(struct rtmsg));
	mnl_attr_for_each(attr, &full.header, sizeof(struct rtmsg))
	{
		bool drop = false;
		for (size_t i = 0; i < ARRAY_SIZE(told); i++)
			drop |= told[i] == mnl_attr_get_type(attr);
		if (!drop)
			nl_put(request, attr->nla_type, mnl_attr_get_payload(attr),
			       mnl_attr_get_payload_len(attr));
	}
}

/* How long a route of IPv6 is still good for has one form when it is told, another to set it. */
static void request_route(struct nl_request *request, struct nl_request *again)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(&request->header);
	const struct nlattr *attr = attr_of(&request->header, sizeof(*head), RTA_CACHEINFO);
	struct rta_cacheinfo info = { 0 };
	(void)again;
	leave_to_next_hop(request);
	if (head->rtm_family == AF_INET6 && attr && mnl_attr_get_payload_len(attr) >= sizeof(info))
		memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
	if (info.rta_expires > 0)
		nl_put_u32(request, RTA_EXPIRES, (uint32_t)info.rta_expires / USER_HZ + 1);
}

/* Rules. */

static bool keep_rule(struct nlmsghdr *msg)
{
	const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(msg);
	return head->family == AF_INET || head->family == AF_INET6;
}

static bool is_default_rule(const struct nlmsghdr *msg)
{
	const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *priority = attr_of(msg, sizeof(*head), FRA_PRIORITY);
	return head->action == FR_ACT_TO_TBL && !head->src_len && !head->dst_len && !head->tos &&
	       !attr_of(msg, sizeof(*head), FRA_FWMARK) &&
	       !attr_of(msg, sizeof(*head), FRA_IIFNAME) &&
	       !attr_of(msg, sizeof(*head), FRA_OIFNAME) &&
	       ((head->table == RT_TABLE_LOCAL && nl_number(priority) == 0) ||
		(head->table == RT_TABLE_MAIN && nl_number(priority) == 32766));
}

static const struct save_row rows[] = {
	{ IMG_IFADDR, 0x47361222, AF_UNSPEC, RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR,
	  sizeof(struct ifaddrmsg), "address", keep_address, NULL, request_address },
	{ IMG_ROUTE, 0x45311224, AF_INET, RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE,
	  sizeof(struct rtmsg), "route", keep_route, turn_of_route, request_route },
	{ IMG_ROUTE6, 0x45311224, AF_INET6, RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE,
	  sizeof(struct rtmsg), "route", keep_route, turn_of_route, request_route },
	{ IMG_RULE, 0x71706986, AF_UNSPEC, RTM_GETRULE, RTM_NEWRULE, RTM_DELRULE,
	  sizeof(struct fib_rule_hdr), "rule", keep_rule, NULL, NULL },
};

/* All of them, whether they are stored or not. A kernel without IPv6 tells all of IPv4 instead. */
static int ask(const struct save_row *row, struct nl *rt, struct strbuf *out, struct error *err)
{
	struct nl_request request;
	struct rtgenmsg *head = nl_begin(&request, row->get, 0, row->header_len);
	head->rtgen_family = (unsigned char)row->family;
	int rc = nl_dump(rt, &request, out);
	if (rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT)
		return 0;
	return rc < 0 ? error_code(err, rc, "list every %s", row->what) : 0;
}

static uint8_t family_of(const struct nlmsghdr *msg)
{
	return ((const struct rtgenmsg *)mnl_nlmsg_get_payload(msg))->rtgen_family;
}

static bool is_one(const struct save_row *row, const struct nlmsghdr *msg)
{
	if (msg->nlmsg_type != row->add || mnl_nlmsg_get_payload_len(msg) < row->header_len)
		return false;
	return row->family == AF_UNSPEC || family_of(msg) == row->family;
}

/* The two rules IPv6 begins with are not stored: the images of CRIU have none of IPv6 at all, and
 * it would add them to those that are there. */
static bool is_as_it_began(const struct strbuf *all)
{
	size_t nr = 0, defaults = 0;
	for (struct nlmsghdr *msg = NULL; (msg = nl_next(all, msg));) {
		const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(msg);
		if (msg->nlmsg_type != RTM_NEWRULE || head->family != AF_INET6)
			continue;
		nr++;
		defaults += is_default_rule(msg);
	}
	return nr == 2 && defaults == 2;
}

static int dump_row(struct dump_netns *dn, const struct save_row *row, struct error *err)
{
	auto_strbuf all = { 0 };
	auto_image_writer w = NULL;
	int rc = ask(row, dn->rt, &all, err);
	if (rc == 0)
		rc = image_create(dn->d->images_fd, row->image, dn->seen->id, &w, err);
	if (rc == 0)
		rc = image_write_bytes(w, &row->magic, sizeof(row->magic), err);
	bool skip6 = row->image == IMG_RULE && is_as_it_began(&all);
	for (struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));)
		if (is_one(row, msg) && row->keep(msg) && !(skip6 && family_of(msg) == AF_INET6))
			rc = image_write_bytes(w, msg, MNL_ALIGN(msg->nlmsg_len), err);
	return rc < 0 ? rc : image_finish(w, err);
}

int netns_save_dump(struct dump_netns *dn, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		rc = dump_row(dn, &rows[i], err);
	return rc;
}

/* Restore. */

int netns_raw_read(struct restore *r, enum image_id id, uint32_t number, struct strbuf *out,
		   struct error *err)
{
	auto_image_reader in = NULL;
	char piece[16384];
	ssize_t n;
	int rc = image_open_typed(r->images, id, number, &in, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	while ((n = image_read_raw(in, piece, sizeof(piece), err)) > 0) {
		if (out->len > MAX_BYTES)
			return error_set(err, EBADMSG, "%s has more than %u bytes",
					 image_reader_name(in), MAX_BYTES);
		if (strbuf_add(out, piece, (size_t)n) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	return (int)n;
}

struct strbuf netns_bytes(const ProtobufCBinaryData *field)
{
	struct strbuf out = { 0 };
	if (field && field->len) {
		out.data = (char *)field->data;
		out.len = field->len;
	}
	return out;
}

int netns_refuse_missing(const char *name, uint32_t id, struct error *err)
{
	return error_set(
	    err, ENOENT,
	    "%s is missing or empty, and netns-%u.img says that the dump wrote it: copy "
	    "the set again, or dump again",
	    name, id);
}

static bool is_absent(struct restore *r, const struct save_row *row, uint32_t id)
{
	auto_image_reader in = NULL;
	return image_open_typed(r->images, row->image, id, &in, NULL) == -ENOENT;
}

/* Where there is no IPv6, there are no routes of it; where `ip rule save` fails, CRIU goes on. */
static bool may_be_missing(struct restore *r, const struct save_row *row, uint32_t id,
			   const NetnsEntry *conf)
{
	if (!conf || (row->image == IMG_ROUTE6 && !conf->n_def_conf6))
		return true;
	if (row->image != IMG_RULE || !is_absent(r, row, id))
		return false;
	log_warn("there is no rule-%u.img, so its network namespace gets no rules for routing but "
		 "those a new one has: was `ip rule save` not supported at the dump?",
		 id);
	return true;
}

/* @param out  the messages. @return 1; 0: there is no such image */
static int read_row(struct restore *r, const struct save_row *row, uint32_t id, struct strbuf *out,
		    struct error *err)
{
	char name[64];
	uint32_t magic = 0;
	int rc = netns_raw_read(r, row->image, id, out, err);
	if (rc < 0 || !out->len)
		return rc;
	image_filename(&image_types[row->image], id, name, sizeof(name));
	if (out->len >= sizeof(magic))
		memcpy(&magic, out->data, sizeof(magic));
	if (magic != row->magic)
		return error_set(err, EBADMSG, "%s begins with %#x, want %#x", name, magic,
				 row->magic);
	out->len -= sizeof(magic);
	memmove(out->data, out->data + sizeof(magic), out->len);
	size_t end = 0;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(out, msg));)
		end = (size_t)((const char *)msg - out->data) + MNL_ALIGN(msg->nlmsg_len);
	return end >= out->len ? 1
			       : error_set(err, EBADMSG, "%s: no whole message at byte %zu", name,
					   end + sizeof(magic));
}

int netns_save_load(struct restore *r, uint32_t id, const NetnsEntry *conf, struct error *err)
{
	char name[64];
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < ARRAY_SIZE(rows); i++) {
		auto_strbuf bytes = { 0 };
		rc = read_row(r, &rows[i], id, &bytes, err);
		image_filename(&image_types[rows[i].image], id, name, sizeof(name));
		if (rc == 0 && !may_be_missing(r, &rows[i], id, conf))
			rc = netns_refuse_missing(name, id, err);
	}
	return rc < 0 ? rc : 0;
}

static bool has_family(const struct save_row *row, const struct strbuf *bytes, uint8_t family)
{
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(bytes, msg));)
		if (is_one(row, msg) && family_of(msg) == family)
			return true;
	return false;
}

/* Take away what the kernel has made by itself, but for what nobody stores.
 * @param stored  families it knows nothing of stay as they are */
static int clear(const struct save_row *row, const struct strbuf *stored, struct nl *rt,
		 struct error *err)
{
	auto_strbuf all = { 0 };
	struct nl_request request;
	int rc = ask(row, rt, &all, err);
	for (struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));) {
		if (!is_one(row, msg) || !row->keep(msg) || msg->nlmsg_len > sizeof(request.bytes))
			continue;
		if (row->image == IMG_RULE && !has_family(row, stored, family_of(msg)))
			continue;
		request.too_long = false;
		memcpy(request.bytes, msg, msg->nlmsg_len);
		request.header.nlmsg_type = row->del;
		request.header.nlmsg_flags = 0;
		rc = nl_do(rt, &request, err);
		if (rc == -ESRCH || rc == -ENOENT || rc == -EADDRNOTAVAIL)
			rc = 0; /* it went with another one */
	}
	return rc < 0 ? error_wrap(err, rc, "remove a %s", row->what) : 0;
}

static int add_one(const struct save_row *row, struct nl *rt, const struct nlmsghdr *msg,
		   struct error *err)
{
	struct nl_request request = { 0 }, again = { 0 };
	if (msg->nlmsg_len > sizeof(request.bytes))
		return error_set(err, EBADMSG, "a message of %u bytes", msg->nlmsg_len);
	memcpy(request.bytes, msg, msg->nlmsg_len);
	if (row->request)
		row->request(&request, &again);
	/* appended: IPv6 has routes that differ in nothing but their next hop */
	request.header.nlmsg_flags = NLM_F_CREATE | (row->turn ? NLM_F_APPEND : 0);
	int rc = nl_do(rt, &request, err);
	if (rc == -EEXIST)
		rc = 0;
	return rc == 0 && again.header.nlmsg_len ? nl_do(rt, &again, err) : rc;
}

/* A new address of IPv6 is put before the others of its scope. */
static bool is_prepended(const struct nlmsghdr *msg)
{
	return msg->nlmsg_type == RTM_NEWADDR && family_of(msg) == AF_INET6;
}

/* Their order is that in which the kernel looks for the address to send from. */
static int add_backwards(const struct save_row *row, struct nl *rt, const struct strbuf *bytes,
			 struct error *err)
{
	struct {
		const struct nlmsghdr **items;
		size_t nr, cap;
	} list = { 0 };
	int rc = 0;
	for (struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(bytes, msg));) {
		if (!is_one(row, msg) || !row->keep(msg) || !is_prepended(msg))
			continue;
		const struct nlmsghdr **place = array_add(&list);
		if (place)
			*place = msg;
		else
			rc = error_set(err, ENOMEM, "out of memory");
	}
	while (rc == 0 && list.nr)
		rc = add_one(row, rt, list.items[--list.nr], err);
	free(list.items);
	return rc;
}

static int add_all(const struct save_row *row, struct nl *rt, const struct strbuf *bytes,
		   struct error *err)
{
	int rc = 0;
	for (int turn = 0; rc == 0 && turn < TURNS; turn++) {
		for (struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(bytes, msg));) {
			if (!is_one(row, msg) || !row->keep(msg) || is_prepended(msg) ||
			    (row->turn ? (int)row->turn(msg) : 0) != turn)
				continue;
			rc = add_one(row, rt, msg, err);
		}
	}
	if (rc == 0)
		rc = add_backwards(row, rt, bytes, err);
	return rc < 0 ? error_wrap(err, rc, "add a %s", row->what) : 0;
}

/* An address of IPv6 is of use when it has its route, which the kernel makes a little later. */

static bool is_running(const struct strbuf *links, unsigned int ifindex)
{
	const unsigned int flags = IFF_UP | IFF_RUNNING;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(links, msg));) {
		const struct ifinfomsg *head = mnl_nlmsg_get_payload(msg);
		if (msg->nlmsg_type == RTM_NEWLINK && (unsigned int)head->ifi_index == ifindex)
			return (head->ifi_flags & flags) == flags;
	}
	return false;
}

static bool has_local_route(const struct strbuf *routes, const struct nlattr *address)
{
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(routes, msg));) {
		const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
		const struct nlattr *to = attr_of(msg, sizeof(*head), RTA_DST);
		if (msg->nlmsg_type == RTM_NEWROUTE && head->rtm_type == RTN_LOCAL && to &&
		    mnl_attr_get_payload_len(to) == mnl_attr_get_payload_len(address) &&
		    !memcmp(mnl_attr_get_payload(to), mnl_attr_get_payload(address),
			    mnl_attr_get_payload_len(to)))
			return true;
	}
	return false;
}

static bool lacks_route(const struct nlmsghdr *msg, const struct strbuf *links,
			const struct strbuf *routes)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *own = attr_of(msg, sizeof(*head), IFA_LOCAL);
	if (!own)
		own = attr_of(msg, sizeof(*head), IFA_ADDRESS);
	return own && head->ifa_family == AF_INET6 &&
	       !(address_flags(msg) & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) &&
	       is_running(links, head->ifa_index) && !has_local_route(routes, own);
}

/* What has none in the end is left alone: connections will tell. */
static int await_addresses(const struct save_row *row, const struct strbuf *addresses,
			   struct nl *rt, struct error *err)
{
	const struct save_row *route6 = rows;
	while (route6->image != IMG_ROUTE6)
		route6++;
	bool lacking = has_family(row, addresses, AF_INET6);
	for (int64_t until = clock_ms() + ROUTE_MS; lacking && clock_ms() < until;) {
		auto_strbuf links = { 0 }, routes = { 0 };
		struct nl_request request;
		nl_begin(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
		int rc = nl_dump(rt, &request, &links);
		rc = rc < 0 ? error_code(err, rc, "list every device")
			    : ask(route6, rt, &routes, err);
		if (rc < 0)
			return rc;
		lacking = false;
		for (struct nlmsghdr *msg = NULL; !lacking && (msg = nl_next(addresses, msg));)
			lacking =
			    is_one(row, msg) && row->keep(msg) && lacks_route(msg, &links, &routes);
		if (lacking)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return 0;
}

static int fill_row(struct restore *r, const struct save_row *row, uint32_t id, struct nl *rt,
		    struct error *err)
{
	auto_strbuf bytes = { 0 };
	int rc = read_row(r, row, id, &bytes, err);
	if (rc <= 0)
		return rc;
	rc = clear(row, &bytes, rt, err);
	if (rc == 0)
		rc = add_all(row, rt, &bytes, err);
	return rc == 0 && row->image == IMG_IFADDR ? await_addresses(row, &bytes, rt, err) : rc;
}

int netns_save_fill(struct restore *r, uint32_t id, const struct strbuf *objects, struct nl *rt,
		    struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++) {
		rc = fill_row(r, &rows[i], id, rt, err);
		if (rc == 0 && rows[i].image == IMG_IFADDR)
			rc = net_objects_set(objects, true, rt, err);
	}
	return rc;
}

/* One device alone. */

static bool is_of_device(const struct nlmsghdr *msg, uint32_t ifindex)
{
	if (msg->nlmsg_type == RTM_NEWADDR)
		return ((const struct ifaddrmsg *)mnl_nlmsg_get_payload(msg))->ifa_index == ifindex;
	const struct nlattr *out = attr_of(msg, sizeof(struct rtmsg), RTA_OIF);
	return msg->nlmsg_type == RTM_NEWROUTE && out && nl_number(out) == ifindex;
}

int netns_save_device_dump(struct nl *rt, uint32_t ifindex, struct strbuf *out, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++) {
		auto_strbuf all = { 0 };
		rc = rows[i].image == IMG_RULE ? 0 : ask(&rows[i], rt, &all, err);
		for (struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));)
			if (is_one(&rows[i], msg) && rows[i].keep(msg) &&
			    is_of_device(msg, ifindex) &&
			    strbuf_add(out, msg, MNL_ALIGN(msg->nlmsg_len)) < 0)
				rc = error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}

int netns_save_device_fill(struct nl *rt, const void *bytes, size_t len, struct error *err)
{
	auto_strbuf all = { 0 };
	int rc = strbuf_add(&all, bytes, len) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		if (rows[i].image != IMG_RULE)
			rc = add_all(&rows[i], rt, &all, err);
	return rc;
}
