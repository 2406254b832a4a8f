/* SPDX-License-Identifier: MIT
 * Tars inside a set.
 */
#include "convert/audit/tar-walk.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define BLOCK (64 * 1024)

struct tar {
	struct istream *in;
	const char *name;
	struct archive *archive;
	struct error stream; /* of `in` */
	char block[BLOCK];
};

static la_ssize_t tar_read(struct archive *a, void *ctx, const void **block)
{
	(void)a;
	struct tar *tar = ctx;
	ssize_t n = istream_read(tar->in, tar->block, BLOCK, &tar->stream);
	*block = tar->block;
	return n < 0 ? -1 : n;
}

static int tar_error(const struct tar *tar, struct error *err)
{
	if (tar->stream.code)
		return error_set(err, tar->stream.code, "%s", tar->stream.text);
	const char *text = tar->archive ? archive_error_string(tar->archive) : NULL;
	return error_set(err, EBADMSG, "%s: not a tar: %s", tar->name, text ?: "out of memory");
}

static int tar_open(struct tar *tar, struct error *err)
{
	tar->archive = archive_read_new();
	if (!tar->archive || archive_read_support_filter_gzip(tar->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(tar->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(tar->archive) < ARCHIVE_WARN ||
	    archive_read_set_read_callback(tar->archive, tar_read) != ARCHIVE_OK ||
	    archive_read_set_callback_data(tar->archive, tar) != ARCHIVE_OK ||
	    archive_read_open1(tar->archive) != ARCHIVE_OK)
		return tar_error(tar, err);
	return 0;
}

ssize_t tar_member_read(void *tar_, void *buf, size_t len, struct error *err)
{
	struct tar *tar = tar_;
	la_ssize_t n = archive_read_data(tar->archive, buf, len);
	return n < 0 ? tar_error(tar, err) : n;
}

static int members_visit(struct tar *tar, tar_visit visit, void *arg, struct error *err)
{
	for (;;) {
		struct archive_entry *entry;
		int rc = archive_read_next_header(tar->archive, &entry);
		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc < ARCHIVE_WARN)
			return tar_error(tar, err);
		const char *name =
		    archive_entry_pathname(entry) ?: archive_entry_pathname_utf8(entry);
		int64_t size = archive_entry_size(entry);
		for (name = name ?: ""; *name == '/' || !strncmp(name, "./", 2);)
			name += *name == '/' ? 1 : 2;
		struct tar_member member = {
			.name = name,
			.mode =
			    (archive_entry_hardlink(entry) ? 0 : archive_entry_filetype(entry)) |
			    archive_entry_perm(entry),
			.size = size > 0 ? (uint64_t)size : 0,
			.tar = tar,
		};
		rc = visit(arg, &member, err);
		if (rc != 0)
			return rc;
	}
}

int tar_walk(struct istream *in, const char *name, tar_visit visit, void *arg, struct error *err)
{
	auto_free struct tar *tar = calloc(1, sizeof(*tar));
	if (!tar)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	tar->in = in;
	tar->name = name;
	int rc = tar_open(tar, err);
	if (rc == 0)
		rc = members_visit(tar, visit, arg, err);
	if (tar->archive)
		archive_read_free(tar->archive);
	return rc;
}
