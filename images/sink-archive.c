/* SPDX-License-Identifier: MIT
 * Writing and rewriting archives, through libarchive.
 */
#include "images/sink-archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/archive-file.h"
#include "images/source.h"

#define BLOCK 10240

struct job {
	struct sink_stage *stage;
	struct archive *in;
	const char *in_name;
	struct archive_out out;
};

static const struct archive_form forms[] = {
	{ ".tar", ARCHIVE_FILTER_NONE, 0 },
	{ ".tar.gz", ARCHIVE_FILTER_GZIP, 9 },
	{ ".tgz", ARCHIVE_FILTER_GZIP, 9 },
	{ ".tar.zst", ARCHIVE_FILTER_ZSTD, 22 },
};

const struct archive_form *archive_form_of(const char *path)
{
	size_t len = strlen(path);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t n = strlen(forms[i].suffix);
		if (len > n && !strcmp(path + len - n, forms[i].suffix))
			return &forms[i];
	}
	return NULL;
}

bool archive_form_is_foreign(const char *path)
{
	static const char *const suffixes[] = {
		".zip", ".7z",  ".rar", ".cpio", ".ar",  ".gz",  ".bz2",  ".xz",   ".zst",
		".lz",  ".lz4", ".lzo", ".lzma", ".txz", ".tbz", ".tbz2", ".tzst", ".tlz",
	};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && !archive_form_of(path) && i < ARRAY_SIZE(suffixes); i++) {
		if (!strcasecmp(dot, suffixes[i]))
			return true;
	}
	return false;
}

/* Not archive_write_add_filter(), which has every filter there is linked in. */
int archive_filter_add(struct archive *out, int filter)
{
	switch (filter) {
	case ARCHIVE_FILTER_GZIP:
		return archive_write_add_filter_gzip(out);
	case ARCHIVE_FILTER_ZSTD:
		return archive_write_add_filter_zstd(out);
	default:
		return ARCHIVE_OK;
	}
}

const char *sink_member_file(const struct sink_member *m, char out[24])
{
	snprintf(out, 24, "%u", m->number);
	return out;
}

static int in_error(const struct job *j, struct error *err)
{
	const char *why = archive_error_string(j->in);
	return error_set(err, EIO, "%s: %s", j->in_name, why ? why : "libarchive failed");
}

/* Always the one format that keeps holes. */
static int out_open(struct job *j, int filter, int fd, struct error *err)
{
	struct archive *out = j->out.archive = archive_write_new();
	j->out.buf = io_buffer(ARCHIVE_PIECE);
	if (!out || !j->out.buf)
		return error_set(err, ENOMEM, "out of memory");
	int rc = archive_write_set_format_pax_restricted(out);
	if (rc == ARCHIVE_OK)
		rc = archive_filter_add(out, filter);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open_fd(out, fd);
	return rc == ARCHIVE_OK ? 0 : archive_out_error(&j->out, err);
}

static int put_header(struct job *j, struct archive_entry *entry, struct error *err)
{
	return archive_write_header(j->out.archive, entry) < ARCHIVE_WARN
		   ? archive_out_error(&j->out, err)
		   : 0;
}

/* A staged member under a header that has its path, owner and times already. */
static int put_member(struct job *j, struct sink_member *m, struct archive_entry *entry,
		      struct error *err)
{
	char file[24];
	struct stat st;
	m->placed = true;
	archive_entry_sparse_clear(entry); /* the holes of the old one */
	if (m->folder) {
		archive_entry_set_filetype(entry, AE_IFDIR);
		return put_header(j, entry, err);
	}
	if (m->link) {
		archive_entry_set_filetype(entry, AE_IFLNK);
		archive_entry_set_symlink(entry, m->link);
		archive_entry_set_size(entry, 0);
		return put_header(j, entry, err);
	}
	auto_fd fd = openat(j->stage->dir, sink_member_file(m, file), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "%s: open %s", j->out.name, m->name);
	archive_entry_set_mtime(entry, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return archive_put_file(&j->out, entry, fd, st.st_size, m->name, err);
}

static int put_new(struct job *j, struct sink_member *m, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	if (!entry)
		return error_set(err, ENOMEM, "out of memory");
	archive_entry_set_pathname(entry, m->path);
	archive_entry_set_perm(entry, m->folder ? 0755 : m->link ? 0777 : m->mode ?: 0600);
	int rc = put_member(j, m, entry, err);
	archive_entry_free(entry);
	return rc;
}

static int put_rest(struct job *j, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < j->stage->members.nr; i++) {
		struct sink_member *m = &j->stage->members.items[i];
		if (!m->removed && !m->placed)
			rc = put_new(j, m, err);
	}
	if (rc == 0 && archive_write_close(j->out.archive) != ARCHIVE_OK)
		rc = archive_out_error(&j->out, err);
	return rc;
}

static void job_fini(struct job *j)
{
	if (j->in)
		archive_read_free(j->in);
	if (j->out.archive)
		archive_write_free(j->out.archive);
	free(j->out.buf);
}

int sink_archive_write(struct sink_stage *stage, int fd, const char *path, struct error *err)
{
	struct job j = { .stage = stage, .out = { .name = path, .progress = stage->progress } };
	int rc = out_open(&j, archive_form_of(path)->filter, fd, err);
	if (rc == 0)
		rc = put_rest(&j, err);
	job_fini(&j);
	return rc;
}

static int in_open(struct job *j, int fd, struct error *err)
{
	j->in = archive_read_new();
	if (!j->in)
		return error_set(err, ENOMEM, "out of memory");
	archive_read_support_filter_gzip(j->in);
	archive_read_support_filter_zstd(j->in);
	archive_read_support_format_tar(j->in);
	return archive_read_open_fd(j->in, fd, BLOCK) == ARCHIVE_OK ? 0 : in_error(j, err);
}

static struct sink_member *find_path(struct sink_stage *stage, const char *path)
{
	for (size_t i = 0; path && i < stage->members.nr; i++)
		if (!strcmp(member_bare_path(stage->members.items[i].path), member_bare_path(path)))
			return &stage->members.items[i];
	return NULL;
}

/* @param size  of which a hole at the end is not read */
static int copy_data(struct job *j, const char *path, int64_t size, struct error *err)
{
	const void *bytes;
	size_t len;
	la_int64_t at, done = 0;
	int got, rc = 0;
	while (rc == 0 &&
	       (got = archive_read_data_block(j->in, &bytes, &len, &at)) != ARCHIVE_EOF) {
		if (got < ARCHIVE_WARN)
			return in_error(j, err);
		if (at < done)
			return error_set(err, EBADMSG, "%s: %s: its map of holes is in no order",
					 j->in_name, path);
		rc = archive_put_hole(&j->out, (uint64_t)(at - done), err);
		if (rc == 0)
			rc = archive_put(&j->out, bytes, len, err);
		done = at + (la_int64_t)len;
	}
	return rc == 0 && size > done ? archive_put_hole(&j->out, (uint64_t)(size - done), err)
				      : rc;
}

static int copy_entry(struct job *j, struct archive_entry *entry, struct error *err)
{
	struct sink_member *m = find_path(j->stage, archive_entry_pathname(entry));
	if (m && (m->removed || m->placed))
		return 0;
	if (m)
		return put_member(j, m, entry, err);
	const char *same = archive_entry_hardlink(entry);
	if (find_path(j->stage, same))
		return error_set(err, EINVAL,
				 "%s: %s is a hard link to %s, which changes: extract it with "
				 "tar(1) and change the directory",
				 j->in_name, archive_entry_pathname(entry), same);
	int rc = put_header(j, entry, err);
	return rc < 0 ? rc
		      : copy_data(j, archive_entry_pathname(entry),
				  same ? 0 : archive_entry_size(entry), err);
}

static int copy_entries(struct job *j, int fd, const char *path, struct error *err)
{
	struct archive_entry *entry;
	int rc = 0, got;
	while (rc == 0 && (got = archive_read_next_header(j->in, &entry)) != ARCHIVE_EOF) {
		if (got < ARCHIVE_WARN)
			return in_error(j, err);
		/* filters are only known once the first header is read */
		if (!j->out.archive)
			rc = out_open(
			    j, path ? archive_form_of(path)->filter : archive_filter_code(j->in, 0),
			    fd, err);
		if (rc == 0)
			rc = copy_entry(j, entry, err);
	}
	return rc;
}

int sink_archive_rewrite(struct sink_stage *stage, const char *old, const char *path, int fd,
			 struct error *err)
{
	struct job j = { .stage = stage,
			 .in_name = old,
			 .out = { .name = path ?: old, .progress = stage->progress } };
	auto_fd from = open(old, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_sys(err, "open %s", old);
	int rc = in_open(&j, from, err);
	if (rc == 0)
		rc = copy_entries(&j, fd, path, err);
	if (rc == 0 && !j.out.archive)
		rc = error_set(err, EBADMSG, "%s: the archive is empty", old);
	if (rc == 0)
		rc = put_rest(&j, err);
	job_fini(&j);
	return rc;
}
