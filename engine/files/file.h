/* SPDX-License-Identifier: MIT
 * Descriptors: one row per type of open file, the table that keeps shared ones shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "files.pb-c.h"

/* open_file.task_fd of what is not in the descriptor table. */
enum {
	FILE_CWD = -1,
	FILE_ROOT = -2,
	FILE_EXE = -3,
	FILE_MAPPED = -4,
};

/* One open file description of a task, as found while dumping. */
struct open_file {
	int fd; /* a duplicate in this process (pidfd_getfd), or O_PATH; owned */
	struct stat st;
	char path[4096]; /* readlink of /proc/PID/fd/N */
	uint32_t flags;  /* O_* of the description, without O_CLOEXEC */
	uint64_t pos;
	bool locked;       /* fdinfo tells of a lock or lease */
	uint32_t fs_type;  /* *_MAGIC of its file system */
	uint32_t net_ns;   /* of a type that is in_net: as images number it */
	struct task *task; /* who holds it, for messages */
	int task_fd;       /* its number there, or a FILE_* value */
	uint64_t addr;     /* FILE_MAPPED: start of the mapping, for messages */
};

struct file_type {
	const char *name; /* "pipe", for messages and the support table */
	FdTypes type;
	/** Of types that images know by one number: is this entry one of mine? NULL: any is. */
	bool (*is_entry)(const FileEntry *e);
	/** It is dumped and opened in the network namespace it is of. */
	bool in_net;
	/** But open() goes there itself, as it makes others as well, which may be of another one.
	 */
	bool makes_many;
	/** Is this one of mine? Pure: looks at st, path, flags and fs_type only. */
	bool (*match)(const struct open_file *f);
	/**
	 * Fill the image entry (type and id are set); what is allocated is freed with it.
	 * @param e  zeroed but for type and id
	 * @return 0: write it; 1: taken over, the row writes it later; -errno
	 */
	int (*dump)(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err);
	/** Is the entry complete and sane? Called for every entry before anything is opened. */
	int (*check)(const FileEntry *e, struct error *err);
	/** Open it again. @return descriptor, or -errno. Runs before the tasks are born. */
	int (*open)(struct restore *r, const FileEntry *e, struct error *err);
	/** To be mapped or executed, with these flags; NULL: never is. @return descriptor */
	int (*open_mapped)(struct restore *r, const FileEntry *e, uint32_t flags,
			   struct error *err);
	/**
	 * What has to wait until everything else is open and all tasks are born; in the
	 * coordinator, whose descriptor is the same description as theirs. NULL: nothing.
	 */
	int (*finish)(struct restore *r, const FileEntry *e, int fd, struct error *err);
	/**
	 * What the kernel has to see the task itself do: the first that has a descriptor of it (the
	 * root where none has), before its descriptors get their numbers. NULL: nothing.
	 */
	int (*join)(struct restore *r, const FileEntry *e, int fd, struct error *err);
	/** What must not see the restore itself at work, and so is set last. NULL: nothing. */
	int (*watch)(struct restore *r, const FileEntry *e, int fd, struct error *err);
	/**
	 * Who gets the signals of this description; NULL when the type has no such field.
	 * @param flags  set to those it is open with
	 */
	const FownEntry *(*owner)(struct restore *r, const FileEntry *e, uint32_t *flags);
};

extern const struct file_type *const file_types[]; /* NULL-terminated; first match wins */

/* Dump. */
int file_table_new(struct dump *d, struct error *err);
void files_dump_free(struct file_table *t);
/* So many descriptors of all tasks, and what one list tells of all is quicker (lock-list.c). */
#define LOCK_LIST_PAYS 2500
/**
 * All descriptors of a task, its cwd, root: fdinfo-N.img, fs-PID.img. What cannot be carried is
 * refused here, so call it for every task before the (slow) memory of any.
 */
int files_dump_task(struct dump *d, struct task *t, struct error *err);
/** The id of a file mapped by a task (through /proc/PID/map_files) or of its executable. */
int files_dump_mapped(struct dump *d, struct task *t, const struct vma *vma, uint32_t *id,
		      struct error *err);
/** The id of a descriptor of our own, as it came out of a queue. */
int files_dump_received(struct dump *d, int fd, uint32_t *id, struct error *err);
/** Has some task an open descriptor of it, shared anonymous memory included? */
bool memfd_is_held(const struct dump *d, dev_t dev, ino_t ino);
int files_dump_exe(struct dump *d, struct task *t, uint32_t *id, struct error *err);
/** When every task's are known, and before memory: what needs all of them. May refuse. */
int files_dump_settle(struct dump *d, struct error *err);
/** files.img, pipes-data.img … once all tasks are through. */
int files_dump_finish(struct dump *d, struct error *err);
/** Remove the names --link-remap has made: the dump failed, or the tasks run on with them. */
void files_remove_links(struct dump *d);
/** Hand masters that no task has to who listens (--orphan-pts-master). */
int tty_give_orphans(struct restore *r, struct error *err);
/** Somebody who is no task has the write end of this pipe, and will have it after the restore. */
void pipe_note_writer(struct dump *d, ino_t ino);

/* Restore, in the order of use. */
/** Read files.img, fdinfo-N.img, fs-PID.img and the images of file contents, and check them.
 *  r->tasks and their ids must be there. */
int files_load(struct restore *r, struct error *err);
void file_set_free(struct file_set *set);
/**
 * In the coordinator, before the first fork: open everything any task needs. Every descriptor
 * the restore itself holds lives in one window of numbers that no task uses: [*first, *last].
 * The restorer's last act in each task is close_range(first, last).
 */
int files_open_all(struct restore *r, struct error *err);
void files_window(struct restore *r, unsigned int *first, unsigned int *last);
/** Move a descriptor into the window (after files_open_all), so that files_install() leaves it
 *  alone. @return its new number, O_CLOEXEC; -errno and the old one kept. */
int files_keep(struct restore *r, int fd, struct error *err);
/** Another write end of the pipe that is a descriptor of a task; while not all of files_open_all()
 * is done. @return in the window; borrowed */
int pipe_open_writer(struct restore *r, const struct rtask *t, int fd, struct error *err);
/** Does it tell of a task that is not there yet? files_get() refuses it until it is. */
bool files_waits(const struct restore *r, uint32_t id);
/** The descriptor of a file id, opened on first use, in the window; borrowed. */
int files_get(struct restore *r, uint32_t id, struct error *err);
/**
 * A file to be mapped or executed: the id's path opened with the flags given (vma_entry.fdflags;
 * O_RDONLY for the executable), at no offset. Opened on first use, in the window; borrowed.
 * Coordinator or task.
 */
int files_get_mapped(struct restore *r, uint32_t id, uint32_t flags, struct error *err);
/** Are there files of tasks in /proc, that want all tasks to be there first? */
bool files_any_live(const struct restore *r);
/** Has a task just the descriptors, directories and umask of its parent, and no lock? */
bool files_are_parents(const struct restore *r, const struct rtask *t, const struct rtask *parent);
/** Is it a file that the kernel maps only where it wants (io_uring)? */
bool files_is_unmovable(const struct restore *r, uint32_t id);
/** In the coordinator, when all tasks are born: what needs everything else open. */
int files_finish(struct restore *r, struct error *err);
/** In a task that has just made its session: its controlling terminal, if it had one. */
int files_take_terminal(struct restore *r, const struct rtask *task, struct error *err);
/** In a task, when all groups exist: which is in the foreground of its terminal. */
int files_set_foreground(struct restore *r, const struct rtask *task, struct error *err);
/** In a task: put descriptors at their numbers, close the rest; set cwd, root and umask. */
int files_install(struct restore *r, struct rtask *t, struct error *err);
/** Everything runs: remove what the dump had left beside the images for this moment. */
void files_restored(struct restore *r);
/** What of files the restorer has to do at the very end: POSIX locks. */
size_t files_args_size(const struct restore *r, const struct rtask *t);
int files_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args,
		    struct error *err);
/** In the coordinator, when every task is ready: what watches files does so again. */
int files_watch(struct restore *r, struct error *err);
/** In the coordinator, when all tasks exist and before any runs: F_SETOWN of what had an owner. */
int files_set_owners(struct restore *r, struct error *err);
