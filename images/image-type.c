/* SPDX-License-Identifier: MIT
 * The registry of image types and its lookups.
 */
#include "images/image-type.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.pb-c.h"
#include "cpuinfo.pb-c.h"
#include "files.pb-c.h"
#include "inventory.pb-c.h"
#include "ipc.pb-c.h"
#include "memory.pb-c.h"
#include "mounts.pb-c.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "security.pb-c.h"
#include "sockets.pb-c.h"
#include "stats.pb-c.h"
#include "task.pb-c.h"
#include "tty.pb-c.h"

#define MSG(name) &name##__descriptor
#define IMAGE(id_, pattern_, magic_, head_, first_, entry_, payload_)                              \
	[IMG_##id_] = { .id = IMG_##id_,                                                           \
			.name = #id_,                                                              \
			.pattern = pattern_,                                                       \
			.magic = magic_,                                                           \
			.head = head_,                                                             \
			.first = first_,                                                           \
			.entry = entry_,                                                           \
			.payload = payload_ },
const struct image_type image_types[IMG_NR_TYPES] = {
#include "images/types.def"
};
#undef IMAGE

/* What %s stands for in "stats-%s", in the order of image_filename()'s id. */
static const char *const stats_names[] = { "dump", "restore" };

const struct image_type *image_type_by_magic(uint32_t magic)
{
	for (size_t i = 0; magic && i < IMG_NR_TYPES; i++) {
		if (image_types[i].magic == magic)
			return &image_types[i];
	}
	return NULL;
}

const struct image_type *image_type_by_name(const char *name)
{
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		if (!strcmp(image_types[i].name, name))
			return &image_types[i];
	}
	return NULL;
}

/* How many characters of `s` the conversion %u, %x or %s covers; 0: none. */
static size_t conversion_len(char conversion, const char *s)
{
	size_t len = 0;
	switch (conversion) {
	case 'u':
		while (isdigit((unsigned char)s[len]))
			len++;
		return len;
	case 'x':
		while (isxdigit((unsigned char)s[len]))
			len++;
		return len;
	default:
		for (size_t i = 0; i < sizeof(stats_names) / sizeof(stats_names[0]); i++) {
			if (!strcmp(s, stats_names[i]))
				return strlen(s);
		}
		return 0;
	}
}

static bool pattern_matches(const char *pattern, const char *name)
{
	const char *percent = strchr(pattern, '%');
	if (!percent)
		return !strcmp(pattern, name);
	size_t prefix = (size_t)(percent - pattern);
	if (strncmp(pattern, name, prefix))
		return false;
	size_t len = conversion_len(percent[1], name + prefix);
	const char *suffix = percent + 2, *rest = name + prefix + len;
	/* tars are stored as "tmpfs-%u.tar.gz" and with ".img" too */
	size_t same = strlen(suffix);
	return len && !strncmp(suffix, rest, same) &&
	       (!rest[same] || (!strcmp(suffix, ".tar.gz") && !strcmp(rest + same, ".img")));
}

const struct image_type *image_type_by_filename(const char *filename)
{
	const char *slash = strrchr(filename, '/');
	const char *name = slash ? slash + 1 : filename;
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		if (pattern_matches(image_types[i].pattern, name))
			return &image_types[i];
	}
	return NULL;
}

const struct image_type *image_type_of_messages(const char *filename)
{
	const struct image_type *type = image_type_by_filename(filename);
	return type && type->entry ? type : NULL;
}

char *image_filename(const struct image_type *type, uint64_t id, char *out, size_t len)
{
	const char *percent = strchr(type->pattern, '%');
	if (!percent) {
		snprintf(out, len, "%s", type->pattern);
		return out;
	}
	char number[24];
	const char *middle = number;
	if (percent[1] == 's')
		middle = stats_names[id ? 1 : 0];
	else
		snprintf(number, sizeof(number), percent[1] == 'x' ? "%" PRIx64 : "%" PRIu64, id);
	snprintf(out, len, "%.*s%s%s", (int)(percent - type->pattern), type->pattern, middle,
		 percent + 2);
	return out;
}

uint64_t image_number(const struct image_type *type, const char *filename)
{
	const char *slash = strrchr(filename, '/'), *percent = strchr(type->pattern, '%');
	const char *name = slash ? slash + 1 : filename;
	if (!percent || percent[1] == 's')
		return 0;
	return strtoull(name + (percent - type->pattern), NULL, percent[1] == 'x' ? 16 : 10);
}
