/* SPDX-License-Identifier: MIT
 * Namespaces besides those of the root task on restore, of kinds that hold nothing that is spread
 * over others (rows with .alone): other tasks are in them, or descriptors lead to them.
 */
#pragma once

#include "engine/ns/ns.h"

struct ns_nested;

/** Which ones there are; their images are read and checked. After tasks and files. */
int ns_nested_load(struct restore *r, struct error *err);
bool ns_has_nested(const struct restore *r);
/** @return NULL: none of these. Valid until another one is loaded */
struct ns_nested *ns_nested_find(const struct restore *r, enum ns_kind kind, uint32_t id);
/** The next one of a kind. @param at  0 to begin. @return false: there are no more */
bool ns_nested_next(const struct restore *r, enum ns_kind kind, size_t *at, uint32_t *id);
/** Before the builder is born: it and this process share what it makes. */
int ns_nested_share(struct restore *r, struct error *err);
/** In the builder: make those of users, which others belong to. */
int ns_nested_make_users(struct restore *r, struct error *err);
/** In the builder, in those of the root: make them, and bring them to the state they had. */
int ns_nested_fill(struct restore *r, struct error *err);
/** In the builder: what waits until all that they hold is made. */
int ns_nested_finish(struct restore *r, struct error *err);
/** In the coordinator: take them over. */
int ns_nested_adopt(struct restore *r, pid_t builder, struct error *err);
/** @return a descriptor of it, borrowed; -1: it is the root's, or none of these */
int ns_nested_fd(const struct restore *r, enum ns_kind kind, uint32_t id);
/** Another descriptor of it. @return it, owned by the caller; -ENOENT (no message): none of these
 */
int ns_nested_open(const struct restore *r, enum ns_kind kind, uint32_t id, int flags,
		   struct error *err);
/** In a task: go into those it was in, but for that of users. */
int ns_nested_join(const struct restore *r, const struct rtask *t, struct error *err);
