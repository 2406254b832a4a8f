/* SPDX-License-Identifier: MIT
 * Namespaces: which ones a tree has, their numbers in images, and how a restore gets into them.
 *
 * Dump: each namespace some task is in has a number, which ids-PID.img of the task tells and which
 * its images have in their names. The engine's own have fixed ones, and no images.
 *
 * Restore: the namespaces of the root task that were not the dumper's are made again by a process
 * that exists for that, the builder. The coordinator then enters them (but for pid and user), so
 * that everything it opens and everybody it bears is in them, and goes back at the end.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/ns-kinds.h"
#include "engine/context/restore.h"

struct ns_seen {
	enum ns_kind kind;
	ino_t ino;
	uint32_t id;               /* of its images */
	bool own;                  /* the engine is in it, too: nothing to dump */
	const struct task *member; /* one of the tasks in it; NULL: it is only held, */
	int fd;                    /* by a descriptor that leads to it; else -1 */
	char holder[80];           /* which one that is, for messages; "": nobody has told */
	struct user_maps *users;   /* of a user namespace inside of the root's; else NULL */
	uint32_t owner;            /* the one of those it belongs to; 0: another */
};

struct ns_visit {
	int back;                 /* where the engine was */
	const struct ns_row *row; /* NULL: it stayed */
};

struct ns_table {
	struct ns_seen *items;
	size_t nr, cap;
	struct ns_visit
	    stays[2];        /* until ns_dump_end(); row is NULL where it is the engine's own */
	ino_t own[NS_KINDS]; /* of the engine */
	uint32_t net_here;   /* the network namespace the engine is in */
};

struct ns_row {
	const char *name; /* in /proc/PID/ns */
	int flag;         /* CLONE_NEW… */
	size_t has, id;   /* offsets in TaskKobjIdsEntry */
	bool nested;      /* tasks may be in others than the root is, */
	bool below_own;   /* even where that one is the engine's own, */
	bool alone;       /* such others are made one by one: ns/nested.h */
	bool owned;       /* and may belong to a user namespace inside of the root's */
	bool held;        /* those that no task is in are carried: ns/held.h */
	bool inside;      /* dump is called in the namespace */
	bool own_too;     /* and also for that of the engine */
	/** Load the libraries its dump takes, while the tree still runs. That it fails is said
	 * later. */
	void (*preload)(void);
	/** The one that is fresh, in /proc/PID/ns. NULL: as name */
	const char *fresh;
	/** Make a fresh one, of single tasks. NULL: by unshare(2) */
	int (*make)(struct restore *r, uint32_t id, struct error *err);
	/** The same from outside. @return its descriptor. NULL: by who enters it */
	int (*make_fd)(struct restore *r, uint32_t id, struct error *err);
	/** Look at it, and refuse what cannot be carried, before anything is written. */
	int (*collect)(struct dump *d, const struct ns_seen *ns, struct error *err);
	/** Write its images. NULL: it has none */
	int (*dump)(struct dump *d, const struct ns_seen *ns, struct error *err);
	/** --join-ns: can the tree live in given[]? NULL: in any */
	int (*join)(struct restore *r, struct error *err);
	/** Read and check them, before anything is made. */
	int (*load)(struct restore *r, uint32_t id, struct error *err);
	/** By the coordinator, from outside: the namespace is there and empty, fd leads to it. */
	int (*prepare)(struct restore *r, uint32_t id, int fd, struct error *err);
	/** In the builder, in the fresh namespace: bring it to the state it had. */
	int (*fill)(struct restore *r, uint32_t id, struct error *err);
	/** In it, in the builder, when all tasks are born and all it holds is made. */
	int (*finish)(struct restore *r, uint32_t id, struct error *err);
};
extern const struct ns_row ns_rows[NS_KINDS];
/** By CLONE_NEW…. @return NS_KINDS: there is none */
enum ns_kind ns_kind_of(uint32_t flag);
/** Does the builder make those one by one that no task is in? */
static inline bool ns_is_made_apart(enum ns_kind kind)
{
	return kind != NS_KINDS && ns_rows[kind].alone;
}

/** Before the tree is frozen: what takes time and can be done already. */
void ns_preload(const struct dump *d);
/** Give every namespace of every task its number; refuse what cannot be dumped. */
int ns_collect(struct dump *d, struct error *err);
/** Refuse threads that are apart from their task. Reads only. */
int ns_check_threads(const struct dump *d, struct error *err);
/** The engine enters the IPC and network namespaces of the tree until ns_dump_end(): numbers of
 *  System V objects and tables of sockets are those the tasks know. */
int ns_dump_begin(struct dump *d, struct error *err);
/** The number of the one a dumping engine is in itself, as CRIU has them. */
static inline uint32_t ns_own_id(enum ns_kind kind)
{
	return (uint32_t)kind + 1;
}
/** The number of the one a task is in. */
uint32_t ns_id(const struct task *t, enum ns_kind kind);
/** Is the tree's root in another one than the engine? */
bool ns_is_apart(const struct dump *d, enum ns_kind kind);
/** Have tasks, or descriptors, several of a kind? */
bool ns_are_several(const struct dump *d, enum ns_kind kind);
/** Write the images of all that are not the engine's own. */
int ns_dump(struct dump *d, struct error *err);
/** Its descriptor, owned by the caller; or -errno */
int ns_open(const struct task *t, enum ns_kind kind, struct error *err);
int ns_seen_open(const struct ns_seen *ns, struct error *err);
/** "pid 7 (name)", or the descriptor that holds it. @return out */
const char *ns_seen_holder(const struct ns_seen *ns, char *out, size_t len);
/** By inode number, or by the number in images; NULL: none of the tree's */
const struct ns_seen *ns_find(const struct dump *d, enum ns_kind kind, ino_t ino);
const struct ns_seen *ns_find_id(const struct dump *d, enum ns_kind kind, uint32_t id);
/**
 * One more, that no task of the tree is in.
 * @param fd  leads to it; duplicated. @param out  valid until the next one is added
 */
int ns_add_held(struct dump *d, enum ns_kind kind, int fd, const struct ns_seen **out,
		struct error *err);
/** Note which descriptor it is. @param what  "pid 7 (name): fd 5" */
void ns_note_holder(const struct dump *d, const struct ns_seen *ns, const char *what);
/** One more, that a task has made. */
int ns_add_member(struct dump *d, enum ns_kind kind, ino_t ino, const struct task *member,
		  const struct ns_seen **out, struct error *err);
/** Enter a namespace of a task; not for mounts, pids and users. */
int ns_visit_begin(const struct task *t, enum ns_kind kind, struct ns_visit *visit,
		   struct error *err);
int ns_visit_seen(const struct ns_seen *ns, struct ns_visit *visit, struct error *err);
int ns_visit_fd(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err);
/** The same, or stay where one is (-1); either way until ns_visit_end(). */
int ns_visit_if(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err);
int ns_visit_end(struct ns_visit *visit, struct error *err);
void ns_dump_end(struct dump *d);
void ns_table_free(struct ns_table *table);
/** The numbers of the engine's own namespaces, as inventory.img tells them. */
void ns_own_ids(TaskKobjIdsEntry *ids);
void ns_task_ids(const struct task *t, TaskKobjIdsEntry *ids);
/** 0: the image does not tell */
uint32_t ns_id_of(const TaskKobjIdsEntry *ids, enum ns_kind kind);

/**
 * Stand in a mount namespace of the tree, so that paths mean what they mean to the task; nothing
 * happens where it is the engine's own. /proc stays reachable by procfs/root.h.
 * @param back  to be given to ns_mount_leave()
 */
struct ns_mount_place {
	int ns, root, cwd; /* ns is -1 when nothing was entered */
};
int ns_mount_enter(const struct task *t, struct ns_mount_place *back, struct error *err);
int ns_mount_enter_seen(const struct ns_seen *ns, struct ns_mount_place *back, struct error *err);
int ns_mount_leave(struct ns_mount_place *back, struct error *err);

/** A living task of it; NULL: there is none */
const struct rtask *ns_inhabitant(const struct restore *r, enum ns_kind kind, uint32_t id);
/** By a row's load: the tree gets this namespace of the caller, which stays as it is.
 *  @param fd  duplicated */
int ns_give(struct restore *r, enum ns_kind kind, int fd, struct error *err);
/** Which namespaces the tree had apart; their images are read. After the tasks' ids. */
int ns_load(struct restore *r, struct error *err);
/** Make them, call the hooks that wait for them, and enter them. */
int ns_make(struct restore *r, struct error *err);
/** In a process that is to bear the root: enter the user namespace, if there is one. */
int ns_enter_user(const struct restore *r, struct error *err);
/** Who has the descriptors that tasks fetch: this process, or who is in their user namespace. */
pid_t ns_holder(const struct restore *r);
/** Give that process one, under the same number. */
int ns_lend(struct restore *r, int fd, struct error *err);
/** Children of this process are born into the tree's pid namespace until ns_visit_end(). */
int ns_visit_pids(const struct restore *r, struct ns_visit *visit, struct error *err);
/** What can be filled only once the root is born: file systems that show its processes. */
int ns_finish(struct restore *r, struct error *err);
/** Once everybody is born and every file open: the coordinator goes back to where it was, and the
 *  builder ends. */
int ns_leave_files(struct restore *r, struct error *err);
/** Enter the network namespace of the tree once more, until ns_visit_end(). */
int ns_net_visit(struct restore *r, struct ns_visit *visit, struct error *err);
/** After a failure. Safe to call twice. */
void ns_leave(struct restore *r);
/** Did the root have this one apart from the dumper's? */
bool ns_restores(const struct restore *r, enum ns_kind kind);
void ns_set_free(struct ns_set *set);
