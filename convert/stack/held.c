/* SPDX-License-Identifier: MIT
 * One file out of a tar inside of the archive, read as a stream: nothing is extracted to disk.
 */
#include "convert/stack/held.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/sysroot.h"

#define MEMBER "rootfs-diff.tar"
enum { BLOCK = 64 * 1024 };

struct held {
	struct archive *archive;
	struct istream *in;
	struct error failed; /* of the stream */
	char *block;
};

static la_ssize_t read_block(struct archive *a, void *ctx, const void **block)
{
	(void)a;
	struct held *h = ctx;
	*block = h->block;
	return istream_read(h->in, h->block, BLOCK, &h->failed);
}

static int held_error(const struct held *h, struct error *err)
{
	const char *why = h->archive ? archive_error_string(h->archive) : "out of memory";
	return error_set(err, EBADMSG, "%s: %s", MEMBER,
			 h->failed.code ? h->failed.text
			 : why          ? why
					: "not a tar archive");
}

static bool is_wanted(struct archive_entry *entry, const RegFileEntry *reg)
{
	const char *path = archive_entry_pathname(entry) ?: archive_entry_pathname_utf8(entry);
	const char *want = reg->name + strspn(reg->name, "/");
	int64_t size = archive_entry_size(entry);
	if (!path || archive_entry_filetype(entry) != AE_IFREG || size < 0 || size > HELD_MAX)
		return false;
	path += strncmp(path, "./", 2) ? 0 : 2;
	path += strspn(path, "/");
	return !strcmp(path, want) && (!reg->has_size || (uint64_t)size == reg->size);
}

/* libarchive gives out no more bytes than the size in the header. */
static int copy_out(const struct held *h, struct error *err)
{
	auto_free char *buf = io_buffer(BLOCK);
	auto_fd fd = memfd_create(MEMBER, MFD_CLOEXEC);
	if (!buf || fd < 0)
		return error_set(err, ENOMEM, "out of memory");
	for (;;) {
		la_ssize_t n = archive_read_data(h->archive, buf, BLOCK);
		if (n < 0)
			return held_error(h, err);
		if (n == 0)
			return take_fd(fd);
		int rc = fd_write_full(fd, buf, (size_t)n);
		if (rc < 0)
			return error_code(err, rc, "copy from " MEMBER);
	}
}

static int search(struct held *h, const RegFileEntry *reg, struct error *err)
{
	archive_read_support_format_tar(h->archive);
	archive_read_set_read_callback(h->archive, read_block);
	archive_read_set_callback_data(h->archive, h);
	if (archive_read_open1(h->archive) != ARCHIVE_OK)
		return held_error(h, err);
	for (;;) {
		struct archive_entry *entry;
		int rc = archive_read_next_header(h->archive, &entry);
		if (rc == ARCHIVE_EOF)
			return error_set(err, ENOENT, "no such file");
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return held_error(h, err);
		if (!is_wanted(entry, reg))
			continue;
		auto_fd fd = copy_out(h, err);
		rc = fd < 0 ? fd : mapped_same(fd, reg, err);
		return rc < 0 ? rc : take_fd(fd);
	}
}

/* Whatever folder the engine put before the names. */
static int open_diff(struct source *src, struct istream **out, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		const char *slash = strrchr(members[i].path, '/');
		if (!strcmp(slash ? slash + 1 : members[i].path, MEMBER))
			return source_open_member(src, members[i].path, out, err);
	}
	return nr < 0 ? (int)nr : error_set(err, ENOENT, "no " MEMBER);
}

int held_open(struct source *src, const RegFileEntry *reg, struct error *err)
{
	auto_istream in = NULL;
	auto_free char *block = io_buffer(BLOCK);
	struct held h = { .block = block };
	int rc = open_diff(src, &in, err);
	if (rc == 0 && !block)
		rc = error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	h.in = in;
	h.archive = archive_read_new();
	rc = h.archive ? search(&h, reg, err) : held_error(&h, err);
	if (h.archive)
		archive_read_free(h.archive);
	return rc;
}
