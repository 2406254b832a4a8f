/* SPDX-License-Identifier: MIT
 * What a set is known by.
 */
#include "images/source-kind.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/array.h"
#include "images/image-type.h"

int source_kind(struct source *src, enum source_kind *out, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	bool seen[IMG_NR_TYPES] = { false }, any = false;
	if (nr < 0)
		return (int)nr;
	for (ssize_t i = 0; i < nr; i++) {
		const struct image_type *type =
		    members[i].own ? image_type_by_filename(members[i].name) : NULL;
		if (type)
			any = seen[type->id] = true;
	}
	if (seen[IMG_PAGEMAP] && !seen[IMG_PSTREE] && !seen[IMG_CORE])
		*out = SOURCE_MEMORY;
	else if (seen[IMG_PSTREE] || seen[IMG_INVENTORY] || seen[IMG_PAGEMAP])
		*out = SOURCE_SET;
	else
		*out = any ? SOURCE_IMAGES : SOURCE_NO_IMAGES;
	return 0;
}

int source_want_set(struct source *src, struct error *err)
{
	enum source_kind kind;
	int rc = source_kind(src, &kind, err);
	if (rc < 0 || kind >= SOURCE_MEMORY)
		return rc;
	return error_set(err, ENOENT,
			 "%s: no checkpoint: neither pstree.img nor inventory.img nor a page map "
			 "is there",
			 source_name(src));
}

int folder_has_set(int dirfd, const char *folder, struct error *err)
{
	static const char *const known_by[] = { "pstree.img", "inventory.img" };
	char path[NAME_MAX + sizeof("/inventory.img")];
	for (size_t i = 0; i < ARRAY_SIZE(known_by); i++) {
		int len =
		    snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", known_by[i]);
		if (len >= (int)sizeof(path))
			return error_set(err, ENAMETOOLONG, "%s", folder);
		if (faccessat(dirfd, path, F_OK, 0) == 0)
			return 1;
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return error_sys(err, "%s", path);
	}
	return 0;
}
