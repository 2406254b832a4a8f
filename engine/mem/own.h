/* SPDX-License-Identifier: MIT
 * What this process has mapped now.
 */
#pragma once

#include "base/error.h"
#include "engine/mem/vma.h"

/** Mappings of this process; release with vma_list_fini(). */
int own_maps(struct vma_list *out, struct error *err);
/** Their addresses, joined; release with free(out->items). */
int own_ranges(struct range_list *out, struct error *err);
