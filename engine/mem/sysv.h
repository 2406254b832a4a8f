/* SPDX-License-Identifier: MIT
 * System V shared memory: the segments tasks have attached.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

struct ns_seen;

/* Of a segment the kernel has, by its id. */
struct sysv_info {
	int id, key;
	uint64_t size;
	uint32_t uid, gid, cuid, cgid, mode;
};

/** Is there a segment of that id? @param out  may be NULL */
bool sysv_exists(uint64_t id, struct sysv_info *out);

/** Dump: remember the segment behind a mapping; sets v->shmid. */
int sysv_note(struct dump *d, const struct task *t, struct vma *v, struct error *err);
/** Dump, after those: the segments of an IPC namespace of the tree that nobody has attached. */
int sysv_note_detached(struct dump *d, const struct ns_seen *ns, struct error *err);
/** The same of all that tasks are in. */
int sysv_collect(struct dump *d, struct error *err);
/** Bytes of a segment that was noted, by the number images know it by; 0: it was not. */
uint64_t sysv_size(const struct dump *d, uint64_t shmid);
/** ipcns-shm-N.img of those. */
int sysv_write(struct dump *d, struct error *err);
void sysv_table_free(struct sysv_table *table);

/** Restore, before the first birth: make those that are gone, fill those nobody uses. */
int sysv_prepare(struct restore *r, struct error *err);
/** In a task: attach a segment as the mapping says, where it waits (v->premapped). */
int sysv_attach(const struct restore *r, const struct vma *v, struct error *err);
/** What the restore made goes again, unless it was kept; what was marked to go is so again. */
void sysv_set_free(struct sysv_set *set);
void sysv_keep(struct sysv_set *set);
