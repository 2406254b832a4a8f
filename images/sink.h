/* SPDX-License-Identifier: MIT
 * Where a rewritten set of images goes: a directory or an archive, whole or not at all.
 */
#pragma once

#include "base/error.h"
#include "base/progress.h"
#include "images/source.h"

/*
 * Members are written one after the other. Until sink_commit() nothing can be seen under the
 * final names; sink_close() without it removes what was written. What a sink is made of is confined
 * (source_confine()): no file of a new set comes from outside of the old one.
 *
 * - a new directory is written beside its place, then renamed; it must not exist or be empty
 * - a new archive likewise; tar, tar.gz or tar.zst by its suffix
 * - an archive from another one: as in place, but under another name, compressed as its suffix says
 * - in place, a directory: a single file is renamed to its place; else a directory is made
 *   beside it with the changed files and links to the others, and the two change places; or,
 *   where that cannot be (mount points, the working directory, access control lists), changed
 *   files are written beside the old ones and renamed one by one: not whole when killed in between
 * - in place, an archive: rewritten beside it; members nobody wrote are copied in their old order
 *   with their old headers; compression, prefix and order stay
 */
struct sink;

/** A new directory or archive: an archive when the name ends in .tar, .tar.gz, .tgz, .tar.zst. */
int sink_create(const char *path, struct sink **out, struct error *err);
/**
 * The images of a new set go to the folder they have in a checkpoint of a container, "checkpoint",
 * if that is what the source is, and its documents beside it. Call it before the first member.
 */
int sink_take_layout(struct sink *sink, struct source *src, struct error *err);
/**
 * Replace members of an opened source.
 * @param src   borrowed until sink_close(); @param path  what source_open() was given
 */
int sink_in_place(struct source *src, const char *path, struct sink **out, struct error *err);

/**
 * A new archive with what an opened archive has, and members replaced.
 * @param src   borrowed until sink_close(); @param path  what source_open() was given
 */
int sink_create_from(struct source *src, const char *path, const char *out_path, struct sink **out,
		     struct error *err);
/** Does the new set get the members that nobody writes or removes? */
bool sink_keeps_rest(const struct sink *sink);

/**
 * Begin a member.
 * @param name  as dup_member_file() says; in new directories it may have folders: "volumes/v.tar"
 * @return a descriptor to write to (a regular file: seek, splice and holes work), owned by the
 *         sink; -EEXIST when the member was written before; -EINVAL for a name that leads
 *         elsewhere; -errno
 */
int sink_begin(struct sink *sink, const char *name, struct error *err);
/** The member is complete. */
int sink_end(struct sink *sink, struct error *err);
/** Begin, copy a member as it is stored, with holes, time and permissions, end. */
int sink_copy(struct sink *sink, struct source *src, const struct source_member *m,
	      struct error *err);
/** A folder, which stays empty when no member is in it. @param path  without a slash at its end */
int sink_folder(struct sink *sink, const char *path, struct error *err);
/** Those of a source that nothing is in; one that is there already is left alone. */
int sink_copy_folders(struct sink *sink, struct source *src, struct error *err);
/** In a directory: a symbolic link, as "parent" is. */
int sink_link(struct sink *sink, const char *name, const char *target, struct error *err);
/** Was this member written, linked or removed? */
bool sink_has(struct sink *sink, const char *name);
/** This member goes away, or is not copied to the new set. */
int sink_remove(struct sink *sink, const char *name, struct error *err);

/** Copies, and archives when they are written, go through it. NULL: nobody watches. Borrowed. */
void sink_watch(struct sink *sink, struct progress *progress);

/** Give everything its final name; a failure leaves the old files. */
int sink_commit(struct sink *sink, struct error *err);
void sink_close(struct sink *sink);
/** Release it and leave all files alone: a process forked since has committed or closed it. */
void sink_leave(struct sink *sink);

static inline void sink_cleanup_(struct sink **sink)
{
	sink_close(*sink);
}
#define auto_sink __attribute__((cleanup(sink_cleanup_))) struct sink *
