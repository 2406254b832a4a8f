/* SPDX-License-Identifier: MIT
 * Inside files/: files that their path does not lead to: deleted ones, those that have other
 * names, those of dead processes. remap-fpath.img says for each file id what stands for it.
 */
#pragma once

#include "engine/files/set.h"
#include "engine/files/table.h"
#include "files.pb-c.h"

#define DELETED_MARK " (deleted)" /* what the kernel appends to the path of an unlinked file */

struct remap_row { /* an entry of remap-fpath.img */
	uint32_t orig_id, remap_id;
	RemapType type;
	bool done;
	int dir; /* where the name is that the dump has made; 0: none, or not looked at */
};

/* Dump. */
/**
 * See that a file can be found again: by its path, or by what is written for it.
 * @param reg  its name is set; its id is that of remap-fpath.img
 * @return 0; -errno naming the holder
 */
int remap_dump(struct dump *d, const struct open_file *f, RegFileEntry *reg, struct error *err);
/** "remap-fpath.img: ID is replaced." */
int remap_write(struct dump *d, uint32_t orig_id, uint32_t remap_id, RemapType type,
		struct error *err);
/** Write the contents of a deleted file, once for all that have it open: ghost-file-N.img. */
int ghost_dump(struct dump *d, const struct open_file *f, uint32_t id, struct error *err);
/** Give a file that has lost its name, reg->name, another one beside it. @param reg  as written */
int link_remap_dump(struct dump *d, const struct open_file *f, RegFileEntry *reg,
		    struct error *err);
/** Another name of the file in the directory of a lost one. @param path  the lost one, becomes it
 */
bool name_beside(char *path, size_t size, const struct stat *file);

/* Restore. */
/** Read remap-fpath.img. */
int remap_load(struct restore *r, struct error *err);
/**
 * In the coordinator, first of all opening: everything remapped is made, opened under its name,
 * and nameless again.
 */
int remap_prepare(struct restore *r, struct error *err);

/* One kind of remap each: all rows that stand for the same thing as `row`. */
int ghost_restore(struct restore *r, const struct remap_row *row, struct error *err);
int link_remap_restore(struct restore *r, const struct remap_row *row, struct error *err);
int dead_pid_restore(struct restore *r, const struct remap_row *row, struct error *err);
/** With a pid namespace those who stand in can be born only once its first task is: their files are
 *  opened with those of the tasks. */
bool dead_pids_are_late(const struct restore *r);
int dead_pids_bear_late(struct restore *r, struct error *err);
/** Those who stood in for dead processes end, as a task may have changed to its directory now. */
void dead_pids_end(struct file_set *set);

/** The set is restored: the names its dump had made are not needed any more. */
void link_remap_clean(struct restore *r);

/** The item a row is about. @return NULL with err set. */
struct file_item *remap_item(struct restore *r, const struct remap_row *row, struct error *err);
/**
 * Open an item under a name that leads to it just now, which the caller forgets (item->visible)
 * when it goes: as its entry says, and to be opened again later.
 */
int remap_open_item(struct restore *r, struct file_item *item, const char *name, struct error *err);
