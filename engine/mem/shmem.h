/* SPDX-License-Identifier: MIT
 * Shared anonymous memory: segments seen by a dump, segments made by a restore.
 */
#pragma once

#include "base/error.h"
#include "engine/dump.h"
#include "engine/restore.h"

/** Dump: remember the segment behind a VMA_ANON_SHARED mapping; sets v->shmid. */
int shmem_note(struct dump *d, struct task *t, struct vma *v, struct error *err);

/** Restore: the descriptor of a segment, made by mem_prepare_shared(); borrowed; -1: unknown. */
int shmem_fd(const struct shmem_set *set, uint64_t shmid);
