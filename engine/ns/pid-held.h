/* SPDX-License-Identifier: MIT
 * Pid namespaces that all tasks of are dead: nobody is ever born there again, but descriptors lead
 * to them, and tasks may have been told to bear their children there.
 */
#pragma once

#include "engine/ns/ns.h"

/** Refuse one that somebody could still be born into.
 *  @param fd  leads to it; @param what  the same, for messages */
int pid_held_check(int fd, const char *what, struct error *err);
/** Also the image of one that somebody is in, where that has one. */
int pid_held_dump(struct dump *d, const struct ns_seen *ns, struct error *err);

/** Note and check one that no task is in, and those around it. */
int pid_held_load(struct restore *r, uint32_t id, struct error *err);
/** The same of the one that its children are born into; t->children_dead is set. */
int pid_held_load_children(struct restore *r, struct rtask *t, struct error *err);
/** When all tasks are born: a descriptor of one, owned by the caller. */
int pid_held_open(struct restore *r, uint32_t id, int flags, struct error *err);
/** In a task: make the one that its children would be born into. */
int pid_held_make_own(struct error *err);
void pid_held_free(struct ns_set *set);
