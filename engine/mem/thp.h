/* SPDX-License-Identifier: MIT
 * Transparent huge pages: which memory gets them without asking. Source: the kernel's
 * admin-guide/mm/transhuge.rst, madvise(2).
 */
#pragma once

#include <stdbool.h>

#include "engine/context/vma.h"
#include "memory.pb-c.h"

#define THP_SIZE (2ull << 20) /* bytes, with base pages of 4 KiB */

enum thp_policy { THP_NEVER, THP_ADVISED, THP_ALWAYS };

/** What the administrator has chosen; to be asked where /sys is the machine's. */
enum thp_policy thp_policy(void);

/** Do writes to a mapping of that process bring huge pages, wherever 2 MiB of it fit in? */
bool thp_expected(enum thp_policy policy, const MmEntry *mm, const struct vma *v);
