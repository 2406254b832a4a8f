/* SPDX-License-Identifier: MIT
 * What leads to an image that is missing.
 */
#include "images/leads.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "images/damage.h"
#include "images/namespace-kind.h"

/* @param number  NULL: any. A list that cannot be had tells nothing. */
static bool has_image(struct source *src, enum image_id id, const uint64_t *number)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, NULL);
	for (ssize_t i = 0; i < nr; i++) {
		const struct image_type *type =
		    members[i].own ? image_type_by_filename(members[i].name) : NULL;
		if (type && type->id == id &&
		    (!number || image_number(type, members[i].name) == *number))
			return true;
	}
	return nr < 0;
}

static void note_missing(struct source *src, enum image_id id, uint64_t number, const char *leads)
{
	char name[64];
	struct error why;
	image_filename(&image_types[id], number, name, sizeof(name));
	damage_noted(src, error_set(&why, EBADMSG, "%s: missing, %s", name, leads), &why);
}

/* A network that is to come back empty has no images at all. */
static bool is_dumped(struct source *src, const struct namespace_kind *kind, const uint64_t *number)
{
	return kind->flag != CLONE_NEWNET || has_image(src, IMG_NETDEV, number);
}

void namespaces_lead(struct source *src, const TaskKobjIdsEntry *ids, const TaskKobjIdsEntry *own)
{
	for (size_t i = 0; own && source_damage(src) && i < NR_NAMESPACE_KINDS; i++) {
		const struct namespace_kind *kind = &namespace_kinds[i];
		uint64_t id = namespace_id(kind, ids);
		if (kind->image != IMG_NR_TYPES && id && id != namespace_id(kind, own) &&
		    !has_image(src, kind->image, &id) && is_dumped(src, kind, &id))
			note_missing(src, kind->image, id, "and a process is in that namespace");
	}
}

int remaps_each(struct source *src, image_visit *visit, void *ctx, struct error *err)
{
	if (source_damage(src) && has_image(src, IMG_GHOST_FILE, NULL) &&
	    !has_image(src, IMG_REMAP_FPATH, NULL))
		note_missing(src, IMG_REMAP_FPATH, 0, "and there are ghost files");
	return image_each(src, IMG_REMAP_FPATH, 0, visit, ctx, err);
}
