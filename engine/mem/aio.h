/* SPDX-License-Identifier: MIT
 * Contexts of asynchronous I/O (io_setup(2)): their rings are mappings, their ids the addresses.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

struct restorer_args;

/** Dump: mm_entry.aios, one for each ring among the mappings; freed by aio_entries_free(). */
int aio_dump(const struct task *t, MmEntry *mm, struct error *err);
void aio_entries_free(MmEntry *mm);

/** Restore: does each context have its ring, and each ring its context? */
int aio_check(const struct rtask *t, struct error *err);
int aio_fill_args(const struct rtask *t, struct restorer_args *args, struct error *err);
