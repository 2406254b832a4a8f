/* SPDX-License-Identifier: MIT
 * Inside of net/: network devices of a namespace.
 */
#pragma once

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "engine/context/options.h"
#include "engine/net/nl.h"
#include "network.pb-c.h"

struct link_seen { /* as RTM_GETLINK tells it; borrowed */
	const struct ifinfomsg *head;
	const struct nlattr *tb[IFLA_MAX + 1];
	const struct nlattr *info[IFLA_INFO_MAX + 1];
	const char *name, *kind; /* kind NULL: the loopback device, or hardware */
};

/* What a kind of devices has that others have not. */
struct link_kind {
	const char *name; /* IFLA_INFO_KIND */
	NdType type;
	bool data_too;            /* IFLA_INFO_DATA is stored and given back, */
	bool data_late;           /* what differs from a new device, one by one */
	bool on_parent;           /* it is a device on top of another: IFLA_LINK, */
	uint16_t parent_data;     /* or this attribute of the data; 0: none */
	const struct link_range { /* but these attributes of it only tell */
		uint16_t first, last;
	} * told;
	size_t nr_told;
	/** Fill its message of the entry, which owns it. */
	int (*dump)(const struct link_seen *seen, NetDeviceEntry *e, struct error *err);
	int (*check)(const NetDeviceEntry *e, struct error *err);
	/** What is in IFLA_INFO_DATA of a new one. */
	void (*put)(const NetDeviceEntry *e, struct nl_request *ask);
	/** Make it, where RTM_NEWLINK cannot. */
	int (*make)(const NetDeviceEntry *e, struct error *err);
};
/* Flags of TUN and TAP devices that are somebody's choice. */
#define LINK_TUN_FLAGS                                                                             \
	(IFF_TUN | IFF_TAP | IFF_NAPI | IFF_NAPI_FRAGS | IFF_NO_PI | IFF_VNET_HDR |                \
	 IFF_MULTI_QUEUE | IFF_PERSIST)

struct user_maps; /* ns/user.h */
/** The owner of a TUN device, who is told as this program has ids, becomes what the tree has. */
int link_owner_inside(NetDeviceEntry *e, const struct user_maps *maps, struct error *err);

/** All that an image holds of one device. @param out  owned by the caller */
int link_entry_read(struct nl *rt, const char *name, NetDeviceEntry **out, struct error *err);
int link_entry_check(const NetDeviceEntry *e, struct error *err);

/** Other settings of every kind, and names. */
int link_more_dump(const struct link_seen *seen, NetDeviceEntry *e, struct error *err);
int link_more_check(const NetDeviceEntry *e, struct error *err);
int link_more_set(struct nl *rt, const NetDeviceEntry *e, struct error *err);

/** What ethtool can switch on and off. ns-features.c */
int link_features_dump(NetDeviceEntry *e, struct error *err);
int link_features_set(const NetDeviceEntry *e, struct error *err);

/** Ask for a device by its name. @param out  one whole message */
int link_get(struct nl *rt, const NetDeviceEntry *e, struct strbuf *out, struct error *err);
/** What its kind has besides, and what it has as a port of a bridge: what differs. ns-link-data.c
 */
int link_set_kind_data(struct nl *rt, const NetDeviceEntry *e, struct error *err);
int link_set_port_data(struct nl *rt, const NetDeviceEntry *e, struct error *err);
/** Of a port, once it is up. */
void link_set_port_state(struct nl *rt, const NetDeviceEntry *e);

/** NULL: a kind that cannot be made again */
const struct link_kind *link_kind_of_name(const char *name);
/** By type, or the name that goes with EXTLINK; NULL: nothing has to be made */
const struct link_kind *link_kind_of(const NetDeviceEntry *e);

/** Begin a request for a new device with what all kinds have; `e` tells index, name, address … */
void link_put_new(const NetDeviceEntry *e, struct nl_request *ask);
/** The attributes alone. */
void link_put_common(const NetDeviceEntry *e, struct nl_request *ask);
/** Its kind and what that wants from the beginning; on the top level of a request. */
void link_put_kind(const NetDeviceEntry *e, const struct link_kind *kind, struct nl_request *ask);
