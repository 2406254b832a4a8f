/* SPDX-License-Identifier: MIT
 * System V shared memory: the segments tasks have attached.
 */
#pragma once

#include "base/error.h"
#include "engine/dump.h"
#include "engine/restore.h"

/* Of a segment the kernel has, by its id. */
struct sysv_info {
	int id, key;
	uint64_t size;
	uint32_t uid, gid, cuid, cgid, mode;
};

/** Is there a segment of that id? @param out  may be NULL */
bool sysv_exists(uint64_t id, struct sysv_info *out);

/** Dump: remember the segment behind a mapping. */
int sysv_note(struct dump *d, const struct task *t, const struct vma *v, struct error *err);
/** Dump, in an IPC namespace of the tree: remember the segments nobody has attached, too. */
int sysv_note_detached(struct dump *d, struct error *err);
/** ipcns-shm-N.img of those. */
int sysv_write(struct dump *d, struct error *err);
void sysv_table_free(struct sysv_table *table);

/** Restore, before the first birth: make those that are gone, fill those nobody uses. */
int sysv_prepare(struct restore *r, struct error *err);
/** In a task: attach a segment as the mapping says, where it waits (v->premapped). */
int sysv_attach(const struct vma *v, struct error *err);
/** What the restore made goes again, unless it was kept; what was marked to go is so again. */
void sysv_set_free(struct sysv_set *set);
void sysv_keep(struct sysv_set *set);
