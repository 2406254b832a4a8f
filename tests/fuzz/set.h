/* SPDX-License-Identifier: MIT
 * A set of images out of fuzzed bytes: members one after the other, each a byte for its name, two
 * for its length, and its bytes.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "images/backend.h"

#define FUZZ_MEMBERS 64

struct fuzz_set {
	struct source base;
	struct source_member members[FUZZ_MEMBERS];
	const uint8_t *bytes[FUZZ_MEMBERS];
	ssize_t nr;
};

static inline ssize_t fuzz_set_list(struct source *src, struct source_member **out,
				    struct error *err)
{
	(void)err;
	*out = ((struct fuzz_set *)src)->members;
	return ((struct fuzz_set *)src)->nr;
}

static inline int fuzz_set_open(struct source *src, const char *name, struct istream **out,
				struct error *err)
{
	const struct fuzz_set *set = (struct fuzz_set *)src;
	for (ssize_t i = 0; i < set->nr; i++) {
		if (!strcmp(set->members[i].name, name))
			return istream_open_memory(set->bytes[i], set->members[i].size, name, out,
						   err);
	}
	return error_set(err, ENOENT, "no %s", name);
}

static inline int fuzz_set_parent(struct source *src, struct source **out, struct error *err)
{
	(void)src;
	(void)err;
	*out = NULL;
	return 0;
}

static inline void fuzz_set_close(struct source *src)
{
	(void)src; /* on the stack */
}

static const struct source_ops fuzz_set_ops = {
	.list = fuzz_set_list,
	.open_member = fuzz_set_open,
	.open_parent = fuzz_set_parent,
	.close = fuzz_set_close,
};

/** @param names  what the first byte of a member chooses from */
static inline void fuzz_set_fill(struct fuzz_set *set, const char *const *names, size_t nr_names,
				 const uint8_t *data, size_t size)
{
	while (size > 3 && set->nr < FUZZ_MEMBERS) {
		size_t len = data[1] | (size_t)data[2] << 8;
		const char *name = names[data[0] % nr_names];
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		set->members[set->nr] =
		    (struct source_member){ .name = name, .path = name, .own = true, .size = len };
		set->bytes[set->nr++] = data;
		data += len;
		size -= len;
	}
}
