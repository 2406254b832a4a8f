/* SPDX-License-Identifier: MIT
 * Shared anonymous memory in sets of CRIU 4.2: a memfd by the name of /dev/zero.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "images/source.h"

struct memfd_alias {
	uint32_t file_id; /* vma_entry.shmid of its mappings */
	uint32_t inode_id;
	uint64_t shmid, size; /* size 0: the inode was not found */
};
struct memfd_aliases {
	struct memfd_alias *items;
	size_t nr, cap;
};

/** Read files.img and memfd.img. @param out  to be released with free(out->items) */
int memfd_aliases_load(struct source *images, struct memfd_aliases *out, struct error *err);
const struct memfd_alias *memfd_alias_find(const struct memfd_aliases *list, uint64_t file_id);
