/* SPDX-License-Identifier: MIT
 * Pid namespaces inside of that of the root: who is in which, and has which numbers there. Images
 * know everybody by the number it has in the root's; the others are beside it in pstree.img.
 */
#pragma once

#include "engine/ns/ns.h"

/**
 * The name under which the root's stays outside, --external pid[INODE]:NAME: who is pid 1 there is
 * none of the tree.
 * @return NULL: it does not
 */
const char *pidns_external(const struct dump *d);
/** Write that name, of the root's, and the largest pid, of one that somebody is in. */
int pidns_dump_limits(const struct dump *d, const struct ns_seen *ns, struct error *err);

/** Note who is in which; ns_collect() has seen all. @return 0; -ENOTSUP naming who cannot be told
 */
int pidns_collect(struct dump *d, struct error *err);
/**
 * The number of the one its children are born into, which it is not in itself.
 * @param own  its own. @param ino  that one; 0: nobody was born into it yet
 */
int pidns_note_children(struct dump *d, struct task *t, ino_t own, ino_t ino, struct error *err);
/** Fill in levels and children_ns. pidns_free_levels() has to follow, also when this fails. */
int pidns_dump(const struct task *t, PstreeEntry *e, struct error *err);
void pidns_free_levels(PstreeEntry *e);

/**
 * The one that the options say, before the namespaces of the images are looked at.
 * @param id   the root's. @param fd  set to it, to be closed; -1: this program's own
 * @return 1; 0: none is joined or given
 */
int pidns_said(const struct restore *r, uint32_t id, int *fd, struct error *err);
/** Check and take the one that is joined; it may be this program's own. */
int pidns_join(struct restore *r, struct error *err);
/** What the caller gives for one that was left outside: check and take it.
 *  @return 1; 0: it was not, or this program's own was given */
int pidns_load_given(struct restore *r, uint32_t id, struct error *err);
/** Is the root to be pid 1 of a new one? */
bool pidns_is_new(const struct restore *r);
/** Of one inside of the root's: the largest pid, where this is its pid 1. */
int pidns_load_max(struct restore *r, struct rtask *t, struct error *err);
/** In the pid 1 of a new one: no pid is to be larger than at the dump. */
void pidns_set_max(const struct restore *r, const struct rtask *self);
/** Children of this process are born into one that is given until ns_visit_end(); else nothing
 *  happens. */
int pidns_visit_given(const struct restore *r, struct ns_visit *visit, struct error *err);
/** Who has a number in a pid namespace, as this process knows it. @return 0: that is not known */
pid_t pidns_find(int pidns, pid_t pid);
/** The same in that of the tree. */
pid_t pidns_taken_by(const struct restore *r, pid_t pid);
/** Check and take over what an entry says; the task has its tids. */
int pidns_load(struct rtask *t, const PstreeEntry *e, struct error *err);
void pidns_unload(struct rtask *t);
/** The pid 1 of a namespace below the root's; NULL: there is none */
const struct rtask *pidns_init(const struct restore *r, uint32_t ns);
/** What a task calls a process group; 0: it cannot see its leader, or nobody is in it */
pid_t pidns_group(const struct restore *r, const struct rtask *viewer, pid_t pgid);
