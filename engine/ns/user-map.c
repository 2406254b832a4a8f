/* SPDX-License-Identifier: MIT
 * Maps of ids: what a number outside is inside, and back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/ns/user.h"
#include "images/message.h"

#define NOBODY 65534

void user_maps_free(struct user_maps *maps)
{
	for (int i = 0; maps && i < ID_MAPS; i++)
		free(maps->kinds[i].items);
	if (maps)
		free(maps->owned.items);
	free(maps);
}

static bool is_extent(const struct id_extent *e)
{
	return e->count && e->inside <= UINT32_MAX - e->count &&
	       e->outside <= UINT32_MAX - e->count;
}

int id_map_add(struct id_map *map, struct id_extent e, struct error *err)
{
	if (!is_extent(&e) || map->nr == ID_MAP_MAX)
		return error_set(err, EBADMSG, "map of ids: %u %u %u", e.inside, e.outside,
				 e.count);
	struct id_extent *place = array_add(map);
	if (!place)
		return error_set(err, ENOMEM, "out of memory");
	*place = e;
	return 0;
}

int id_map_parse(const char *text, struct id_map *out, struct error *err)
{
	int rc = 0, used;
	struct id_extent e;
	while (rc == 0 && sscanf(text, " %" SCNu32 " %" SCNu32 " %" SCNu32 "%n", &e.inside,
				 &e.outside, &e.count, &used) == 3) {
		rc = id_map_add(out, e, err);
		text += used;
	}
	if (rc == 0 && text[strspn(text, " \n")])
		rc = error_set(err, EPROTO, "map of ids: %.40s", text);
	return rc;
}

int id_map_store(const struct id_map *map, UidGidExtent ***out, size_t *nr, struct error *err)
{
	*out = (UidGidExtent **)message_array(&uid_gid_extent__descriptor, map->nr, nr);
	if (map->nr && !*out)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < map->nr; i++) {
		(*out)[i]->first = map->items[i].inside;
		(*out)[i]->lower_first = map->items[i].outside;
		(*out)[i]->count = map->items[i].count;
	}
	return 0;
}

int id_map_load(UidGidExtent *const *from, size_t nr, struct id_map *out, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = id_map_add(
		    out, (struct id_extent){ from[i]->first, from[i]->lower_first, from[i]->count },
		    err);
	return rc;
}

/* @param in  from inside to outside, else back */
static uint32_t id_map_find(const struct user_maps *maps, enum id_kind kind, uint32_t id, bool in)
{
	const struct id_map *map = maps ? &maps->kinds[kind] : NULL;
	for (size_t i = 0; map && i < map->nr; i++) {
		const struct id_extent *e = &map->items[i];
		uint32_t from = in ? e->inside : e->outside, to = in ? e->outside : e->inside;
		if (id >= from && id - from < e->count)
			return to + (id - from);
	}
	return map ? NOBODY : id;
}

uint32_t id_inside(const struct user_maps *maps, enum id_kind kind, uint32_t outside)
{
	return id_map_find(maps, kind, outside, false);
}

uint32_t id_outside(const struct user_maps *maps, enum id_kind kind, uint32_t inside)
{
	return id_map_find(maps, kind, inside, true);
}
