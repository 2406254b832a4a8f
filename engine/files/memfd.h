/* SPDX-License-Identifier: MIT
 * Inside files/: the inodes behind memfd descriptors and mappings.
 */
#pragma once

#include "engine/files/file.h"

/** memfd.img; the set must be there. */
int memfds_load(struct restore *r, struct error *err);
/** In the coordinator, when all tasks have mapped what they map. */
int memfds_seal(struct restore *r, struct error *err);
void memfds_free(struct file_set *set);
