/* SPDX-License-Identifier: MIT
 * A file as a member of an archive that is written, with its holes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/progress.h"

struct archive;
struct archive_entry;

#define ARCHIVE_PIECE (256 * 1024)

struct archive_out {
	struct archive *archive;
	const char *name; /* for messages */
	char *buf;        /* ARCHIVE_PIECE bytes of io_buffer() */
	struct progress *progress;
};

/** Did reading it fail because it is none of the kinds that are read? */
bool archive_is_foreign(struct archive *in);
/** What libarchive says of a failure. @return its errno, negative; -EIO where it has none */
int archive_out_error(const struct archive_out *out, struct error *err);
/**
 * Header and bytes. Holes are kept where the format can tell of them, short ones of a file with
 * thousands are stored as zeros.
 * @param entry  with path, owner, permissions, time; the rest is set here
 * @param path   for messages
 */
int archive_put_file(const struct archive_out *out, struct archive_entry *entry, int fd, off_t size,
		     const char *path, struct error *err);
int archive_put(const struct archive_out *out, const void *bytes, size_t len, struct error *err);
/**
 * Zeros, which the writer passes over where the header says that there is a hole. libarchive 3.6
 * breaks a file that is all hole when it is given none.
 */
int archive_put_hole(const struct archive_out *out, uint64_t len, struct error *err);
