/* SPDX-License-Identifier: MIT
 * User namespaces: whose ids mean what. userns-N.img.
 *
 * Images have ids as the tree has them. The engine is in the namespace around that one and sees
 * others: a dump turns them inside, a restore outside again for what it makes itself.
 */
#pragma once

#include "engine/ns/ns.h"
#include "namespaces.pb-c.h"

struct restorer_args;
struct ns_nested;

enum id_kind { ID_USER, ID_GROUP, ID_KINDS, ID_PROJECT = ID_KINDS, ID_MAPS };

struct user_maps {
	struct id_map {
		struct id_extent {
			uint32_t inside, outside, count;
		} * items;
		size_t nr, cap;
	} kinds[ID_MAPS];
	uint32_t root[ID_KINDS]; /* who makes what the tree has */
	bool keeps_groups;       /* nobody inside may call setgroups(2) */
	uint32_t owner;          /* as the engine has ids; restored, and inside of the root's, as
				    the tree has */
	uint32_t around;         /* of one inside of the root's: the one it is in */
	struct {
		struct owned_ns {
			enum ns_kind kind;
			uint32_t id;
		} * items;
		size_t nr, cap;
	} owned; /* namespaces that belong to it, of images that are restored */
};
void user_maps_free(struct user_maps *maps);

#define USERNS_LEVELS 33 /* the kernel nests no deeper */

#define ID_MAP_MAX 340 /* extents, what the kernel takes */
int id_map_add(struct id_map *map, struct id_extent e, struct error *err);
/** Parse /proc/PID/uid_map or gid_map. Pure. */
int id_map_parse(const char *text, struct id_map *out, struct error *err);
/** Into images and back. @param out, nr  a list of an entry, which goes with that */
int id_map_store(const struct id_map *map, UidGidExtent ***out, size_t *nr, struct error *err);
int id_map_load(UidGidExtent *const *from, size_t nr, struct id_map *out, struct error *err);
/** What an id of the engine's is to the tree; 65534 where nobody is. @param maps  NULL: the same */
uint32_t id_inside(const struct user_maps *maps, enum id_kind kind, uint32_t outside);
/** The other way. */
uint32_t id_outside(const struct user_maps *maps, enum id_kind kind, uint32_t inside);

/** Have two threads the same supplementary groups? */
bool groups_are_same(const struct proc_status *a, const struct proc_status *b);

/** Those of a user namespace as the one around it has them, and keeps_groups, told by who enters
 * it. */
int user_maps_look(int ns, struct user_maps *maps, struct error *err);
/** As this process has ids. */
int user_owner_read(int ns, uint32_t *owner, struct error *err);

/**
 * The number of the one that tasks are born in on restore, whose ids images have: that of the root,
 * or the engine's own where the root is in another, but in no pid namespace that is made with it.
 */
uint32_t userns_home(const struct dump *d);
/** Read the maps into d->users and turn the credentials of all threads inside. */
int userns_collect(struct dump *d, struct error *err);
/** Of one inside of the root's: which ones are around it, up to that? They are added. */
int userns_collect_nested(struct dump *d, const struct ns_seen *ns, struct error *err);
/** Can what tasks have be made again, in those they are in? Once all are known. */
int userns_check_nested(const struct dump *d, struct error *err);
/** Which one inside of the root's does another namespace belong to? ns->owner is set. */
int userns_note_owner(const struct dump *d, struct ns_seen *ns, struct error *err);
/** Is the first of these the other, or inside of it? */
bool userns_seen_is_below(const struct dump *d, uint32_t ns, uint32_t above);
/** What an id of the root's is in one inside of that. */
uint32_t userns_seen_inside(const struct dump *d, uint32_t ns, enum id_kind kind, uint32_t id);
int userns_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
/** What an image says; pure. @param out  to be freed, also when this fails */
int userns_take(UsernsEntry *e, struct user_maps *out, struct error *err);
/** Read the maps into r->users, or those of one inside of that. */
int userns_load(struct restore *r, uint32_t id, struct error *err);
/** r->images so that tasks born into it can open them, where the mode of the directory lets only
 * privilege in. Before this process enters the tree's mounts. */
int userns_open_images(struct restore *r, int user_fd, struct error *err);
/** It leads to the root's? Once all around it are loaded. */
int userns_check_depth(const struct restore *r, uint32_t id, struct error *err);
/** The one inside of the root's that a namespace belongs to. @return NULL: none of them */
const struct ns_nested *userns_owner_of(const struct restore *r, enum ns_kind kind, uint32_t id);
/** Its number; 0: none of them. */
uint32_t userns_owner_id(const struct restore *r, enum ns_kind kind, uint32_t id);
/** In a child of the builder: make another namespace from here on. */
int userns_enter_owner(const struct restore *r, enum ns_kind kind, uint32_t id, struct error *err);
/** The same child, outside: what it makes in one belongs to root of the owner. */
int userns_act_for(const struct restore *r, const struct ns_nested *owner, struct error *err);
/** In the builder: make one inside of the root's. @return a descriptor of it */
int userns_make_nested(struct restore *r, uint32_t id, struct error *err);
/** Is the task in one inside of the root's? @return a descriptor of it, borrowed; or -1 */
int userns_nested_fd(const struct restore *r, const struct rtask *t);
/** Is one the other, or inside of it? 0 is that of the root. */
bool userns_is_below(const struct restore *r, uint32_t id, uint32_t above);
/** Is it in a namespace from its birth that it could not enter afterwards? */
bool userns_joins_at_birth(const struct restore *r, const struct rtask *t, enum ns_kind kind);
/**
 * In who is to bear pid 1 of a namespace that belongs to one: enter it, with that task's groups,
 * and what it is in from its birth.
 */
int userns_enter_to_bear(const struct restore *r, const struct rtask *t, uint32_t own,
			 uint32_t users, struct error *err);
/** In the coordinator: who is born in one takes descriptors from a process that is in it, too. */
int userns_start_holders(struct restore *r, struct error *err);
void userns_end_holders(const struct restore *r);
/** Whose descriptors a task may take: a pidfd, borrowed. */
int userns_holder_fd(const struct restore *r, const struct rtask *t);
/** Which one the restorer enters, and what its threads are there. */
void userns_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args);
/** Read those of one that is joined; can the tree live there? It may be this program's own. */
int userns_join(struct restore *r, struct error *err);
/** In who bears the root, while it may: take the groups that could not be set inside. */
int userns_take_groups(const struct restore *r, struct error *err);
/** In the builder: make that of the tree, as its owner. What ids this process has is undefined
 *  until userns_become_root(). */
int userns_make(const struct user_maps *maps, struct error *err);
/** From the one around it: give one with a process in it its maps. */
int userns_write_maps(const struct user_maps *maps, pid_t member, struct error *err);
/** In it, once all else is made: set its limits. */
int userns_finish(struct restore *r, uint32_t id, struct error *err);
/** In the builder or a task, whose ids nobody has yet: become root of it. */
int userns_become_root(const struct user_maps *maps, struct error *err);
/** Who has become another user by setresuid(2) may again what it may have: not by effective ids. */
int userns_raise_capabilities(struct error *err);
/**
 * From here on files this process makes belong to root of the tree, as a file system of the tree's
 * has no other owners. It keeps what it may.
 * @param maps    NULL: nothing is changed
 * @param before  who it was, for userns_files_as(); UINT32_MAX: nothing was changed
 */
int userns_files_as_root(const struct user_maps *maps, uint32_t before[ID_KINDS],
			 struct error *err);
void userns_files_as(uint32_t before[ID_KINDS]);
/** The same for root of one inside of that. @param id  0: nothing is changed */
int userns_files_as_owner(const struct restore *r, uint32_t id, uint32_t before[ID_KINDS],
			  struct error *err);
