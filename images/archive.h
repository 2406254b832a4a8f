/* SPDX-License-Identifier: MIT
 * The table of contents of a tar archive and streams over its members; names are only compared.
 */
#pragma once

#include "images/source.h"

/* Bytes of a file with holes, as they lie in the archive. */
struct archive_extent {
	uint64_t plain, len; /* in the file */
	uint64_t at;         /* in the archive, when that is not compressed */
};

struct archive_member {
	char *path;       /* as stored */
	const char *bare; /* the same without "./" in front; members are sorted and found by it */
	char *link;       /* target of a symbolic or hard link, or NULL */
	bool hard;        /* the link is a hard one: the same bytes under another name */
	uint64_t size;    /* bytes; 0 for links */
	unsigned mode;    /* permissions */
	int64_t mtime_s;  /* seconds since 1970 */
	uint64_t ordinal; /* how many headers stand before it */
	uint64_t offset;  /* of its bytes in the file; UINT64_MAX: they are not there as they are */
	bool again;       /* another of this path comes before it, and is not listed */
	struct archive_extent *extents; /* of one with holes, in order; else NULL */
	size_t nr_extents;
	void *bytes; /* small member of a compressed archive, kept; or NULL */
};

struct archive_index;

/**
 * Read all headers. Takes the fd, also when it fails.
 * @param damage    as source_open_damaged(), or NULL
 * @param progress  as source_open_watched(), or NULL
 * @return 0; -EBADMSG: not a tar archive, or damaged
 */
int archive_index_open(int fd, const char *name, struct error *damage, struct progress *progress,
		       struct archive_index **out, struct error *err);
struct archive_index *archive_index_ref(struct archive_index *index);
void archive_index_unref(struct archive_index *index);

/** Files and links, sorted, each path once: the last of the archive, as tar extracts. */
size_t archive_index_members(const struct archive_index *index, const struct archive_member **out);
/** Folders with nothing in them, as stored, without a slash at their end. */
size_t archive_index_empty_folders(const struct archive_index *index, char *const **out);
/** The first that is neither a file, a folder nor a link; NULL: there is none. Borrowed. */
const char *archive_index_other(const struct archive_index *index);
/** @param path  with "./" in front or without. @return borrowed, or NULL. */
const struct archive_member *archive_index_find(const struct archive_index *index,
						const char *path);
/** Stream of a file or hard link; lives on its own. */
int archive_index_stream(struct archive_index *index, const struct archive_member *member,
			 const char *name, struct istream **out, struct error *err);
