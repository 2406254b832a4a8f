/* SPDX-License-Identifier: MIT
 * Processes that share descriptors or directories, as clone(2) lets them.
 *
 * Who shares with its bearer is born so. The first of a group opens nothing but what all of them
 * have; the others wait until it has, and it closes what belongs to the restore when all are done
 * with that (engine/pie/restorer.c).
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** Refuse what cannot be shared again; after the births are planned. Sets rtask.files_of, fs_of. */
int share_plan(struct restore *r, struct error *err);
/** CLONE_FILES, CLONE_FS of a birth. */
uint64_t share_flags(const struct restore *r, size_t index);
/** In a task that shares: wait until the first of its group has put the descriptors in place. */
int share_await_files(struct restore *r, const struct rtask *t, struct error *err);
/** In the first: they are. */
void share_files_ready(struct restore *r, const struct rtask *t);
/** How many others share the descriptors of this one. */
uint32_t share_count(const struct restore *r, const struct rtask *t);
