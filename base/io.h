/* SPDX-License-Identifier: MIT
 * Whole reads and writes on descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

struct progress; /* base/progress.h */

/**
 * Memory for pages on their way from one file to another, to be released with free(). It begins
 * where a page does: processors of AMD copy a page at a third of the speed to a place some bytes
 * into another, which is where malloc puts large blocks. NULL: out of memory.
 */
void *io_buffer(size_t len);

/** Read until len bytes or end of file. @return bytes read, or -errno. */
ssize_t fd_read_full(int fd, void *buf, size_t len);
/** As fd_read_full(), at an offset, without moving the file position. */
ssize_t fd_pread_full(int fd, void *buf, size_t len, off_t offset);
/** Write all of it. @return 0 or -errno (a short write is -EIO). */
int fd_write_full(int fd, const void *buf, size_t len);

/**
 * One regular file to an empty one, holes included, inside the kernel.
 * @param progress  may be NULL
 * @return 0 or -errno
 */
int fd_copy(int in, int out, struct progress *progress);

/** Nothing but zeros? So is nothing at all. */
bool bytes_are_zero(const void *bytes, size_t len);

/** As fd_write_full(), at an offset, without moving the file position. */
int fd_pwrite_full(int fd, const void *buf, size_t len, off_t offset);
/** The same, but pages of 4096 bytes that hold nothing but zeros are left to the file's holes. */
int fd_pwrite_sparse(int fd, const void *buf, size_t len, off_t offset);

/**
 * Read a whole file, of unknown size (such as /proc), below a directory.
 * @param dirfd  directory, or AT_FDCWD; @param out  appended to
 * @return 0; -errno with "open|read PATH: …"
 */
int file_read_at(int dirfd, const char *path, struct strbuf *out, struct error *err);
