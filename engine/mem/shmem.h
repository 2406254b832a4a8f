/* SPDX-License-Identifier: MIT
 * Shared anonymous memory: segments seen by a dump, segments made by a restore.
 */
#pragma once

#include <sys/stat.h>

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** Dump: remember the segment behind a VMA_ANON_SHARED mapping; sets v->shmid. For one of System V
 *  sysv_note() comes before. */
int shmem_note(struct dump *d, struct task *t, struct vma *v, struct error *err);

/**
 * Dump: remember a file whose contents are a segment. @param fd  to read it through; taken over
 * @param huge  bytes of its pages when these are huge ones, else 0; @param id  of the segment
 */
int shmem_note_file(struct dump *d, const struct stat *st, int fd, uint64_t huge, uint64_t *id,
		    struct error *err);
/** The same of a System V segment, whose id sysv.h has chosen. */
int shmem_note_sysv(struct dump *d, const struct stat *st, int fd, uint64_t huge, uint64_t id,
		    struct error *err);
/** A free id for one more segment, its inode number where that may be. @param table  may be NULL */
uint64_t shmem_choose_id(const struct shmem_table *table, ino_t ino);

/**
 * Restore: when a memfd mapping of the image is shared anonymous memory by another name, make it
 * that. @return 1 when it was, 0 when not, -errno.
 */
int shmem_resolve(struct restore *r, struct vma *v, struct error *err);

/** Restore: the descriptor of a segment, made by mem_prepare_shared(); borrowed; -1: unknown. */
int shmem_fd(const struct shmem_set *set, uint64_t shmid);
