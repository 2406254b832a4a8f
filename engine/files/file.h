/* SPDX-License-Identifier: MIT
 * Descriptors: one row per type of open file, the table that keeps shared ones shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/dump.h"
#include "engine/restore.h"
#include "files.pb-c.h"

/* One open file description of a task, as found while dumping. */
struct open_file {
	int fd; /* a duplicate in this process (pidfd_getfd), or O_PATH; owned */
	struct stat st;
	char path[4096]; /* readlink of /proc/PID/fd/N */
	uint32_t flags;  /* O_* of the description */
	uint64_t pos;
	int mnt_id;
	struct task *task; /* who holds it, for messages */
	int task_fd;       /* its number there; -1 cwd, -2 root, -3 exe, -4 a mapping */
};

struct file_type {
	const char *name; /* "pipe", for messages and the support table */
	FdTypes type;
	/** Is this one of mine? Pure: looks at st, path and flags only. */
	bool (*match)(const struct open_file *f);
	/** Write what the image needs. @param e  to be filled; allocated parts are freed with it */
	int (*dump)(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err);
	/** Open it again. @return descriptor, or -errno. Runs before the tasks are born. */
	int (*open)(struct restore *r, const FileEntry *e, struct error *err);
};

extern const struct file_type *const file_types[]; /* NULL-terminated; first match wins */

/* Dump. */
int file_table_new(struct dump *d, struct error *err);
void file_table_free(struct file_table *t);
/** All descriptors of a task, its cwd, root: fdinfo-N.img, fs-PID.img. */
int files_dump_task(struct dump *d, struct task *t, struct error *err);
/** The id of a file mapped by a task (through /proc/PID/map_files) or of its executable. */
int files_dump_mapped(struct dump *d, struct task *t, const struct vma *vma, uint32_t *id,
		      struct error *err);
int files_dump_exe(struct dump *d, struct task *t, uint32_t *id, struct error *err);
/** files.img, pipes-data.img … once all tasks are through. */
int files_dump_finish(struct dump *d, struct error *err);

/* Restore. */
/** Read files.img and the images of file contents. */
int files_load(struct restore *r, struct error *err);
void file_set_free(struct file_set *set);
/** The descriptor of a file id in the coordinator, opened on first use; borrowed. */
int files_get(struct restore *r, uint32_t id, struct error *err);
/** Before the first fork: open everything any task needs, at numbers no task uses. */
int files_open_all(struct restore *r, struct error *err);
/** In a task: put descriptors at their numbers, close the rest; set cwd, root and umask. */
int files_install(struct restore *r, struct rtask *t, struct error *err);
