/* SPDX-License-Identifier: MIT
 * Contents of tmpfs mounts: what the tar lists.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "convert/raw/raw.h"

#define BLOCK (64 * 1024)

struct tar {
	struct image_reader *r;
	struct archive *archive;
	struct error *err;
	bool failed; /* err is set by the reader, not by libarchive */
	char block[BLOCK];
};

static la_ssize_t tar_read(struct archive *a, void *ctx, const void **block)
{
	(void)a;
	struct tar *tar = ctx;
	ssize_t n = image_read_raw(tar->r, tar->block, BLOCK, tar->err);
	tar->failed = n < 0;
	*block = tar->block;
	return n < 0 ? -1 : n;
}

static void text_member(struct json_out *out, const char *key, const char *text)
{
	json_key(out, key);
	json_str(out, text);
}

static const char *kind_name(unsigned type)
{
	switch (type) {
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

static void member_to_json(struct archive_entry *e, struct json_out *out)
{
	const char *name = archive_entry_pathname(e);
	const char *link = archive_entry_symlink(e);
	if (!name)
		name = archive_entry_pathname_utf8(e);
	if (!link)
		link = archive_entry_hardlink(e);
	json_begin(out, '{');
	text_member(out, "name", name ? name : "");
	text_member(out, "type", kind_name(archive_entry_filetype(e)));
	json_key(out, "mode");
	json_strf(out, "0%o", (unsigned)archive_entry_perm(e));
	json_key(out, "uid");
	json_i64(out, archive_entry_uid(e));
	json_key(out, "gid");
	json_i64(out, archive_entry_gid(e));
	json_key(out, "size");
	json_i64(out, archive_entry_size(e));
	if (link)
		text_member(out, "link", link);
	json_end(out, '}');
}

static int tar_error(struct tar *tar)
{
	if (tar->failed)
		return tar->err ? tar->err->code : -EIO;
	const char *text = tar->archive ? archive_error_string(tar->archive) : NULL;
	return error_set(tar->err, EBADMSG, "%s: not a tar: %s", image_reader_name(tar->r),
			 text ? text : "out of memory");
}

static int tar_list(struct tar *tar, struct json_out *out)
{
	tar->archive = archive_read_new();
	if (!tar->archive || archive_read_support_filter_gzip(tar->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(tar->archive) < ARCHIVE_WARN ||
	    archive_read_set_read_callback(tar->archive, tar_read) != ARCHIVE_OK ||
	    archive_read_set_callback_data(tar->archive, tar) != ARCHIVE_OK ||
	    archive_read_open1(tar->archive) != ARCHIVE_OK)
		return tar_error(tar);
	for (;;) {
		struct archive_entry *entry;
		int rc = archive_read_next_header(tar->archive, &entry);
		if (rc == ARCHIVE_EOF || out->error)
			return 0;
		if (rc < ARCHIVE_WARN)
			return tar_error(tar);
		member_to_json(entry, out);
	}
}

int tar_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_free struct tar *tar = calloc(1, sizeof(*tar));
	if (!tar)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	tar->r = r;
	tar->err = err;
	json_key(out, "members");
	json_begin(out, '[');
	int rc = tar_list(tar, out);
	json_end(out, ']');
	if (tar->archive)
		archive_read_free(tar->archive);
	return rc;
}
