/* SPDX-License-Identifier: MIT
 * Tars inside two sets, member by member: their names, owners, permissions and contents count, not
 * their order, their times and how they are compressed.
 */
#pragma once

#include "convert/diff/change.h"

bool is_tar_name(const char *name);
/** One that is no tar, or is too long to list, is bytes. @param names  of the tar in A and in B */
int diff_tars(struct diff *d, enum diff_section section, const char *const names[2],
	      struct error *err);
