/* SPDX-License-Identifier: MIT
 * Inside sinks: members that wait in a staging directory become an archive.
 */
#pragma once

#include "images/sink-stage.h"

struct archive;

/* Kinds of archives, by the suffix of their names. */
struct archive_form {
	const char *suffix;
	int filter;      /* libarchive's */
	unsigned levels; /* of compression, from 1; 0: it is not compressed */
};
/** NULL: a name of no archive. */
const struct archive_form *archive_form_of(const char *path);
/** Is it a name of an archive, but of none that is written here? Such a directory nobody wants. */
bool archive_form_is_foreign(const char *path);
/**
 * Compress what is written.
 * @param filter  of a form, or of an archive that was read
 * @return ARCHIVE_OK, or an error of libarchive
 */
int archive_filter_add(struct archive *out, int filter);
#define ARCHIVE_NAMES "a name that ends in .tar, .tar.gz or .tar.zst"
/** Write all members to fd, in their order. @param path  its suffix chooses the compression */
int sink_archive_write(struct sink_stage *stage, int fd, const char *path, struct error *err);
/**
 * Copy the archive `old` to fd with the members of the stage in their place.
 * @param path  its suffix chooses the compression; NULL: that of `old`
 */
int sink_archive_rewrite(struct sink_stage *stage, const char *old, const char *path, int fd,
			 struct error *err);
