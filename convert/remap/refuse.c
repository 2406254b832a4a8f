/* SPDX-License-Identifier: MIT
 * What would break is refused: values in use, sockets that meet, addresses out of their network.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/remap/remapping.h"

static struct ip becomes(struct remapping *r, const struct ip *ip, unsigned bits)
{
	const struct remap_rule *rule = rule_for_ip(r->rules, ip, bits);
	return rule ? rule_new_ip(rule, ip) : *ip;
}

static int pids(struct remapping *r, struct error *err)
{
	if (!remap_rules_have(r->rules, REMAP_PID))
		return 0;
	if (r->facts.has_parent)
		return error_set(err, EINVAL,
				 "--pid: the set has a parent, whose images are called by the old "
				 "ids: `crit squash` it first");
	if (r->facts.nested_pid)
		return error_set(err, EINVAL,
				 "--pid: pid %" PRIu32
				 " is in a pid namespace inside of another, and "
				 "knows others by other numbers",
				 r->facts.nested_pid);
	for (size_t i = 0; i < r->rules->nr; i++) {
		const struct remap_rule *rule = &r->rules->items[i];
		if (rule->kind != REMAP_PID)
			continue;
		for (size_t k = 0; k < r->rules->nr; k++) {
			const struct remap_rule *other = &r->rules->items[k];
			if (k != i && other->kind == REMAP_PID && other->to == rule->to)
				return error_set(err, EINVAL, "--pid %s: %" PRIu32 " is in use: %s",
						 rule->text, rule->to, other->text);
		}
		for (size_t k = 0; k < r->facts.pids.nr; k++) {
			if (r->facts.pids.items[k] == rule->to &&
			    !rule_for_number(r->rules, REMAP_PID, rule->to))
				return error_set(err, EINVAL, "--pid %s: %" PRIu32 " is in use",
						 rule->text, rule->to);
		}
	}
	return 0;
}

static bool is_mapped(const struct facts *facts, bool group, uint32_t id)
{
	bool any = false;
	for (size_t i = 0; i < facts->mapped.nr; i++) {
		const struct id_range *range = &facts->mapped.items[i];
		if (range->group != group)
			continue;
		any = true;
		if (id >= range->first && id - range->first < range->count)
			return true;
	}
	return !any;
}

static int ids(struct remapping *r, struct error *err)
{
	for (size_t i = 0; i < r->rules->nr; i++) {
		const struct remap_rule *rule = &r->rules->items[i];
		if (rule->kind != REMAP_UID && rule->kind != REMAP_GID)
			continue;
		if (facts_tasks_are_inside(&r->facts))
			return error_set(err, EINVAL,
					 "%s: tasks of the set are in a user namespace inside of "
					 "another, whose maps are of the old ids",
					 remap_options[rule->kind]);
		if (!is_mapped(&r->facts, rule->kind == REMAP_GID, rule->to))
			return error_set(err, EINVAL,
					 "%s %s: the user namespace of the set maps no %" PRIu32,
					 remap_options[rule->kind], rule->text, rule->to);
	}
	return 0;
}

static struct net_socket socket_becomes(struct remapping *r, const struct net_socket *old)
{
	struct net_socket new = *old;
	const struct remap_rule *sport = rule_for_number(r->rules, REMAP_PORT, old->sport);
	const struct remap_rule *dport = rule_for_number(r->rules, REMAP_PORT, old->dport);
	if (sport)
		new.sport = sport->to;
	if (dport && facts_own_end(&r->facts, &old->dst, old->dport))
		new.dport = dport->to;
	new.src = becomes(r, &old->src, IP_BITS);
	new.dst = becomes(r, &old->dst, IP_BITS);
	return new;
}

/* An address that means all stands for IPv4 too, unless the socket is for IPv6 alone. */
static bool addresses_meet(const struct net_socket *a, const struct net_socket *b)
{
	if (ip_equal(&a->src, &b->src, IP_BITS))
		return true;
	const struct net_socket *any = ip_is_any(&a->src) ? a : b, *other = any == a ? b : a;
	if (!ip_is_any(&any->src))
		return false;
	return ip_is_v4(&other->src) ? !any->v6 || !any->v6only : any->v6;
}

static bool sockets_meet(const struct net_socket *a, const struct net_socket *b)
{
	if (!a->sport || a->sport != b->sport || a->proto != b->proto || a->ns != b->ns)
		return false;
	if (!a->dport != !b->dport)
		return false; /* a connected one goes first */
	if (!a->dport)
		return addresses_meet(a, b);
	return a->dport == b->dport && ip_equal(&a->src, &b->src, IP_BITS) &&
	       ip_equal(&a->dst, &b->dst, IP_BITS);
}

static bool socket_changes(const struct net_socket *old, const struct net_socket *new)
{
	return old->sport != new->sport || old->dport != new->dport ||
	       !ip_equal(&old->src, &new->src, IP_BITS) || !ip_equal(&old->dst, &new->dst, IP_BITS);
}

/* Those that meet already (SO_REUSEPORT) go on doing so. */
static int socket_alone(const struct facts *facts, const struct net_socket *new, size_t i,
			struct error *err)
{
	const struct net_socket *old = facts->sockets.items;
	char text[64];
	for (size_t k = 0; k < facts->sockets.nr; k++) {
		if (k != i && sockets_meet(&new[i], &new[k]) && !sockets_meet(&old[i], &old[k]))
			return error_set(err, EINVAL,
					 "sockets %#" PRIx32 " and %#" PRIx32
					 " would both be at %s port %" PRIu32,
					 old[i].id, old[k].id, ip_text(&new[i].src, text),
					 new[i].sport);
	}
	return 0;
}

static int sockets(struct remapping *r, struct error *err)
{
	const struct facts *facts = &r->facts;
	auto_free struct net_socket *new = calloc(facts->sockets.nr + 1, sizeof(*new));
	int rc = new ? 0 : error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < facts->sockets.nr; i++)
		new[i] = socket_becomes(r, &facts->sockets.items[i]);
	for (size_t i = 0; rc == 0 && i < facts->sockets.nr; i++) {
		if (socket_changes(&facts->sockets.items[i], &new[i]))
			rc = socket_alone(facts, new, i, err);
	}
	return rc;
}

/* Where the addresses of a namespace stand. @return out */
static const char *place(uint32_t ns, const char *image, char out[32])
{
	if (ns == NS_STATUS)
		return "network.status";
	snprintf(out, 32, "%s-%" PRIu32 ".img", image, ns);
	return out;
}

static int twice(struct remapping *r, const struct net_address *a, const struct ip *new,
		 struct error *err)
{
	char text[64], where[32];
	for (size_t i = 0; i < r->facts.addresses.nr; i++) {
		const struct net_address *b = &r->facts.addresses.items[i];
		struct ip other = becomes(r, &b->local, IP_BITS);
		if (a == b || a->ns != b->ns || !ip_equal(new, &other, IP_BITS) ||
		    ip_equal(&a->local, &b->local, IP_BITS))
			continue;
		return error_set(err, EINVAL, "%s: two interfaces would have the address %s",
				 place(a->ns, "ifaddr", where), ip_text(new, text));
	}
	return 0;
}

/* Whoever is the way out of a network cannot be another of its hosts. */
static int as_gateway(struct remapping *r, const struct net_address *a, const struct ip *new,
		      struct error *err)
{
	char from[64], to[64], where[32];
	for (size_t i = 0; i < r->facts.routes.nr; i++) {
		const struct net_route *route = &r->facts.routes.items[i];
		if (route->ns != a->ns || route->oif != a->ifindex || !route->has_gateway ||
		    ip_equal(&route->gateway, &a->local, IP_BITS))
			continue;
		struct ip gateway = becomes(r, &route->gateway, IP_BITS);
		if (ip_equal(&gateway, new, IP_BITS))
			return error_set(err, EINVAL,
					 "%s: address %s would become %s, which its gateway has",
					 place(a->ns, "ifaddr", where), ip_text(&a->local, from),
					 ip_text(new, to));
	}
	return 0;
}

/* The first and the last address of a network are nobody's, but for networks of one or two. */
static int as_network(struct remapping *r, const struct net_address *a, const struct ip *new,
		      struct error *err)
{
	char from[64], to[64], where[32];
	struct ip net = ip_network(new, a->bits), last = net;
	for (unsigned i = a->bits; i < IP_BITS; i++)
		last.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	(void)r;
	if (!ip_is_v4(new) || a->bits + 2 > IP_BITS || ip_equal(&a->local, new, IP_BITS) ||
	    (!ip_equal(new, &net, IP_BITS) && !ip_equal(new, &last, IP_BITS)))
		return 0;
	return error_set(err, EINVAL,
			 "%s: address %s would become %s, which is %s of its interface's network",
			 place(a->ns, "ifaddr", where), ip_text(&a->local, from), ip_text(new, to),
			 ip_equal(new, &net, IP_BITS) ? "the number" : "the broadcast address");
}

#define MOVE_LEN 160

/* What moves the network of an address to where another is. @return out */
static const char *network_move(const struct net_address *a, const struct ip *there,
				char out[MOVE_LEN])
{
	char from[64], to[64];
	struct ip old = ip_network(&a->local, a->bits), new = ip_network(there, a->bits);
	unsigned len = a->bits - (ip_is_v4(&old) ? IP_BITS - 32 : 0);
	snprintf(out, MOVE_LEN, "move the network, as --ip %s/%u=%s/%u", ip_text(&old, from), len,
		 ip_text(&new, to), len);
	return out;
}

/* The kernel's route to the network of an address, or what an engine calls so, has to stay one. */
static int in_network(struct remapping *r, const struct net_address *a, const struct ip *new,
		      struct error *err)
{
	char from[64], to[64], net[64], where[32], move[MOVE_LEN];
	for (size_t k = 0; k < r->facts.routes.nr; k++) {
		const struct net_route *route = &r->facts.routes.items[k];
		if (route->ns != a->ns || route->oif != a->ifindex || route->has_gateway ||
		    route->bits != a->bits || a->bits == IP_BITS ||
		    !ip_equal(&route->dst, &a->local, a->bits))
			continue;
		struct ip dst = becomes(r, &route->dst, route->bits);
		if (ip_equal(&dst, new, a->bits))
			continue;
		return error_set(err, EINVAL,
				 "%s: address %s would become %s, outside of the network %s/%u "
				 "its interface is in: %s",
				 place(a->ns, "ifaddr", where), ip_text(&a->local, from),
				 ip_text(new, to), ip_text(&dst, net),
				 a->bits - (ip_is_v4(&dst) ? IP_BITS - 32 : 0),
				 network_move(a, new, move));
	}
	return 0;
}

static int addresses(struct remapping *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->facts.addresses.nr; i++) {
		const struct net_address *a = &r->facts.addresses.items[i];
		struct ip new = becomes(r, &a->local, IP_BITS);
		rc = twice(r, a, &new, err)
			 ?: as_gateway(r, a, &new, err)
				?: as_network(r, a, &new, err) ?: in_network(r, a, &new, err);
	}
	return rc;
}

/* @return whether the way to the gateway is through this network, now and then */
static bool reaches(const struct ip *net, unsigned bits, const struct ip *gateway)
{
	return bits && bits < IP_BITS && ip_equal(net, gateway, bits);
}

static int gateways(struct remapping *r, struct error *err)
{
	char from[64], where[32], move[MOVE_LEN];
	for (size_t i = 0; i < r->facts.routes.nr; i++) {
		const struct net_route *route = &r->facts.routes.items[i];
		struct ip gateway = becomes(r, &route->gateway, IP_BITS);
		const struct net_address *before = NULL;
		bool after = false;
		for (size_t k = 0; route->has_gateway && k < r->facts.addresses.nr; k++) {
			const struct net_address *a = &r->facts.addresses.items[k];
			if (a->ns != route->ns || a->ifindex != route->oif)
				continue;
			struct ip new = becomes(r, &a->local, IP_BITS);
			if (reaches(&a->local, a->bits, &route->gateway))
				before = a;
			after |= reaches(&new, a->bits, &gateway);
		}
		if (before && !after)
			return error_set(err, EINVAL,
					 "%s: the gateway %s would be in no network of its "
					 "interface: %s",
					 place(route->ns, route->image, where),
					 ip_text(&route->gateway, from),
					 network_move(before, &gateway, move));
	}
	return 0;
}

int remap_refuse(struct remapping *r, struct error *err)
{
	static int (*const checks[])(struct remapping * r, struct error * err) = {
		pids, ids, sockets, addresses, gateways,
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		rc = checks[i](r, err);
	return rc;
}
