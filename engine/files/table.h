/* SPDX-License-Identifier: MIT
 * Inside files/: identity of open file descriptions and the images they go to, while dumping.
 */
#pragma once

#include "engine/files/file.h"
#include "engine/procfs/procfs.h"
#include "images/writer.h"

struct pipe_seen { /* one pipe or FIFO, however many descriptors lead to it */
	dev_t dev;
	ino_t ino;
	uint32_t pipe_id; /* as in the images */
	bool fifo;
	int size;                /* of its buffer, bytes */
	bool readable, writable; /* an end of that kind is held in the tree */
	bool data_saved;
	bool peer_gone;  /* poll(2): nobody anywhere holds the other end */
	char holder[96]; /* the first that held it, for messages */
};

struct description { /* an open file description; its first holder stands for it */
	dev_t dev;
	ino_t ino;
	pid_t pid;
	int fd;
	uint32_t id;
	FdTypes type;
	int failed; /* of a search key: why kcmp could not tell */
};

struct epoll_seen {       /* an epoll instance: written when all tables are known */
	FileEntry *entry; /* owned */
	struct task *task;
	int fd; /* its number in that task */
	char holder[96];
};

struct uring_seen { /* a ring of io_uring */
	dev_t dev;
	ino_t ino;
	uint32_t id; /* of its description */
};

struct ghost_seen { /* a deleted file, however many names it had */
	dev_t dev;
	ino_t ino;
	uint32_t id; /* of its ghost-file-N.img */
};

struct memfd_seen { /* its place in the list is its id */
	dev_t dev;
	ino_t ino;
};

struct lock_seen {         /* a file lock or lease, as filelocks.img has it */
	uint32_t id;       /* of the description it was made through */
	uint32_t files_id; /* of the table of its owner */
	uint32_t flag, type;
	pid_t pid;
	int fd;
	int64_t start, len;
};

struct watched_seen { /* a deleted file somebody watches */
	dev_t dev;
	ino_t ino;
	char holder[96];
};

struct tty_seen;

struct file_table {
	struct image_writer *files;   /* files.img */
	struct image_writer *data[2]; /* pipes-data.img, fifo-data.img; made on first use */
	struct image_writer *remaps;  /* remap-fpath.img; made on first use */
	uint32_t next_id;
	void *descriptions; /* tsearch trees */
	void *specials;
	struct {
		struct pipe_seen *items;
		size_t nr, cap;
	} pipes;
	struct {
		struct dumped_table {
			uint32_t files_id;
			pid_t pid;
		} * items;
		size_t nr, cap;
	} dumped; /* descriptor tables that have their fdinfo image */
	struct {
		struct epoll_seen *items;
		size_t nr, cap;
	} epolls;
	struct {
		struct ghost_seen *items;
		size_t nr, cap;
	} ghosts;
	struct {
		struct made_link {
			int dir; /* wherever that is by now */
			char *name;
		} * items;
		size_t nr, cap;
	} links; /* names made by --link-remap */
	struct {
		pid_t *items;
		size_t nr, cap;
	} dead_pids; /* of which files in /proc are open */
	struct {
		struct memfd_seen *items;
		size_t nr, cap;
	} memfds;
	struct {
		struct watched_seen *items;
		size_t nr, cap;
	} watched;
	struct {
		struct lock_seen *items;
		size_t nr, cap;
	} locks;
	struct {
		bool asked, complete;
		struct proc_locks all;
	} lock_list;
	struct tty_table { /* terminals */
		struct tty_seen *items;
		size_t nr, cap;
	} ttys;
	struct image_writer *memfd_image; /* NULL until there is one */
	struct {
		struct uring_seen *items;
		size_t nr, cap;
	} urings;
	struct image_writer *bpf_data; /* NULL until there is one */
	struct {
		uint32_t *items;
		size_t nr, cap;
	} bpf_maps;       /* ids of those whose contents are written */
	int pipe[2];      /* where tee(2) copies pipes to */
	struct task self; /* this process, once it was asked about a received descriptor */
	int self_fds;     /* its /proc/PID/fd */
	struct {
		int *items;
		size_t nr, cap;
	} received;      /* descriptors out of queues */
	struct fs_seen { /* file systems met last */
		dev_t dev;
		uint32_t type; /* its magic; 0: none yet */
	} fs_types[8];
	size_t next_fs; /* the one to forget next */
};

/**
 * The id of a descriptor's open file description: the same for all duplicates of it.
 * @param type  set to what was given with file_table_set_type() when the description is known
 * @return 1 when it is new; 0 when it was seen before; -errno
 */
int file_table_identify(struct file_table *t, const struct open_file *f, uint32_t **id,
			FdTypes **type, struct error *err);

struct special_key {
	dev_t dev;
	ino_t ino;
	bool by_maps;    /* numbers as /proc/PID/maps has them; they differ from stat's on btrfs */
	uint32_t mnt_ns; /* number of the namespace its path is looked at in */
	const char *path;
};
/**
 * The id of a file known by name only: mappings, executables, cwd, root.
 * @param id  where the id lives; 0 when the file was not seen before: the caller sets it
 */
int file_table_special(struct file_table *t, const struct special_key *key, uint32_t **id,
		       struct error *err);

/** Every open file description seen so far. */
void file_table_each(const struct file_table *t,
		     void (*each)(const struct description *known, void *ctx), void *ctx);

/** The magic of the file system a file is on. @param f  fd and st are set @return 0: not known */
uint32_t file_table_fs_type(struct file_table *t, const struct open_file *f);

/** Write one more entry of files.img. */
int file_table_write(struct dump *d, const FileEntry *e, struct error *err);

/** Find the row, let it dump, write the entry under an id. Refuses what no row takes. */
int file_table_add(struct dump *d, struct open_file *f, uint32_t id, FdTypes *type,
		   struct error *err);

/** "pid 12 (cat): fd 5": whose file this is; for messages. @return out. */
const char *file_holder(const struct open_file *f, char *out, size_t len);
/** "file[1c:2f0]": mount and inode in hexadecimal, as --external names files. @return out. */
const char *file_external_name(const struct open_file *f, char *out, size_t len);
/** Did --external name it? */
bool file_is_left_outside(const struct dump *d, const struct open_file *f);
/** Name what nobody can dump. @return -ENOTSUP, always. */
int file_refuse(const struct open_file *f, struct error *err);
/** A reason to refuse that holds before any row is asked, or NULL. */
const struct unsupported *file_unsupported(const struct open_file *f);
int file_refuse_as(const struct open_file *f, const struct unsupported *why, struct error *err);
/** The path leads somewhere else now: deleted, renamed over, or covered by a mount. */
int file_refuse_moved(const struct open_file *f, struct error *err);
/** Its mount is in no mount namespace of the tree: never was, or not any more. */
int file_refuse_unmounted(const struct open_file *f, struct error *err);

/** Owner of a description and its signal: fcntl(F_GETOWN_EX, F_GETSIG). @param out  allocated */
int owner_dump(const struct dump *d, const struct open_file *f, FownEntry **out, struct error *err);
int owner_check(const FownEntry *o, struct error *err);

/** After the last task: the sizes of pipes nobody reads; warn of those that lead out of the tree.
 */
int pipes_finish(struct dump *d, struct error *err);

/** When every descriptor is known: find what epoll instances watch, refuse, write them. */
int epolls_settle(struct dump *d, struct error *err);
void epolls_free(struct file_table *t);

/** When the descriptors of all tasks are seen: sessions and pairs of terminals. tty-info.img. */
int tty_dump_check(struct dump *d, struct error *err);
/** Complete tty-data.img, last of all: what waits in terminals is read and put back. */
int tty_data_dump(struct dump *d, struct error *err);
void tty_table_fini(struct tty_table *t);

/**
 * The id of what a link in /proc/PID leads to.
 * @param link  "cwd"; @param what  a FILE_* value; @param addr  of a mapping, for messages
 */
int files_dump_link(struct dump *d, struct task *t, const char *link, int what, uint64_t addr,
		    uint32_t *id, struct error *err);
int fs_dump(struct dump *d, struct task *t, struct error *err);
