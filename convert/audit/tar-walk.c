/* SPDX-License-Identifier: MIT
 * Tars inside a set.
 */
#include "convert/audit/tar-walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "images/libarchive.h"

#define BLOCK (64 * 1024)

struct tar {
	struct istream *in;
	const char *name;
	struct libarchive lib;
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
	const char *text = tar->archive ? tar->lib.error_string(tar->archive) : NULL;
	return error_set(err, EBADMSG, "%s: not a tar: %s", tar->name, text ?: "out of memory");
}

static int tar_open(struct tar *tar, struct error *err)
{
	struct libarchive *lib = &tar->lib;
	tar->archive = lib->read_new();
	if (!tar->archive || lib->read_support_filter_gzip(tar->archive) < ARCHIVE_WARN ||
	    lib->read_support_filter_zstd(tar->archive) < ARCHIVE_WARN ||
	    lib->read_support_format_tar(tar->archive) < ARCHIVE_WARN ||
	    lib->read_set_read_callback(tar->archive, tar_read) != ARCHIVE_OK ||
	    lib->read_set_callback_data(tar->archive, tar) != ARCHIVE_OK ||
	    lib->read_open1(tar->archive) != ARCHIVE_OK)
		return tar_error(tar, err);
	return 0;
}

ssize_t tar_member_read(void *tar_, void *buf, size_t len, struct error *err)
{
	struct tar *tar = tar_;
	la_ssize_t n = tar->lib.read_data(tar->archive, buf, len);
	return n < 0 ? tar_error(tar, err) : n;
}

static int members_visit(struct tar *tar, tar_visit visit, void *arg, struct error *err)
{
	const struct libarchive *lib = &tar->lib;
	for (;;) {
		struct archive_entry *entry;
		int rc = lib->read_next_header(tar->archive, &entry);
		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc < ARCHIVE_WARN)
			return tar_error(tar, err);
		const char *name = lib->entry_pathname(entry) ?: lib->entry_pathname_utf8(entry);
		int64_t size = lib->entry_size(entry);
		for (name = name ?: ""; *name == '/' || !strncmp(name, "./", 2);)
			name += *name == '/' ? 1 : 2;
		struct tar_member member = {
			.name = name,
			.mode = (lib->entry_hardlink(entry) ? 0 : lib->entry_filetype(entry)) |
				lib->entry_perm(entry),
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
	int rc = libarchive_load(&tar->lib, err);
	if (rc < 0)
		return rc;
	rc = tar_open(tar, err);
	if (rc == 0)
		rc = members_visit(tar, visit, arg, err);
	if (tar->archive)
		tar->lib.read_free(tar->archive);
	libarchive_unload(&tar->lib);
	return rc;
}
