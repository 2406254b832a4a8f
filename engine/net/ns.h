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
/** Read and check those of the root. */
int netns_load(struct restore *r, uint32_t id, struct error *err);
/** The same of all others, in which tasks or sockets are, or that descriptors lead to. */
int netns_load_nested(struct restore *r, struct error *err);
/** Have the images one of the root, or others than that? */
bool netns_has_root(const struct restore *r);
bool netns_has_nested(const struct restore *r);
/** Before the builder is born: it and this process share what it makes. */
int netns_share(struct restore *r, struct error *err);
/** In the builder: make the others. */
int netns_make_nested(struct restore *r, struct error *err);
/** In the coordinator: take them over, and prepare them. */
int netns_adopt(struct restore *r, pid_t builder, struct error *err);
/** Lock the fresh network namespace behind fd; make the devices that are connected with here. */
int netns_prepare(struct restore *r, uint32_t id, int fd, struct error *err);
/** In the builder, in that of the root: bring all to the state they had, but for filters. */
int netns_fill(struct restore *r, uint32_t id, struct error *err);
/**
 * Enter one of the others until netns_leave().
 * @param id  of the images; nothing is entered for the root's, or one that is not known
 */
int netns_enter(const struct restore *r, uint32_t id, struct ns_visit *visit, struct error *err);
int netns_leave(struct ns_visit *visit, struct error *err);
/** Is it one of the others? */
bool netns_is_nested(const struct restore *r, uint32_t id);
/** Another descriptor of one of the others. @return it, owned by the caller; -errno */
int netns_open(const struct restore *r, uint32_t id, int flags, struct error *err);
/** In a task: enter the one it was in. */
int netns_join(const struct restore *r, const struct rtask *t, struct error *err);
/**
 * In the coordinator, which has left them: what packets meet on their way. The sockets have got
 * theirs before, and everything is still locked.
 */
int netns_filter(struct restore *r, struct error *err);
/** In that of the root: none is locked any more. */
int netns_unlock(struct restore *r, struct error *err);
/** After a failure: one that is not ours is not left locked. */
void netns_undo(struct restore *r);
void netns_set_free(struct netns_set *set);
