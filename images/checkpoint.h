/* SPDX-License-Identifier: MIT
 * A checkpoint as a whole: its process tree, and what belongs to each process, read when asked.
 */
#pragma once

#include <stdbool.h>

#include "files.pb-c.h"
#include "images/reader.h"
#include "images/source.h"
#include "inventory.pb-c.h"
#include "memory.pb-c.h"
#include "task.pb-c.h"

struct checkpoint;

struct process {
	const PstreeEntry *entry; /* pid, ppid, pgid, sid, threads (the leader is one of them) */
	uint32_t pid;
	struct process *parent, *first_child, *next; /* siblings in image order; NULL: none */
	unsigned depth;                              /* 0: a root */
};

/**
 * Read pstree.img and inventory.img; that this one is missing is noted.
 * @param src  borrowed, has to stay open as long
 * @return 0; -ENOENT when there is no pstree.img: no checkpoint
 */
int checkpoint_open(struct source *src, struct checkpoint **out, struct error *err);
/**
 * The same where damage is passed over (images/damage.h), for who looks at images, too: that
 * pstree.img is missing is noted, and there are no processes then.
 * @return 0; -ENOENT: not one file of it is an image
 */
int checkpoint_open_images(struct source *src, struct checkpoint **out, struct error *err);
void checkpoint_close(struct checkpoint *cp);
struct source *checkpoint_source(const struct checkpoint *cp);
/** NULL: the set has none. Borrowed. */
const InventoryEntry *checkpoint_inventory(const struct checkpoint *cp);

/** Processes, parents before children, subtrees together: as a tree is printed. Borrowed. */
size_t checkpoint_nr_processes(const struct checkpoint *cp);
const struct process *checkpoint_process(const struct checkpoint *cp, size_t i);
/** The same in the order of pstree.img. */
const struct process *checkpoint_listed(const struct checkpoint *cp, size_t i);
/** Which of these it is. */
size_t checkpoint_place(const struct checkpoint *cp, const struct process *p);
/** By pid, or NULL. */
const struct process *checkpoint_find(const struct checkpoint *cp, uint32_t pid);
/** The one that was asked for. @return 0; -ENOENT saying which pids there are. */
int checkpoint_pick(const struct checkpoint *cp, uint32_t pid, const struct process **out,
		    struct error *err);

/*
 * Images of one process. All return 0, -ENOENT (a zombie has a core image alone), -EBADMSG; what
 * *out is set to is the caller's (auto_message). Where damage is passed over (images/damage.h),
 * what is broken is -ENOENT like what is missing, and what is missing is noted, too; but a core is
 * one of which nothing is known, and the descriptors are those before the damage.
 */
int process_core(const struct checkpoint *cp, uint32_t tid, CoreEntry **out, struct error *err);
int process_mm(const struct checkpoint *cp, const struct process *p, MmEntry **out,
	       struct error *err);
/* The same in steps, as there may be a hundred thousand areas. */
struct mm_load;
/** @return 0 with what is not an area read; as process_mm() */
int mm_load_begin(const struct checkpoint *cp, const struct process *p, struct mm_load **out,
		  struct error *err);
/** Read up to nr areas. @return 1 more to come; 0; -EBADMSG */
int mm_load_step(struct mm_load *load, size_t nr, struct error *err);
/** What was read, which is the caller's then. */
MmEntry *mm_load_take(struct mm_load *load);
/** NULL is fine. */
void mm_load_free(struct mm_load *load);
/**
 * From ids-PID.img, or from the core image where older sets have it. That images of the namespaces
 * in it are missing is noted.
 */
int process_ids(const struct checkpoint *cp, const struct process *p, TaskKobjIdsEntry **out,
		struct error *err);
int process_fs(const struct checkpoint *cp, const struct process *p, FsEntry **out,
	       struct error *err);
/** Is it damage that an image is missing which every process has but a zombie? */
bool process_misses(const struct checkpoint *cp, const struct process *p);
/** As damage_pass(), of such an image. */
int process_pass(const struct checkpoint *cp, const struct process *p, int rc,
		 const struct error *why, struct error *err);
/** Dead, waiting for its parent: no memory, no files. */
bool core_is_zombie(const CoreEntry *core);

/**
 * The id of thread i, as its core image is called. CRIU lists one thread 0 for a zombie, whose core
 * image goes by its pid.
 */
static inline uint32_t process_thread(const struct process *p, size_t i)
{
	return p->entry->threads[i] ? p->entry->threads[i] : p->pid;
}

/* Descriptors of a process, in the order of the image (fd order). */
struct fd_list {
	FdinfoEntry **items;
	size_t nr, cap;
};
int process_fds(const struct checkpoint *cp, const struct process *p, struct fd_list *out,
		struct error *err);
void fd_list_fini(struct fd_list *fds);
#define auto_fd_list __attribute__((cleanup(fd_list_fini))) struct fd_list

/**
 * The open file behind a descriptor; also from the image per type that sets had before
 * files.img. The first call reads them all and keeps them.
 * @return 1 with *out borrowed; 0 when the checkpoint has no such file, or it was passed over:
 *         checkpoint_files_damage(); -errno
 */
int checkpoint_file(struct checkpoint *cp, FdTypes type, uint32_t id, const FileEntry **out,
		    struct error *err);
/** Where that file stands in the set. */
struct file_place {
	enum image_id image; /* IMG_FILES, or the type's own */
	uint64_t entry;      /* in it, from 0 */
};
/** NULL: no such file. Borrowed. */
const struct file_place *checkpoint_file_place(struct checkpoint *cp, FdTypes type, uint32_t id);
/** The path of a regular file or directory by id (exe, cwd, mappings); NULL: none. Borrowed. */
const char *checkpoint_path(struct checkpoint *cp, uint32_t id);
/** The inode behind a memfd file. As checkpoint_file(). */
int checkpoint_memfd(struct checkpoint *cp, uint32_t inode_id, const MemfdInodeEntry **out,
		     struct error *err);
/**
 * Why a file that checkpoint_file() or checkpoint_memfd() does not know may be one after all: its
 * image is damaged, which is noted again. Borrowed. NULL: they know all
 */
const struct error *checkpoint_files_damage(const struct checkpoint *cp);
/** All of them, where damage is passed over those that were read, sorted by type and id. */
ssize_t checkpoint_files(struct checkpoint *cp, FileEntry *const **out, struct error *err);

static inline void checkpoint_cleanup_(struct checkpoint **cp)
{
	checkpoint_close(*cp);
}
#define auto_checkpoint __attribute__((cleanup(checkpoint_cleanup_))) struct checkpoint *
