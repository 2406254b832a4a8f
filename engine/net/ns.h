/* SPDX-License-Identifier: MIT
 * Network namespaces: devices, addresses, routes, rules, packet filters, tracked connections,
 * settings. netns-N.img, netdev-N.img and those beside them.
 */
#pragma once

#include "engine/ns/ns.h"

struct netns_set;

/** Read packet filters, which are about to change: the network is locked by such. */
int netns_collect(struct dump *d, const struct ns_seen *ns, struct error *err);
/** Write the images of the network namespace the engine is in. */
int netns_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
/** Read and check them. */
int netns_load(struct restore *r, uint32_t id, struct error *err);
/** Lock the fresh network namespace behind fd; make the devices that are connected with here. */
int netns_prepare(struct restore *r, uint32_t id, int fd, struct error *err);
/** In a fresh network namespace: bring it to the state it had. */
int netns_fill(struct restore *r, uint32_t id, struct error *err);
/** After a failure: one that is not ours is not left locked. */
void netns_undo(struct restore *r);
void netns_set_free(struct netns_set *set);
