/* SPDX-License-Identifier: MIT
 * Inside of net/: the dump of one network namespace, in which the engine is meanwhile.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/net/nl.h"
#include "engine/ns/ns.h"
#include "images/writer.h"
#include "network.pb-c.h"

struct dump_netns {
	struct dump *d;
	const struct ns_seen *seen;
	struct nl *rt;
	struct strbuf link_list; /* RTM_NEWLINK of every device */
	struct image_writer *links;
	struct { /* what this namespace calls others of the tree */
		NetnsId **items;
		size_t nr, cap;
	} ids;
};

int netns_links_ask(struct nl *rt, struct strbuf *out, struct error *err);
/** Write netdev-N.img. */
int netns_links_dump(struct dump_netns *dn, struct error *err);
/** Find dn->ids. After netns_links_ask(): being asked, the kernel gives names to the far ends. */
int netns_ids_read(struct dump_netns *dn, struct error *err);
/** The number in images of the one this namespace calls `nsid`. @return 0: none of the tree's */
uint32_t netns_id_of(const struct dump_netns *dn, int32_t nsid);
/** Write ifaddr-N.img, route-N.img, route6-N.img, rule-N.img. */
int netns_save_dump(struct dump_netns *dn, struct error *err);
