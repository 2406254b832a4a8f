/* SPDX-License-Identifier: MIT
 * Files into archives. The header lists where a file has bytes; the writer is given all of it, and
 * passes over what lies between.
 */
#include "images/archive-file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

/*
 * Of a file, in its header: two numbers each. Some readers take no more than 1 MiB for all of them
 * (archive/tar of Go, with which podman reads checkpoints).
 */
enum { EXTENTS_MAX = 32768 };

/* So much of a hole is given to libarchive at once, which looks at none of it. */
#define HOLE_PIECE (64 * 1024 * 1024)

/* Its format is set with the first header; filters fail without one, too, but with another error.
 */
bool archive_is_foreign(struct archive *in)
{
	return !archive_format(in) && archive_errno(in) == EILSEQ;
}

int archive_out_error(const struct archive_out *out, struct error *err)
{
	const char *why = archive_error_string(out->archive);
	/* of a write libarchive says that it failed, and only here why */
	int code = archive_errno(out->archive);
	if (code > 0 && code != EINVAL)
		return error_code(err, code, "write %s", out->name);
	return error_set(err, EIO, "write %s: %s", out->name, why ? why : "libarchive failed");
}

/* The next bytes at or behind `at`; holes shorter than this count as such. @return false: none */
static bool next_extent(int fd, off_t at, off_t size, off_t shortest, off_t *start, off_t *end)
{
	*start = at < size ? lseek(fd, at, SEEK_DATA) : size;
	if (*start >= size || (*start < 0 && errno == ENXIO))
		return false;
	if (*start < 0) { /* whatever there is then, is read */
		*start = at;
		*end = size;
		return true;
	}
	for (*end = *start; *end < size;) {
		off_t hole = lseek(fd, *end, SEEK_HOLE);
		*end = hole < 0 || hole > size ? size : hole;
		off_t next = *end < size ? lseek(fd, *end, SEEK_DATA) : -1;
		if (next < 0 || next >= size || next - *end >= shortest)
			break;
		*end = next;
	}
	return true;
}

/* @return how many parts have bytes; EXTENTS_MAX: these or more */
static unsigned list_extents(struct archive_entry *entry, int fd, off_t size, off_t shortest)
{
	unsigned nr = 0;
	off_t start, end = 0;
	archive_entry_sparse_clear(entry);
	while (nr < EXTENTS_MAX && next_extent(fd, end, size, shortest, &start, &end)) {
		archive_entry_sparse_add_entry(entry, start, end - start);
		nr++;
	}
	return nr;
}

static void set_holes(struct archive_entry *entry, int fd, off_t size)
{
	off_t first = size ? lseek(fd, 0, SEEK_HOLE) : -1;
	archive_entry_sparse_clear(entry);
	if (first < 0 || first >= size)
		return; /* none, or a file system that does not know */
	off_t shortest = 1;
	unsigned nr;
	while ((nr = list_extents(entry, fd, size, shortest)) == EXTENTS_MAX)
		shortest = shortest == 1 ? 8192 : 2 * shortest;
	if (!nr)
		archive_entry_sparse_add_entry(entry, 0, 0); /* nothing but a hole */
}

int archive_put(const struct archive_out *out, const void *bytes, size_t len, struct error *err)
{
	if (archive_write_data(out->archive, bytes, len) != (la_ssize_t)len)
		return archive_out_error(out, err);
	progress_add(out->progress, len);
	return 0;
}

/* Of memory that is not there as long as nobody reads it. */
int archive_put_hole(const struct archive_out *out, uint64_t len, struct error *err)
{
	size_t room = len < HOLE_PIECE ? (size_t)len : HOLE_PIECE;
	if (!len)
		return 0;
	void *zeros =
	    mmap(NULL, room, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (zeros == MAP_FAILED)
		return error_sys(err, "write %s", out->name);
	int rc = 0;
	for (uint64_t left = len; rc == 0 && left;) {
		size_t part = left < room ? (size_t)left : room;
		rc = archive_put(out, zeros, part, err);
		left -= part;
	}
	munmap(zeros, room);
	return rc;
}

static int put_bytes(const struct archive_out *out, int fd, off_t at, off_t end, const char *path,
		     struct error *err)
{
	int rc = 0;
	while (rc == 0 && at < end) {
		size_t want = end - at < ARCHIVE_PIECE ? (size_t)(end - at) : ARCHIVE_PIECE;
		ssize_t n = fd_pread_full(fd, out->buf, want, at);
		if (n <= 0)
			return n < 0 ? error_code(err, (int)n, "read %s", path)
				     : error_set(err, EIO, "%s became shorter while it was read",
						 path);
		rc = archive_put(out, out->buf, (size_t)n, err);
		at += n;
	}
	return rc;
}

int archive_put_file(const struct archive_out *out, struct archive_entry *entry, int fd, off_t size,
		     const char *path, struct error *err)
{
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_hardlink(entry, NULL);
	archive_entry_set_size(entry, size);
	set_holes(entry, fd, size);
	if (archive_write_header(out->archive, entry) < ARCHIVE_WARN)
		return archive_out_error(out, err);
	int rc = 0;
	for (off_t at = 0, start, end; rc == 0 && at < size; at = end) {
		if (!next_extent(fd, at, size, 1, &start, &end))
			start = end = size;
		rc = archive_put_hole(out, (uint64_t)(start - at), err);
		if (rc == 0)
			rc = put_bytes(out, fd, start, end, path, err);
	}
	return rc;
}
