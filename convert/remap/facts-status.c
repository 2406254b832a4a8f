/* SPDX-License-Identifier: MIT
 * network.status of podman: at a restore it asks its networks for the addresses there, and they
 * give none that lies outside of them. "subnets" as netavark writes them, "ips" as CNI did.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/container.h"
#include "convert/remap/facts.h"

/* What stands beside a member: "gateway" of "a.subnets[0].ipnet". @param out  NULL: nothing */
static int sibling(const struct flat *status, const char *path, const char *name, const char **out,
		   struct error *err)
{
	auto_free char *other = NULL;
	const char *dot = strrchr(path, '.');
	if (asprintf(&other, "%.*s%s", (int)(dot - path + 1), path, name) < 0) {
		other = NULL;
		return error_set(err, ENOMEM, "network.status: out of memory");
	}
	*out = flat_find(status, other);
	return 0;
}

/* @param number  told apart from others, as an interface is */
static int add_network(struct facts *facts, uint32_t number, const struct ip *local, unsigned bits,
		       const char *gateway, struct error *err)
{
	struct net_address *address = array_add(&facts->addresses);
	struct net_route *network = address ? array_add(&facts->routes) : NULL;
	struct ip via;
	if (!network)
		return error_set(err, ENOMEM, "out of memory");
	*address = (struct net_address){ NS_STATUS, number, *local, bits };
	*network = (struct net_route){
		.ns = NS_STATUS, .oif = number, .dst = ip_network(local, bits), .bits = bits
	};
	if (!gateway || !ip_parse(gateway, strlen(gateway), &via))
		return 0;
	struct net_route *route = array_add(&facts->routes);
	if (!route)
		return error_set(err, ENOMEM, "out of memory");
	*route = (struct net_route){
		.ns = NS_STATUS, .oif = number, .gateway = via, .has_gateway = true
	};
	return 0;
}

int facts_read_status(struct source *src, struct facts *facts, struct error *err)
{
	auto_flat status = { 0 };
	int rc = container_document(src, "network.status", &status, err);
	for (size_t i = 0; rc >= 0 && i < status.nr; i++) {
		const struct flat_item *item = &status.items[i];
		const char *dot = strrchr(item->path, '.');
		struct ip local;
		unsigned bits;
		if (!dot || (strcmp(dot, ".ipnet") && strcmp(dot, ".address")) ||
		    !ip_parse_in_network(item->value, &local, &bits))
			continue;
		const char *gateway;
		rc = sibling(&status, item->path, "gateway", &gateway, err);
		if (rc == 0)
			rc = add_network(facts, (uint32_t)i, &local, bits, gateway, err);
	}
	return rc < 0 ? rc : 0;
}
