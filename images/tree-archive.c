/* SPDX-License-Identifier: MIT
 * Trees of files through libarchive, both directions.
 */
#include "images/tree-archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#define PIECE (256 * 1024)

struct job {
	struct archive *in, *out;
	struct archive_entry_linkresolver *links;
	const char *name; /* for messages */
	struct istream *stream;
	void *buf;
};

static int fail(const struct job *j, struct archive *a, struct error *err)
{
	const char *why = archive_error_string(a);
	return error_set(err, EIO, "%s: %s", j->name, why ? why : "libarchive failed");
}

static void job_fini(struct job *j)
{
	if (j->in)
		archive_read_free(j->in);
	if (j->out)
		archive_write_free(j->out);
	if (j->links)
		archive_entry_linkresolver_free(j->links);
	free(j->buf);
}

/* In that directory, as libarchive takes paths. @return the one before, or -errno */
static int enter(int dir, struct error *err)
{
	auto_fd back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || fchdir(dir) < 0)
		return error_sys(err, "change the current directory");
	return take_fd(back);
}

static int leave(int back, int rc, struct error *err)
{
	if (fchdir(back) < 0 && rc == 0)
		rc = error_sys(err, "change the current directory back");
	close(back);
	return rc;
}

/* Into the archive. */

static int write_open(struct job *j, int fd, struct error *err)
{
	j->in = archive_read_disk_new();
	j->out = archive_write_new();
	j->links = archive_entry_linkresolver_new();
	if (!j->in || !j->out || !j->links)
		return error_set(err, ENOMEM, "out of memory");
	if (archive_read_disk_set_symlink_physical(j->in) != ARCHIVE_OK ||
	    archive_read_disk_set_behavior(j->in, ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS) !=
		ARCHIVE_OK ||
	    archive_read_disk_open(j->in, ".") != ARCHIVE_OK)
		return fail(j, j->in, err);
	if (archive_write_set_format_pax(j->out) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(j->out) != ARCHIVE_OK ||
	    archive_write_set_filter_option(j->out, "gzip", "compression-level", "1") !=
		ARCHIVE_OK ||
	    archive_write_open_fd(j->out, fd) != ARCHIVE_OK)
		return fail(j, j->out, err);
	archive_entry_linkresolver_set_strategy(j->links, archive_format(j->out));
	return 0;
}

static int put_data(struct job *j, struct error *err)
{
	const void *bytes;
	size_t len;
	la_int64_t offset;
	int got;
	la_int64_t at = 0;
	static const char zeros[4096];
	while ((got = archive_read_data_block(j->in, &bytes, &len, &offset)) == ARCHIVE_OK) {
		/* holes are in the header; their bytes are passed over by the writer */
		while (at < offset) {
			size_t gap = (size_t)(offset - at) < sizeof(zeros) ? (size_t)(offset - at)
									   : sizeof(zeros);
			if (archive_write_data(j->out, zeros, gap) < 0)
				return fail(j, j->out, err);
			at += (la_int64_t)gap;
		}
		if (len && archive_write_data(j->out, bytes, len) < 0)
			return fail(j, j->out, err);
		at += (la_int64_t)len;
	}
	return got == ARCHIVE_EOF ? 0 : fail(j, j->in, err);
}

static int put_entry(struct job *j, struct archive_entry *entry, struct error *err)
{
	struct archive_entry *spare = NULL;
	if (archive_entry_filetype(entry) == AE_IFSOCK)
		return 0;
	archive_entry_linkify(j->links, &entry, &spare);
	if (!entry)
		return 0;
	if (archive_write_header(j->out, entry) < ARCHIVE_WARN)
		return fail(j, j->out, err);
	return archive_entry_size(entry) > 0 ? put_data(j, err) : 0;
}

static int put_all(struct job *j, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	int rc = entry ? 0 : error_set(err, ENOMEM, "out of memory"), got = ARCHIVE_OK;
	while (rc == 0 && (got = archive_read_next_header2(j->in, entry)) == ARCHIVE_OK) {
		rc = put_entry(j, entry, err);
		if (rc == 0 && archive_read_disk_descend(j->in) < ARCHIVE_WARN)
			rc = fail(j, j->in, err);
		archive_entry_clear(entry);
	}
	if (rc == 0 && got != ARCHIVE_EOF)
		rc = fail(j, j->in, err);
	if (rc == 0 && archive_write_close(j->out) != ARCHIVE_OK)
		rc = fail(j, j->out, err);
	if (entry)
		archive_entry_free(entry);
	return rc;
}

int tree_archive_write(int dir, int fd, const char *name, struct error *err)
{
	struct job j = { .name = name };
	int back = enter(dir, err);
	int rc = back < 0 ? back : write_open(&j, fd, err);
	if (rc == 0)
		rc = put_all(&j, err);
	if (back >= 0)
		rc = leave(back, rc, err);
	job_fini(&j);
	return rc;
}

/* Out of it. */

#define EXTRACT_AS_IT_WAS                                                                          \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |                     \
	 ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SPARSE)
#define EXTRACT_NOWHERE_ELSE                                                                       \
	(ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |                       \
	 ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

static la_ssize_t read_stream(struct archive *a, void *ctx, const void **bytes)
{
	struct job *j = ctx;
	(void)a;
	*bytes = j->buf;
	return istream_read(j->stream, j->buf, PIECE, NULL);
}

static int extract_open(struct job *j, struct error *err)
{
	j->in = archive_read_new();
	j->out = archive_write_disk_new();
	j->buf = io_buffer(PIECE);
	if (!j->in || !j->out || !j->buf)
		return error_set(err, ENOMEM, "out of memory");
	archive_read_support_filter_gzip(j->in);
	archive_read_support_format_tar(j->in);
	archive_read_set_read_callback(j->in, read_stream);
	archive_read_set_callback_data(j->in, j);
	archive_write_disk_set_options(j->out, EXTRACT_AS_IT_WAS | EXTRACT_NOWHERE_ELSE);
	return archive_read_open1(j->in) == ARCHIVE_OK ? 0 : fail(j, j->in, err);
}

static int extract_all(struct job *j, struct error *err)
{
	struct archive_entry *entry;
	int got;
	while ((got = archive_read_next_header(j->in, &entry)) == ARCHIVE_OK ||
	       got == ARCHIVE_WARN) {
		if (archive_read_extract2(j->in, entry, j->out) != ARCHIVE_OK) {
			int rc = fail(j, j->in, err);
			return error_wrap(err, rc, "%.300s", archive_entry_pathname(entry));
		}
	}
	if (got != ARCHIVE_EOF)
		return fail(j, j->in, err);
	return archive_write_close(j->out) == ARCHIVE_OK ? 0 : fail(j, j->out, err);
}

int tree_archive_extract(struct istream *in, int dir, const char *name, struct error *err)
{
	struct job j = { .name = name, .stream = in };
	int back = enter(dir, err);
	int rc = back < 0 ? back : extract_open(&j, err);
	if (rc == 0)
		rc = extract_all(&j, err);
	if (back >= 0)
		rc = leave(back, rc, err);
	job_fini(&j);
	return rc;
}
