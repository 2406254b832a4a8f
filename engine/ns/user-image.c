/* SPDX-License-Identifier: MIT
 * userns-N.img, both directions.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/ns/limits.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

/* A list of extents each. */
static const struct map_field {
	size_t list, nr; /* offsets in the entry */
} map_fields[ID_MAPS] = {
	[ID_USER] = { offsetof(UsernsEntry, uid_map), offsetof(UsernsEntry, n_uid_map) },
	[ID_GROUP] = { offsetof(UsernsEntry, gid_map), offsetof(UsernsEntry, n_gid_map) },
	[ID_PROJECT] = { offsetof(UsernsEntry, projid_map), offsetof(UsernsEntry, n_projid_map) },
};

static UidGidExtent ***list_of(UsernsEntry *e, int kind)
{
	return (UidGidExtent ***)((char *)e + map_fields[kind].list);
}

static size_t *nr_of(UsernsEntry *e, int kind)
{
	return (size_t *)((char *)e + map_fields[kind].nr);
}

/* An owner outside of the tree is told when it is not root, as older images have none. */
static void put_place(const struct dump *d, const struct ns_seen *ns, const struct user_maps *maps,
		      UsernsEntry *e)
{
	e->has_parent_ns = ns->users != NULL;
	e->parent_ns = maps->around;
	e->owner = ns->users ? id_inside(d->users, ID_USER, maps->owner) : maps->owner;
	e->has_owner = ns->users || e->owner;
	e->has_keeps_groups = e->keeps_groups = maps->keeps_groups;
}

static int put_owned(const struct dump *d, const struct ns_seen *owner, UsernsEntry *e,
		     struct error *err)
{
	size_t nr = 0;
	for (size_t i = 0; i < d->ns->nr; i++)
		nr += d->ns->items[i].owner == owner->id;
	e->owned = (NamespaceEntry **)message_array(&namespace_entry__descriptor, nr, &e->n_owned);
	if (nr && !e->owned)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0, at = 0; at < nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		if (ns->owner != owner->id)
			continue;
		e->owned[at]->cflag = (uint32_t)ns_rows[ns->kind].flag;
		e->owned[at++]->id = ns->id;
	}
	return 0;
}

static int put_limits(const struct ns_seen *ns, UsernsEntry *e, struct error *err)
{
	auto_fd users = ns_seen_open(ns, err);
	return users < 0 ? users : limits_user_dump(users, e, err);
}

int userns_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	auto_message UsernsEntry *e = message_new(&userns_entry__descriptor);
	const struct user_maps *maps = ns->users ? ns->users : d->users;
	int rc = e ? 0 : error_set(err, ENOMEM, "out of memory");
	for (int i = 0; rc == 0 && i < ID_MAPS; i++)
		rc = id_map_store(&maps->kinds[i], list_of(e, i), nr_of(e, i), err);
	if (rc == 0)
		rc = put_owned(d, ns, e, err);
	if (rc == 0)
		put_place(d, ns, maps, e);
	if (rc == 0)
		rc = put_limits(ns, e, err);
	return rc < 0 ? rc : image_write_one(d->images_fd, IMG_USERNS, ns->id, &e->base, err);
}

/* Restore. */

static int take_owned(const UsernsEntry *e, struct user_maps *out, struct error *err)
{
	for (size_t i = 0; i < e->n_owned; i++) {
		enum ns_kind kind = ns_kind_of(e->owned[i]->cflag);
		struct owned_ns *owned = array_add(&out->owned);
		if (!owned)
			return error_set(err, ENOMEM, "out of memory");
		if (kind == NS_KINDS || !ns_rows[kind].owned)
			return error_set(err, EBADMSG, "owned[%zu]: a namespace of kind %#x", i,
					 e->owned[i]->cflag);
		*owned = (struct owned_ns){ kind, e->owned[i]->id };
	}
	return 0;
}

int userns_take(UsernsEntry *e, struct user_maps *out, struct error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < ID_MAPS; i++)
		rc = id_map_load(*list_of(e, i), *nr_of(e, i), &out->kinds[i], err);
	if (rc == 0)
		rc = take_owned(e, out, err);
	out->around = e->parent_ns;
	out->owner = e->owner;
	out->keeps_groups = e->keeps_groups;
	if (rc == 0 && out->owner == UINT32_MAX) /* to the kernel: leave it as it is */
		rc = error_set(err, EBADMSG, "owner: %u is no user", out->owner);
	return rc;
}

/* Of the root's: whoever makes what the tree has may be anybody where nobody is id 0: what is
 * privileged there is so by its capabilities alone, which no change of ids takes away then. */
static int choose_root(struct user_maps *maps, struct error *err)
{
	for (int i = 0; i < ID_KINDS; i++) {
		const struct id_map *map = &maps->kinds[i];
		if (!map->nr)
			return error_set(err, EBADMSG, "a map of ids is empty");
		bool has_root =
		    id_inside(maps, (enum id_kind)i, id_outside(maps, (enum id_kind)i, 0)) == 0;
		maps->root[i] = has_root ? 0 : map->items[0].inside;
	}
	return 0;
}

int userns_load(struct restore *r, uint32_t id, struct error *err)
{
	struct ns_nested *nested = ns_nested_find(r, NS_USER, id);
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_USERNS, id, &msg, err);
	if (rc < 0)
		return rc;
	struct user_maps *maps = calloc(1, sizeof(*maps));
	if (!maps)
		return error_set(err, ENOMEM, "out of memory");
	*(nested ? &nested->users : &r->users) = maps;
	rc = userns_take((UsernsEntry *)msg, maps, err);
	if (rc == 0)
		rc = limits_user_check((UsernsEntry *)msg, err);
	if (rc == 0 && !nested)
		rc = choose_root(maps, err);
	else if (rc == 0 && !maps->around)
		rc = error_set(err, ENOTSUP,
			       "it does not tell what is around it (images of CRIU: its tree was "
			       "in no pid namespace of its own)");
	return rc < 0 ? error_wrap(err, rc, "userns-%u.img", id) : 0;
}
