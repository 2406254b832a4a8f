/* SPDX-License-Identifier: MIT
 * User namespaces: whose ids mean what. userns-N.img.
 *
 * Images have ids as the tree has them. The engine is in the namespace around that one and sees
 * others: a dump turns them inside, a restore outside again for what it makes itself.
 */
#pragma once

#include "engine/ns/ns.h"
#include "namespaces.pb-c.h"

enum id_kind { ID_USER, ID_GROUP, ID_KINDS };

struct user_maps {
	struct id_map {
		struct id_extent {
			uint32_t inside, outside, count;
		} * items;
		size_t nr, cap;
	} kinds[ID_KINDS];
	uint32_t root[ID_KINDS]; /* who makes what the tree has */
	bool keeps_groups;       /* nobody inside may call setgroups(2) */
};
void user_maps_free(struct user_maps *maps);

#define ID_MAP_MAX 340 /* extents, what the kernel takes */
int id_map_add(struct id_map *map, struct id_extent e, struct error *err);
/** Parse /proc/PID/uid_map or gid_map. Pure. */
int id_map_parse(const char *text, struct id_map *out, struct error *err);
/** Into images and back. @param out, nr  a list of an entry, which goes with that */
int id_map_store(const struct id_map *map, UidGidExtent ***out, size_t *nr, struct error *err);
int id_map_load(UidGidExtent *const *from, size_t nr, struct id_map *out, struct error *err);
/** Set a map of a process, which is in a namespace that has none. @param name  "uid_map" */
int id_map_write(const struct id_map *map, pid_t process, const char *name, struct error *err);
/** What an id of the engine's is to the tree; 65534 where nobody is. @param maps  NULL: the same */
uint32_t id_inside(const struct user_maps *maps, enum id_kind kind, uint32_t outside);
/** The other way. */
uint32_t id_outside(const struct user_maps *maps, enum id_kind kind, uint32_t inside);

/** Of a process, as this one sees them. @param proc  its directory in /proc */
int user_maps_read(int proc, struct user_maps *maps, struct error *err);
/** One of its maps, of that name. */
int id_map_read(int proc, const char *name, struct id_map *out, struct error *err);
/** May nobody inside of its namespace call setgroups(2)? */
int user_groups_read(int proc, bool *kept, struct error *err);

/** Read the maps into d->users and turn the credentials of all threads inside. */
int userns_collect(struct dump *d, struct error *err);
int userns_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
/** Read the maps into r->users. */
int userns_load(struct restore *r, uint32_t id, struct error *err);
/** Read those of one that is joined; can the tree live there? It may be this program's own. */
int userns_join(struct restore *r, struct error *err);
/** In who bears the root, while it may: take the groups that could not be set inside. */
int userns_take_groups(const struct restore *r, struct error *err);
/** In the coordinator: give the builder, who is in it, the maps. */
int userns_write_maps(const struct restore *r, pid_t builder, struct error *err);
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
