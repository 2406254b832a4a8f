/* SPDX-License-Identifier: MIT
 * Tars inside a set.
 */
#include "convert/raw/tar-read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define BLOCK (64 * 1024)

struct tar_reader {
	tar_read_fn *read;
	void *from;
	const char *name;
	struct archive *archive;
	struct error stream; /* of what is read from */
	/* Bytes of the member at hand: libarchive's, and where they belong; how far it was read. */
	const char *bytes;
	uint64_t at, done;
	size_t len;
	bool ended;
	char block[BLOCK];
};

static la_ssize_t tar_block(struct archive *a, void *ctx, const void **block)
{
	(void)a;
	struct tar_reader *tar = ctx;
	ssize_t n = tar->read(tar->from, tar->block, BLOCK, &tar->stream);
	*block = tar->block;
	return n < 0 ? -1 : n;
}

static int tar_error(const struct tar_reader *tar, struct error *err)
{
	if (tar->stream.code)
		return error_set(err, tar->stream.code, "%s", tar->stream.text);
	const char *text = tar->archive ? archive_error_string(tar->archive) : NULL;
	return error_set(err, EBADMSG, "%s: not a tar: %s", tar->name, text ?: "out of memory");
}

void tar_reader_close(struct tar_reader *tar)
{
	if (tar && tar->archive)
		archive_read_free(tar->archive);
	free(tar);
}

int tar_reader_open(tar_read_fn *read, void *from, const char *name, struct tar_reader **out,
		    struct error *err)
{
	auto_tar_reader tar = calloc(1, sizeof(*tar));
	if (!tar)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	tar->read = read;
	tar->from = from;
	tar->name = name;
	tar->archive = archive_read_new();
	if (!tar->archive || archive_read_support_filter_gzip(tar->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(tar->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(tar->archive) < ARCHIVE_WARN ||
	    archive_read_set_read_callback(tar->archive, tar_block) != ARCHIVE_OK ||
	    archive_read_set_callback_data(tar->archive, tar) != ARCHIVE_OK ||
	    archive_read_open1(tar->archive) != ARCHIVE_OK)
		return tar_error(tar, err);
	*out = take_ptr(tar);
	return 0;
}

static ssize_t stream_read(void *in, void *buf, size_t len, struct error *err)
{
	return istream_read(in, buf, len, err);
}

int tar_reader_open_stream(struct istream *in, const char *name, struct tar_reader **out,
			   struct error *err)
{
	return tar_reader_open(stream_read, in, name, out, err);
}

/* The bytes that come next, or a hole before them. */
static int block_at_hand(struct tar_reader *tar, struct error *err)
{
	while (!tar->ended && tar->at + tar->len <= tar->done) {
		const void *bytes = NULL;
		size_t len = 0;
		la_int64_t at = 0;
		uint64_t end = tar->at + tar->len;
		int rc = archive_read_data_block(tar->archive, &bytes, &len, &at);
		tar->ended = rc == ARCHIVE_EOF;
		if (rc < ARCHIVE_WARN)
			return tar_error(tar, err);
		if (!tar->ended && (at < 0 || (uint64_t)at < end))
			return error_set(err, EBADMSG, "%s: a map of holes is in no order",
					 tar->name);
		tar->bytes = bytes;
		tar->at = tar->ended ? end : (uint64_t)at;
		tar->len = tar->ended ? 0 : len;
	}
	return 0;
}

ssize_t tar_member_read(void *tar_, void *buf, size_t len, struct error *err)
{
	struct tar_reader *tar = tar_;
	int rc = block_at_hand(tar, err);
	if (rc < 0)
		return rc;
	bool hole = tar->done < tar->at;
	uint64_t end = tar->at + (hole ? 0 : tar->len);
	if (len > end - tar->done)
		len = (size_t)(end - tar->done);
	if (hole)
		memset(buf, 0, len);
	else if (len)
		memcpy(buf, tar->bytes + (tar->done - tar->at), len);
	tar->done += len;
	return (ssize_t)len;
}

uint64_t tar_member_hole(void *tar_)
{
	struct tar_reader *tar = tar_;
	return block_at_hand(tar, NULL) < 0 || tar->done >= tar->at ? 0 : tar->at - tar->done;
}

void tar_member_pass(void *tar_, uint64_t len)
{
	struct tar_reader *tar = tar_;
	tar->done += len;
}

int tar_next(struct tar_reader *tar, struct tar_member *out, struct error *err)
{
	struct archive_entry *entry;
	int rc = archive_read_next_header(tar->archive, &entry);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc < ARCHIVE_WARN)
		return tar_error(tar, err);
	tar->at = tar->done = tar->len = 0;
	tar->ended = false;
	int64_t size = archive_entry_size(entry);
	const char *hard = archive_entry_hardlink(entry);
	*out = (struct tar_member){
		.path = archive_entry_pathname(entry) ?: archive_entry_pathname_utf8(entry),
		.link = archive_entry_symlink(entry) ?: hard,
		.mode = (hard ? 0 : archive_entry_filetype(entry)) | archive_entry_perm(entry),
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
		.size = size > 0 ? (uint64_t)size : 0,
		.tar = tar,
	};
	out->path = out->path ?: "";
	for (out->name = out->path; *out->name == '/' || !strncmp(out->name, "./", 2);)
		out->name += *out->name == '/' ? 1 : 2;
	return 1;
}

const char *tar_member_kind(const struct tar_member *member)
{
	switch (member->mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	default:
		return "hard link";
	}
}

int tar_walk(struct istream *in, const char *name, tar_visit visit, void *arg, struct error *err)
{
	auto_tar_reader tar = NULL;
	struct tar_member member;
	int rc = tar_reader_open_stream(in, name, &tar, err);
	while (rc == 0 && (rc = tar_next(tar, &member, err)) == 1)
		rc = visit(arg, &member, err);
	return rc;
}
