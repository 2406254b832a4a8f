/* SPDX-License-Identifier: MIT
 * Inside files/: what the images say about descriptors, and what is open of it, while restoring.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/files/file.h"

#define FD_LIMIT (1u << 30) /* above fs.nr_open of any kernel */

struct file_item { /* an entry of files.img */
	uint32_t id;
	FileEntry *entry;
	const struct file_type *type; /* NULL: not supported, an error once somebody needs it */
	int fd;                       /* in the window, or -1 */
	bool live;                    /* of a task's own /proc: opened when the task is there */
	bool async;                   /* whoever opens a number of it sets O_ASYNC through that */
	const FownEntry *owner;       /* who gets its signals; NULL: nobody */
	char *label;                  /* of a socket, by SELinux; NULL: none. net/sock-label.h */
	bool checked;                 /* size, mode and build id were as stored */
	/* when remap-fpath.img replaces its path; in the window, or -1 */
	int base;            /* O_PATH, to be opened again through /proc/self/fd */
	int early;           /* opened as the entry says while it had a name */
	const char *visible; /* the name it has just now; borrowed */
};

struct fd_row { /* an entry of fdinfo-N.img */
	uint32_t fd, id, flags;
};

struct fd_rows { /* a descriptor table */
	uint32_t files_id;
	pid_t pid; /* the first task that has it */
	struct fd_row *items;
	size_t nr, cap;
};

struct fs_row { /* fs-PID.img */
	pid_t pid;
	uint32_t cwd_id, root_id, umask;
	bool has_umask;
};

struct mapped_file {
	uint32_t id, flags;
	int fd;
};

struct pipe_item { /* a pipe or FIFO: contents, and its ends once made */
	uint32_t pipe_id;
	bool fifo, has_size, made;
	uint32_t size;
	struct strbuf data;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} packets;     /* lengths of those that data consists of; none: plain bytes */
	int ends[2];   /* of a pipe; -1: given away */
	bool taken[2]; /* the first description of each end is the one pipe(2) made */
};

struct remap_row;
struct lock_row { /* an entry of filelocks.img */
	pid_t pid;
	int fd;
	uint32_t flag, type;
	int64_t start, len;
};

struct memfd_item { /* an entry of memfd.img */
	MemfdInodeEntry *entry;
	int fd;     /* in the window, or -1: not made yet */
	bool taken; /* its first description is a task's */
};

struct tty;

struct file_set {
	struct file_item *items; /* sorted by id */
	size_t nr_items, cap_items;
	struct {
		struct fd_rows *items;
		size_t nr, cap;
	} tables;
	struct {
		struct fs_row *items;
		size_t nr, cap;
	} fs;
	struct {
		struct mapped_file *items;
		size_t nr, cap;
	} mapped;
	struct {
		struct pipe_item *items;
		size_t nr, cap;
	} pipes;
	struct {
		struct remap_row *items;
		size_t nr, cap;
	} remaps; /* remap-fpath.img */
	struct {
		pid_t *items;
		size_t nr, cap;
	} stand_ins; /* for dead processes whose files in /proc are open; dead-pid.c */
	struct {
		struct memfd_item *items;
		size_t nr, cap;
	} memfds;
	struct {
		struct lock_row *items;
		size_t nr, cap;
	} locks;
	struct tty_set {           /* terminals */
		struct tty *items; /* pairs in the order of their index */
		size_t nr, cap;
		bool made; /* all pairs are */
	} ttys;
	unsigned int first, last; /* the window */
	bool in_place;            /* may files be opened at the numbers tasks have them? */
	bool tasks_exist;         /* all are born, so what is live can be opened */
};

struct file_item *file_set_find(struct file_set *set, uint32_t id);            /* NULL: none */
struct fd_rows *file_set_rows(struct file_set *set, uint32_t files_id);        /* NULL: none */
const struct fs_row *file_set_fs(const struct file_set *set, pid_t pid);       /* NULL: none */
const struct fd_row *fd_rows_of_file(const struct fd_rows *rows, uint32_t id); /* NULL: none */
const struct fd_row *fd_rows_find(const struct fd_rows *rows, uint32_t fd);    /* NULL: none */
/** The first task that has a descriptor of this file; NULL: none. */
const struct rtask *file_set_holder(struct restore *r, uint32_t id);
/** "pid 12, fd 5": somebody who has this file, for messages. @return out. */
const char *file_set_user(struct restore *r, uint32_t id, char *out, size_t len);

/** Choose the window beside the numbers that tasks use; raises the soft RLIMIT_NOFILE. */
int window_choose(struct file_set *set, struct error *err);
/**
 * The lowest run of `want` free numbers below limit; pure.
 * @param used  sorted, no duplicates
 * @return false when there is none
 */
bool window_find(const uint32_t *used, size_t nr, unsigned int want, unsigned int limit,
		 unsigned int *first);
/** Take a descriptor over into the window. @return its number; -errno, closed. */
int window_take(struct file_set *set, int fd, struct error *err);

/** Contents of pipes and FIFOs, into set->pipes. */
int pipe_load_contents(struct restore *r, struct error *err);
/** Close the ends of pipes that no task has. */
void pipe_close_rest(struct file_set *set);

/** tty-info.img and tty-data.img, and what files.img has of terminals; all of it checked. */
int tty_set_load(struct restore *r, struct error *err);
/** When all files are open: what waits in terminals, settings, modes. */
int tty_open_finish(struct restore *r, struct error *err);
void tty_set_free(struct tty_set *set);

/** The mount it is on; -1: not known. */
static inline int reg_mnt_id(const RegFileEntry *reg)
{
	return reg->has_mnt_id ? reg->mnt_id : -1;
}
/** Open a regular file's path with other flags; what is found is checked against the entry. */
int reg_open_path(struct restore *r, const RegFileEntry *reg, uint32_t flags, struct error *err);
/** The same without looking at what is found; flags are open(2)'s. */
int reg_open_raw(struct restore *r, const RegFileEntry *reg, int flags, struct error *err);
/**
 * What the caller hands over in the place of a file (--inherit-fd).
 * @param out  a descriptor, the caller's
 * @return 1: out is set; 0: nothing; -errno
 */
int inherit_open(struct restore *r, const FileEntry *e, int *out, struct error *err);

/** Of a file just opened: is it the one of the dump? */
int reg_check_found(struct restore *r, int fd, uint32_t flags, const RegFileEntry *reg,
		    struct error *err);
/** Flags to open it with once more. */
uint32_t reg_flags_again(uint32_t flags);
/** Flags and offset of a file just opened. @return fd, or -errno: closed */
int reg_settle(int fd, const RegFileEntry *reg, struct error *err);
int reg_check(const FileEntry *e, struct error *err);
int reg_open(struct restore *r, const FileEntry *e, struct error *err);
int reg_open_mapped(struct restore *r, const FileEntry *e, uint32_t flags, struct error *err);
/** The entry of a file that has a name, but for that and its owner. @return e->reg; NULL: no memory
 */
RegFileEntry *reg_entry_new(const struct open_file *f, FileEntry *e, struct error *err);
int reg_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err);
/** A device just opened: to where its user has no choice but to go on. */
int device_settle(int fd, const RegFileEntry *reg, struct error *err);
const FownEntry *reg_owner(struct restore *r, const FileEntry *e, uint32_t *flags);
/** Flags that fcntl(F_SETFL) sets, and the owner's signal. */
int file_set_flags(int fd, uint32_t flags, const FownEntry *owner, struct error *err);

/** fs-PID.img: read it; enter its directories in the task. */
int fs_load(struct restore *r, const struct rtask *t, struct error *err);
int fs_install(struct restore *r, const struct rtask *t, struct error *err);
