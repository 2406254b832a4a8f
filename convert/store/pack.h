/* SPDX-License-Identifier: MIT
 * A directory of images as one tar archive, and an archive as a directory.
 */
#pragma once

#include "base/error.h"
#include "base/progress.h"
#include "images/sink-archive.h"
#include "images/source.h"

/**
 * Write the set and, in folders parent-1/, parent-2/ … of the archive, the sets before it. Links
 * of files that lead out of their set are refused, as are directories with no set in them.
 * @param src    a directory
 * @param level  of compression, of those the form has; 0: the usual one
 */
int pack_set(struct source *src, int fd, const char *name, const struct archive_form *form,
	     unsigned level, struct progress *progress, struct error *err);

/**
 * Files and folders of a tar archive, plain or compressed, into a directory. Refused: names that
 * lead outside, links other than a set's `parent` inside the archive, devices, what is there
 * already.
 * @param fd        the archive; read from where it stands
 * @param max_size  bytes that may be written, each member counts 4 KiB more
 */
int unpack_archive(int fd, const char *name, int dir_fd, uint64_t max_size,
		   struct progress *progress, struct error *err);
