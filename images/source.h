/* SPDX-License-Identifier: MIT
 * Where image bytes come from: a directory, an archive, standard input. Read in place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct progress; /* base/progress.h */
struct pid_map;  /* images/pid-map.h */

/* A readable byte stream; seekable when it is a file or an uncompressed archive member. */
struct istream;

/** @return bytes read (short only at the end), or -errno with err naming the stream. */
ssize_t istream_read(struct istream *in, void *buf, size_t len, struct error *err);
/** Skip forward. @return 0; -EBADMSG when the stream ends first. */
int istream_skip(struct istream *in, uint64_t len, struct error *err);
/** Read at an absolute offset without moving; -ESPIPE when the stream cannot. */
ssize_t istream_pread(struct istream *in, void *buf, size_t len, uint64_t offset,
		      struct error *err);
bool istream_seekable(const struct istream *in);
/**
 * Is there a large hole of the file, of which nothing has to be read to know that it is zero? A MiB
 * at either end of one counts as bytes, for who looks for what lies across.
 * @param len  looked at; set to how far that goes, at least a page, in whole pages from the offset
 */
bool istream_hole(struct istream *in, uint64_t offset, uint64_t *len);
uint64_t istream_offset(const struct istream *in); /* bytes consumed so far */
int64_t istream_size(const struct istream *in);    /* -1: unknown */
/** Takes the fd, also when it fails; a regular file is read from where it stands. */
int istream_open_fd(int fd, const char *name, struct istream **out, struct error *err);
/** Bytes that the caller keeps alive until the stream is closed. */
int istream_open_memory(const void *bytes, size_t len, const char *name, struct istream **out,
			struct error *err);
/** The descriptor behind a plain file (its offset 0 is byte 0), or -1. Borrowed. */
int istream_fd(const struct istream *in);
/**
 * The rest of it, to an empty regular file. Holes of a plain file stay holes, of others pages of
 * zeros become some.
 * @param name  for messages; @param progress  may be NULL
 */
int istream_copy(struct istream *in, int fd, const char *name, struct progress *progress,
		 struct error *err);
void istream_close(struct istream *in);

struct source;

/**
 * Open a directory or an archive (tar, also gzip or zstd compressed, whatever its name).
 * Nothing is extracted; member names are data and never resolved as paths.
 */
int source_open(const char *path, struct source **out, struct error *err);
/** The same; @param progress  started, moved on and ended while an archive is read */
int source_open_watched(const char *path, struct progress *progress, struct source **out,
			struct error *err);
/**
 * An archive by descriptor, duplicated; what cannot be read in any order, as a pipe, goes into a
 * temporary file first.
 */
int source_open_stream(int fd, const char *name, struct progress *progress, struct source **out,
		       struct error *err);
/**
 * The same of an archive that may be cut short or spoiled: with the members before that.
 * @param damage  code 0, or what is wrong
 */
int source_open_damaged(const char *path, struct source **out, struct error *damage,
			struct error *err);
/** A directory given by descriptor (dup'ed); @param name for messages. */
int source_open_dirfd(int dirfd, const char *name, struct source **out, struct error *err);
/** The source of the `parent` link of an incremental set; *out NULL when there is none. */
int source_open_parent(struct source *src, struct source **out, struct error *err);
/** The directory of that set, for the caller to close. @return descriptor; -ENOENT; -EINVAL:
 * archive */
int source_parent_fd(struct source *src, struct error *err);
/** Where the `parent` of a directory says that it leads: "../1". @return 0; -errno */
int source_parent_text(struct source *src, char *text, size_t size);
/**
 * From here on members come from the directory itself, and so do those of parents opened later: a
 * link that leads out of it is refused with -EXDEV. For who puts them into another set.
 */
int source_confine(struct source *src, struct error *err);
void source_close(struct source *src);
const char *source_name(const struct source *src);
bool source_is_archive(const struct source *src);
/**
 * Of an archive with several sets that do not lead to each other, the best is taken; which that is:
 * "one/, not two/, three/". NULL: there was nothing to choose. Borrowed.
 */
const char *source_choice(const struct source *src);
/**
 * Where a file of this name is in a directory, or would be: "checkpoint/core-1.img" in one of a
 * container. NULL: no memory.
 */
char *source_dup_path(const struct source *src, const char *name);

struct source_member {
	const char *name; /* without the archive's prefix for image members; borrowed */
	const char *path; /* as stored: with .zst for compressed page images */
	bool packed;      /* such a one: `path` has the suffix, `name` has not */
	bool own;         /* in the folder of the set itself, not elsewhere in the archive */
	uint64_t size;    /* bytes; of a compressed page image those it holds */
	unsigned mode;    /* permissions */
	int64_t mtime_s;  /* when it was written, seconds since 1970 */
};
/** Its file name as it is stored: that of a compressed page image has its suffix. NULL: no memory
 */
char *dup_member_file(const struct source_member *m);
/**
 * List members in name order (numbers inside names by value); what comes later is not in it.
 * @return number of members; *out is owned by the source, valid until it is closed
 */
ssize_t source_list(struct source *src, const struct source_member **out, struct error *err);
/** A stored path without the "./" that `tar -c .` puts in front; names are compared like this. */
const char *member_bare_path(const char *path);
/**
 * What source_list() calls the member of this stored path: "core-1.img" of
 * "./checkpoint/core-1.img". @return borrowed, as the list is; `path` itself when there is none
 */
const char *source_member_name(struct source *src, const char *path);

/** @param path  of a folder with nothing in it, or of a file, as stored, without a slash at its end
 */
typedef int (*source_folder_fn)(void *arg, const char *path, struct error *err);
/** Folders that source_list() says nothing of. @return 0; -errno, also that of the callback */
int source_empty_folders(struct source *src, source_folder_fn found, void *arg, struct error *err);
/**
 * A directory made of a source has its members, its empty folders, and what leads to the sets
 * before it. Is there anything else: folders, sockets, links that lead to no file?
 * @param folders  those of a directory do not count: whoever asks goes into them
 * @return 0; -EINVAL naming what there is
 */
int source_lacks_nothing(struct source *src, bool folders, struct error *err);
/** Members of an archive that another of the same path comes behind, which is the one to read. */
int source_doubles(struct source *src, source_folder_fn found, void *arg, struct error *err);
/**
 * Open a member by image file name, or by stored path. "pages-1.img" is also found compressed, as
 * "pages-1.img.zst", and decompressed as it is read. @return 0; -ENOENT.
 */
int source_open_member(struct source *src, const char *name, struct istream **out,
		       struct error *err);

/**
 * Keep members open, for when this process may not open them any more, as it becomes another user.
 * Each is read by one stream at a time then. Archives are open anyway.
 */
int source_hold(struct source *src, bool (*wanted)(const char *name), struct error *err);

/**
 * From here on images are read as if the set had other pids: image_open_typed() takes new ones, and
 * image_next() gives new ones. So do parents opened later.
 * @param map  borrowed; NULL: as it is
 */
void source_set_pids(struct source *src, const struct pid_map *map);
const struct pid_map *source_pids(const struct source *src);

static inline void istream_cleanup_(struct istream **in)
{
	istream_close(*in);
}
#define auto_istream __attribute__((cleanup(istream_cleanup_))) struct istream *
static inline void source_cleanup_(struct source **src)
{
	source_close(*src);
}
#define auto_source __attribute__((cleanup(source_cleanup_))) struct source *
