/* SPDX-License-Identifier: MIT
 * Devices that are connected with the outside.
 */
#include "engine/net/ns-outside.h"

#include <stdio.h>
#include <string.h>

bool netns_is_external(const struct options *opts, const char *kind, const char *name)
{
	char key[64];
	int len = snprintf(key, sizeof(key), "%s[%s]", kind, name);
	for (size_t i = 0; i < opts->external.nr; i++) {
		const char *item = opts->external.items[i];
		if (!strncmp(item, key, (size_t)len) && (!item[len] || item[len] == ':'))
			return true;
	}
	return false;
}
