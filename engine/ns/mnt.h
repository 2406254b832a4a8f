/* SPDX-License-Identifier: MIT
 * Mount namespaces: callbacks of their row in ns.c.
 */
#pragma once

#include "engine/ns/ns.h"
#include "engine/ns/user.h"

/** Read its mounts. */
int mntns_collect(struct dump *d, const struct ns_seen *ns, struct error *err);
int mntns_dump(struct dump *d, const struct ns_seen *ns, struct error *err);

/** Once all are read: what is external, and what nobody could restore is refused. */
int mntns_settle(struct dump *d, struct error *err);
/** The number of the mount an open file is on, as the images have it; -1: it is none of the tree's.
 */
int mntns_id_of(const struct dump *d, int fd);
/** Any mount of a file system. @param dev  as images have it @return its number; -1: none */
int mntns_of_dev(const struct dump *d, uint32_t dev);
/**
 * Stand where a path leads to its file: in the namespace of the mount it is on, with nothing on top
 * of it, or where the task is.
 * @param mnt_id  of mntns_id_of()
 * @param back    for ns_mount_leave()
 */
int mntns_enter(const struct dump *d, const struct task *t, int mnt_id, const char *path,
		struct ns_mount_place *back, struct error *err);

/** Read and check all mounts of the tree, and plan how they are made. */
int mntns_load(struct restore *r, uint32_t id, struct error *err);
/** One is joined, so none is made: were all tasks in one? */
int mntns_join(struct restore *r, struct error *err);
/** In the builder, before any namespace is made: open what is outside of the tree. */
int mntns_open(struct restore *r, struct error *err);
/**
 * In the builder: make every mount that can be made before there is a task. Afterwards this process
 * is in the namespace of the tree, and keeps the one it made things in until it ends.
 */
int mntns_fill(struct restore *r, uint32_t id, struct error *err);
/**
 * The rest, once the root task is there: what shows processes, propagation, what is read-only.
 * @param pidns  the tree's pid namespace; -1: it has none of its own
 */
int mntns_finish(struct restore *r, int pidns, struct error *err);

/** In the coordinator, once they are made: take the namespaces over from the builder. */
int mntns_adopt(struct restore *r, pid_t builder, struct error *err);
struct mnt_standing {
	int before;            /* the namespace */
	size_t moved;          /* how many mounts are elsewhere for the moment */
	uint32_t as[ID_KINDS]; /* who made files before, userns_files_as_owner() */
};
/**
 * A path leads from here on to what it led to where this mount is, without what is on top of it.
 * @param mnt_id  of the images; -1, or one that is not known: where the root task is
 * @param back    for mntns_stand_back(), which has to follow; visits may be nested
 */
int mntns_stand(struct restore *r, int mnt_id, const char *path, struct mnt_standing *back,
		struct error *err);
int mntns_stand_back(struct restore *r, struct mnt_standing *back, struct error *err);
/**
 * What a path on one mount is on another one of the same file system.
 * @param from, to  numbers of the images, -1 for not known; @param out  PATH_MAX bytes
 * @return false: there is none
 */
bool mntns_translate(const struct restore *r, int from, const char *path, int to, char *out);
/** The next mount of the same file system. @param at  0 to begin @return its number; -1: no more */
int mntns_of_same(const struct restore *r, int mnt_id, size_t *at);
/** Are its mount namespaces several, and this one of them? @param id  of the images */
bool mntns_is_nested(const struct restore *r, uint32_t id);
/** Another descriptor of one of them. @return it, owned by the caller; -errno */
int mntns_open_again(const struct restore *r, uint32_t id, int flags, struct error *err);
/** In a task: enter the namespace it was in. */
int mntns_enter_own(const struct restore *r, const struct rtask *t, struct error *err);
/** Is a file on a mount that is made only once the root task is there? */
bool mntns_is_late(const struct restore *r, int mnt_id, const char *path);
