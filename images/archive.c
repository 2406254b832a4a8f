/* SPDX-License-Identifier: MIT
 * Reading tar archives, plain or compressed, through libarchive: one pass over the headers, then
 * plain members are read where they lie and compressed ones by decompressing up to them again.
 */
#include "images/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/archive-file.h"
#include "images/backend.h"

#define BLOCK      (128 * 1024)
#define TAR_BLOCK  512
#define KEEP_ONE   (1024 * 1024)      /* largest member kept in memory */
#define KEEP_TOTAL (16 * 1024 * 1024) /* of all members kept */
#define NOWHERE    UINT64_MAX
#define LINKS_MAX  8

struct archive_index {
	unsigned refs;
	int fd;
	uint64_t file_size;
	char *name;
	char *other; /* archive_index_other() */
	struct {
		struct archive_member *items;
		size_t nr, cap;
	} members;
	struct {
		char **items;
		size_t nr, cap;
	} folders; /* once all is read: those with nothing in them */
	size_t kept;
};

/* One pass through the archive, with a file position of its own. */
struct pass {
	struct archive_index *index;
	struct archive *archive;
	struct progress *progress; /* borrowed; NULL: nobody watches */
	uint64_t at;
	int failed; /* -errno of a read */
	/* Stored bytes of the member at hand: libarchive's, where they belong, and how many. */
	const char *bytes;
	uint64_t plain;
	size_t len;
	bool ended; /* there are no more of them */
	unsigned char block[BLOCK] __attribute__((aligned(4096)));
};

static void pass_move(struct pass *pass, uint64_t bytes)
{
	pass->at += bytes;
	progress_add(pass->progress, bytes);
}

static la_ssize_t pass_read(struct archive *a, void *ctx, const void **block)
{
	(void)a;
	struct pass *pass = ctx;
	ssize_t n = fd_pread_full(pass->index->fd, pass->block, BLOCK, (off_t)pass->at);
	if (n > 0)
		pass_move(pass, (uint64_t)n);
	if (n < 0)
		pass->failed = (int)n;
	*block = pass->block;
	return n < 0 ? -1 : n;
}

static la_int64_t pass_skip(struct archive *a, void *ctx, la_int64_t request)
{
	(void)a;
	struct pass *pass = ctx;
	uint64_t left = pass->index->file_size - pass->at;
	if (pass->at > pass->index->file_size || request < 0)
		return 0;
	if ((uint64_t)request > left)
		request = (la_int64_t)left;
	pass_move(pass, (uint64_t)request);
	return request;
}

static void pass_close(struct pass *pass)
{
	if (!pass)
		return;
	if (pass->archive)
		archive_read_free(pass->archive);
	free(pass);
}

static void pass_cleanup(struct pass **pass)
{
	pass_close(*pass);
}

#define auto_pass __attribute__((cleanup(pass_cleanup))) struct pass *

static int pass_error(const struct pass *pass, struct error *err)
{
	if (pass->failed)
		return error_code(err, pass->failed, "%s: read", pass->index->name);
	const char *why = archive_error_string(pass->archive);
	if (!why || archive_is_foreign(pass->archive))
		why = "neither a directory of images nor a tar archive";
	return error_set(err, EBADMSG, "%s: %s", pass->index->name, why);
}

static struct pass *pass_new(struct archive_index *index, struct progress *progress)
{
	struct pass *pass = io_buffer(sizeof(*pass)); /* the block needs no zeroes */
	if (pass) {
		pass->index = index;
		pass->progress = progress;
		pass->at = 0;
		pass->failed = 0;
		pass->archive = archive_read_new();
	}
	return pass;
}

static int pass_open(struct archive_index *index, struct progress *progress, struct pass **out,
		     struct error *err)
{
	auto_pass pass = pass_new(index, progress);
	if (!pass || !pass->archive)
		return error_set(err, ENOMEM, "%s: out of memory", index->name);
	archive_read_support_filter_gzip(pass->archive);
	archive_read_support_filter_zstd(pass->archive);
	archive_read_support_format_tar(pass->archive);
	archive_read_set_read_callback(pass->archive, pass_read);
	archive_read_set_skip_callback(pass->archive, pass_skip);
	archive_read_set_callback_data(pass->archive, pass);
	if (archive_read_open1(pass->archive) != ARCHIVE_OK)
		return pass_error(pass, err);
	*out = take_ptr(pass);
	return 0;
}

/* @return 1 with the next header, 0 at the end. */
static int pass_next(struct pass *pass, struct archive_entry **entry, struct error *err)
{
	int rc = archive_read_next_header(pass->archive, entry);
	pass->plain = pass->len = 0;
	pass->ended = false;
	if (rc == ARCHIVE_EOF)
		return 0;
	/* A warning is about attributes or a name's character set: both are only data here. */
	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 1 : pass_error(pass, err);
}

/* Names come in the locale's character set or, when that lacks a letter, in UTF-8. */
static int dup_name(const char *local, const char *utf8, char **out)
{
	*out = NULL;
	if (!local)
		local = utf8;
	if (!local)
		return 0;
	*out = strdup(local);
	return *out ? 0 : -ENOMEM;
}

static int member_names(struct archive_entry *entry, struct archive_member *m)
{
	int rc =
	    dup_name(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry), &m->path);
	if (rc < 0 || !m->path)
		return rc;
	rc = dup_name(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry), &m->link);
	m->hard = m->link;
	if (rc == 0 && !m->link && archive_entry_filetype(entry) == AE_IFLNK)
		rc = dup_name(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry),
			      &m->link);
	return rc;
}

static size_t extent_at(const struct archive_member *m, uint64_t at)
{
	const struct archive_extent *e = m->extents;
	return array_lower_bound(m->nr_extents, k, e[k].plain + e[k].len <= at);
}

static bool is_in_extent(const struct archive_member *m, uint64_t at, size_t len)
{
	size_t i = extent_at(m, at);
	return i < m->nr_extents && m->extents[i].plain <= at &&
	       len <= m->extents[i].plain + m->extents[i].len - at;
}

/* The stored bytes that are behind those at hand. */
static int member_block(struct pass *pass, const struct archive_member *m, struct error *err)
{
	const void *bytes = NULL;
	size_t len = 0;
	la_int64_t at = 0;
	uint64_t end = pass->plain + pass->len;
	int rc = archive_read_data_block(pass->archive, &bytes, &len, &at);
	pass->ended = rc == ARCHIVE_EOF;
	if (rc < ARCHIVE_WARN)
		return pass_error(pass, err);
	if (pass->ended) { /* also where a hole that is all of it, or the last, begins */
		at = (la_int64_t)(m->extents ? m->size : end);
		len = 0;
	} else if (at < 0 || (uint64_t)at < end ||
		   (m->extents && len && !is_in_extent(m, (uint64_t)at, len))) {
		return error_set(err, EBADMSG,
				 "%s: %s: %zu bytes at byte %" PRId64 " are not where its map says",
				 pass->index->name, m->path, len, (int64_t)at);
	}
	pass->bytes = bytes;
	pass->plain = (uint64_t)at;
	pass->len = len;
	return 0;
}

/* Have the bytes at `to`, or a hole there, at hand. @return 0, also when the member ends before */
static int member_forward(struct pass *pass, const struct archive_member *m, uint64_t to,
			  struct error *err)
{
	int rc = 0;
	while (rc == 0 && !pass->ended && pass->plain + pass->len <= to)
		rc = member_block(pass, m, err);
	return rc;
}

/* The next bytes of a member. */
static ssize_t member_data(struct pass *pass, const struct archive_member *m, uint64_t done,
			   void *buf, size_t len, struct error *err)
{
	int rc = member_forward(pass, m, done, err);
	if (rc < 0)
		return rc;
	bool hole = done < pass->plain;
	uint64_t end = pass->plain + (hole ? 0 : pass->len);
	if (len > end - done)
		len = (size_t)(end - done);
	if (hole)
		memset(buf, 0, len);
	else if (len)
		memcpy(buf, pass->bytes + (done - pass->plain), len);
	return (ssize_t)len;
}

/* Keep the bytes of a small member that later could only be had by decompressing again. */
static int member_keep(struct pass *pass, struct archive_member *m, struct error *err)
{
	struct archive_index *index = pass->index;
	if (m->size > KEEP_ONE || m->size > KEEP_TOTAL - index->kept)
		return 0;
	m->bytes = malloc(m->size ? m->size : 1);
	if (!m->bytes)
		return error_set(err, ENOMEM, "%s: out of memory", index->name);
	size_t done = 0;
	ssize_t n = 1;
	while (n > 0 && done < m->size) {
		n = member_data(pass, m, done, (char *)m->bytes + done, m->size - done, err);
		if (n == 0)
			n = error_set(err, EBADMSG, "%s: %s: wanted %" PRIu64 " bytes, found %zu",
				      index->name, m->path, m->size, done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		free(take_ptr(m->bytes));
		return (int)n;
	}
	index->kept += m->size;
	return 0;
}

/* @param len  set to the bytes that are stored */
static int member_extents(struct archive_entry *entry, struct archive_member *m, uint64_t *len,
			  struct error *err)
{
	int nr = archive_entry_sparse_reset(entry);
	int64_t plain, part;
	*len = m->size;
	if (nr <= 0)
		return 0;
	*len = 0;
	m->extents = calloc((size_t)nr, sizeof(*m->extents));
	if (!m->extents)
		return error_set(err, ENOMEM, "out of memory");
	while (m->nr_extents < (size_t)nr &&
	       archive_entry_sparse_next(entry, &plain, &part) == ARCHIVE_OK) {
		if (plain < 0 || part < 0 || (uint64_t)plain > m->size ||
		    (uint64_t)part > m->size - (uint64_t)plain)
			return error_set(err, EBADMSG, "bytes behind the end of the file");
		m->extents[m->nr_extents++] =
		    (struct archive_extent){ (uint64_t)plain, (uint64_t)part, *len };
		*len += (uint64_t)part;
	}
	return 0;
}

/* In a plain tar the bytes lie right behind the header that was just read. */
static int member_locate(struct pass *pass, struct archive_entry *entry, struct archive_member *m,
			 struct error *err)
{
	const struct archive_index *index = pass->index;
	uint64_t len;
	int rc = member_extents(entry, m, &len, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s: %s", index->name, m->path);
	if (archive_filter_count(pass->archive) > 1)
		return 0;
	int64_t at = archive_filter_bytes(pass->archive, 0);
	if (at < 0 || (uint64_t)at > index->file_size)
		return error_set(err, EBADMSG, "%s: %s: the archive is cut short", index->name,
				 m->path);
	m->offset = (uint64_t)at;
	if (len > index->file_size - (uint64_t)at)
		return error_set(err, EBADMSG,
				 "%s: %s: wanted %" PRIu64 " bytes, but the archive is cut short",
				 index->name, m->path, len);
	for (size_t i = 0; i < m->nr_extents; i++)
		m->extents[i].at += m->offset;
	/* of a map, libarchive leaves out what overlaps or is in no order */
	if (archive_read_data_skip(pass->archive) < ARCHIVE_WARN)
		return pass_error(pass, err);
	int64_t next = archive_filter_bytes(pass->archive, 0);
	if ((uint64_t)(next - at) != (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK)
		return error_set(err, EBADMSG,
				 "%s: %s: its map says %" PRIu64 " bytes, stored are %" PRId64,
				 index->name, m->path, len, next - at);
	return 0;
}

static int folder_add(struct archive_index *index, const char *path, struct error *err)
{
	size_t len = path ? strlen(path) : 0;
	while (len && path[len - 1] == '/')
		len--;
	if (!len || (len == 1 && *path == '.'))
		return 0; /* the whole of it */
	char *copy = strndup(path, len);
	char **slot = copy ? array_add(&index->folders) : NULL;
	if (!slot) {
		free(copy);
		return error_set(err, ENOMEM, "%s: out of memory", index->name);
	}
	*slot = copy;
	return 0;
}

static int member_add(struct pass *pass, struct archive_entry *entry, uint64_t ordinal,
		      struct error *err)
{
	struct archive_index *index = pass->index;
	struct archive_member *m = array_add(&index->members);
	if (!m || member_names(entry, m) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", index->name);
	bool file = archive_entry_filetype(entry) == AE_IFREG && !m->link;
	if (!m->path || (!file && !m->link)) {
		auto_free char *path = m->path;
		index->members.nr--;
		if (archive_entry_filetype(entry) == AE_IFDIR)
			return folder_add(index, path, err);
		if (!index->other)
			index->other = take_ptr(path);
		return 0;
	}
	m->bare = member_bare_path(m->path);
	m->ordinal = ordinal;
	m->offset = NOWHERE;
	if (!file)
		return 0;
	int64_t size = archive_entry_size(entry);
	if (size < 0)
		return error_set(err, EBADMSG, "%s: %s: negative size", index->name, m->path);
	m->size = (uint64_t)size;
	m->mtime_s = archive_entry_mtime(entry);
	m->mode = archive_entry_perm(entry) & 0777;
	int rc = member_locate(pass, entry, m, err);
	return rc == 0 && m->offset == NOWHERE ? member_keep(pass, m, err) : rc;
}

/* As strcmp(), but what is in a folder stands right behind it. */
static int path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	int at_a = *a == '/' ? 1 : (unsigned char)*a << 1;
	int at_b = *b == '/' ? 1 : (unsigned char)*b << 1;
	return at_a - at_b;
}

static int member_compare(const void *a_, const void *b_)
{
	const struct archive_member *a = a_, *b = b_;
	int rc = path_compare(a->bare, b->bare);
	return rc ? rc : (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}

static void member_fini(struct archive_member *m)
{
	free(m->path);
	free(m->link);
	free(m->extents);
	free(m->bytes);
}

/* Sort, and of equal paths keep the last. */
static void members_settle(struct archive_index *index)
{
	struct archive_member *m = index->members.items;
	size_t nr = index->members.nr, kept = 0;
	if (nr)
		qsort(m, nr, sizeof(*m), member_compare);
	for (size_t i = 0; i < nr; i++) {
		if (i + 1 < nr && !strcmp(m[i].bare, m[i + 1].bare)) {
			m[i + 1].again = true;
			member_fini(&m[i]);
		} else {
			m[kept++] = m[i];
		}
	}
	index->members.nr = kept;
}

/* The first member that does not stand before this path. */
static size_t first_from(const struct archive_index *index, const char *bare)
{
	size_t low = array_lower_bound(index->members.nr, k,
				       path_compare(index->members.items[k].bare, bare) < 0);
	return low;
}

static int folder_compare(const void *a, const void *b)
{
	return path_compare(member_bare_path(*(char *const *)a),
			    member_bare_path(*(char *const *)b));
}

static bool folder_is_empty(const struct archive_index *index, const char *folder, const char *next)
{
	size_t len = strlen(folder), at = first_from(index, folder);
	const char *inside = at < index->members.nr ? index->members.items[at].bare : "";
	return (strncmp(inside, folder, len) || inside[len] != '/') &&
	       (strncmp(next, folder, len) || next[len] != '/');
}

/* Sort, and keep the empty ones, each once. */
static void folders_settle(struct archive_index *index)
{
	char **f = index->folders.items;
	size_t nr = index->folders.nr, kept = 0;
	if (nr)
		qsort(f, nr, sizeof(*f), folder_compare);
	for (size_t i = 0; i < nr; i++) {
		const char *next = i + 1 < nr ? member_bare_path(f[i + 1]) : "";
		const char *folder = member_bare_path(f[i]);
		if (strcmp(folder, next) && folder_is_empty(index, folder, next))
			f[kept++] = f[i];
		else
			free(f[i]);
	}
	index->folders.nr = kept;
}

static int members_read(struct archive_index *index, struct progress *progress, struct error *err)
{
	auto_pass pass = NULL;
	int rc = pass_open(index, progress, &pass, err);
	struct archive_entry *entry;
	for (uint64_t ordinal = 0; rc == 0; ordinal++) {
		rc = pass_next(pass, &entry, err);
		if (rc <= 0)
			break;
		rc = member_add(pass, entry, ordinal, err);
	}
	return rc;
}

static int index_fill(struct archive_index *index, struct error *damage, struct progress *progress,
		      struct error *err)
{
	struct error why;
	int rc = members_read(index, progress, &why);
	if (rc == -EBADMSG && damage && index->members.nr)
		*damage = why;
	else if (rc < 0)
		return error_set(err, -rc, "%s", why.text);
	members_settle(index);
	folders_settle(index);
	return 0;
}

struct archive_index *archive_index_ref(struct archive_index *index)
{
	index->refs++;
	return index;
}

void archive_index_unref(struct archive_index *index)
{
	if (!index || --index->refs)
		return;
	for (size_t i = 0; i < index->members.nr; i++)
		member_fini(&index->members.items[i]);
	free(index->members.items);
	for (size_t i = 0; i < index->folders.nr; i++)
		free(index->folders.items[i]);
	free(index->folders.items);
	free(index->other);
	fd_close(index->fd);
	free(index->name);
	free(index);
}

int archive_index_open(int fd, const char *name, struct error *damage, struct progress *progress,
		       struct archive_index **out, struct error *err)
{
	struct archive_index *index = calloc(1, sizeof(*index));
	struct stat st = { 0 };
	if (!index) {
		fd_close(fd);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	index->refs = 1;
	index->fd = fd;
	index->name = strdup(name);
	int rc = index->name ? 0 : error_set(err, ENOMEM, "%s: out of memory", name);
	if (rc == 0 && fstat(fd, &st) < 0)
		rc = error_sys(err, "%s", name);
	index->file_size = (uint64_t)st.st_size;
	if (rc == 0 && progress)
		progress_start(progress, "reading", index->file_size);
	if (rc == 0)
		rc = index_fill(index, damage, progress, err);
	if (progress)
		progress_end(progress);
	if (rc < 0)
		archive_index_unref(index);
	else
		*out = index;
	return rc;
}

size_t archive_index_members(const struct archive_index *index, const struct archive_member **out)
{
	*out = index->members.items;
	return index->members.nr;
}

size_t archive_index_empty_folders(const struct archive_index *index, char *const **out)
{
	*out = index->folders.items;
	return index->folders.nr;
}

const char *archive_index_other(const struct archive_index *index)
{
	return index->other;
}

const struct archive_member *archive_index_find(const struct archive_index *index, const char *path)
{
	const char *bare = member_bare_path(path);
	size_t at = first_from(index, bare);
	if (at == index->members.nr || strcmp(index->members.items[at].bare, bare))
		return NULL;
	return &index->members.items[at];
}

/* A member as a stream: in place, from memory, or by a pass of its own started at the first read.
 */
struct member_stream {
	struct archive_index *index;
	const struct archive_member *member;
	struct pass *pass;
	uint64_t done; /* of a pass */
};

/* Zeros of a hole, or what of an extent lies here. */
static ssize_t extent_pread(const struct member_stream *ms, void *buf, size_t len, uint64_t offset)
{
	const struct archive_member *m = ms->member;
	const struct archive_extent *e = m->extents;
	size_t i = extent_at(m, offset);
	bool hole = i == m->nr_extents || e[i].plain > offset;
	uint64_t end = i == m->nr_extents ? m->size : e[i].plain + (hole ? 0 : e[i].len);
	if (len > end - offset)
		len = end - offset;
	if (!hole)
		return fd_pread_full(ms->index->fd, buf, len,
				     (off_t)(e[i].at + (offset - e[i].plain)));
	memset(buf, 0, len);
	return (ssize_t)len;
}

static ssize_t member_pread(void *ctx, void *buf, size_t len, uint64_t offset, struct error *err)
{
	const struct member_stream *ms = ctx;
	const struct archive_member *m = ms->member;
	if (offset >= m->size)
		return 0;
	if (len > m->size - offset)
		len = m->size - offset;
	if (m->bytes) {
		memcpy(buf, (const char *)m->bytes + offset, len);
		return (ssize_t)len;
	}
	ssize_t n = m->extents
			? extent_pread(ms, buf, len, offset)
			: fd_pread_full(ms->index->fd, buf, len, (off_t)(m->offset + offset));
	return n < 0 ? error_code(err, (int)n, "read %s", ms->index->name) : n;
}

static bool member_data_at(void *ctx, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct archive_member *m = ((const struct member_stream *)ctx)->member;
	const struct archive_extent *e = m->extents;
	*start = at;
	*end = m->size;
	if (!e)
		return true;
	size_t i = extent_at(m, at);
	if (i == m->nr_extents)
		return false;
	*start = e[i].plain > at ? e[i].plain : at;
	*end = e[i].plain + e[i].len;
	return true;
}

static int member_seek(struct member_stream *ms, struct error *err)
{
	int rc = pass_open(ms->index, NULL, &ms->pass, err);
	struct archive_entry *entry;
	for (uint64_t i = 0; rc == 0 && i <= ms->member->ordinal; i++) {
		rc = pass_next(ms->pass, &entry, err);
		if (rc == 0)
			return error_set(err, EBADMSG, "%s changed while it was read",
					 ms->index->name);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

static ssize_t member_read(void *ctx, void *buf, size_t len, struct error *err)
{
	struct member_stream *ms = ctx;
	int rc = ms->pass ? 0 : member_seek(ms, err);
	ssize_t n = rc < 0 ? rc : member_data(ms->pass, ms->member, ms->done, buf, len, err);
	ms->done += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int64_t member_skip(void *ctx, uint64_t len, struct error *err)
{
	struct member_stream *ms = ctx;
	uint64_t left = ms->member->size - ms->done, to = ms->done + (len < left ? len : left);
	int rc = ms->pass ? 0 : member_seek(ms, err);
	if (rc == 0)
		rc = member_forward(ms->pass, ms->member, to, err);
	if (rc < 0)
		return rc;
	if (ms->pass->ended && to > ms->pass->plain)
		to = ms->pass->plain;
	uint64_t passed = to - ms->done;
	ms->done = to;
	return (int64_t)passed;
}

static void member_close(void *ctx)
{
	struct member_stream *ms = ctx;
	pass_close(ms->pass);
	archive_index_unref(ms->index);
	free(ms);
}

static const struct istream_ops in_place_ops = { .pread = member_pread,
						 .data = member_data_at,
						 .close = member_close };
static const struct istream_ops forward_ops = {
	.read = member_read, .skip = member_skip, .data = member_data_at, .close = member_close
};

int archive_index_stream(struct archive_index *index, const struct archive_member *member,
			 const char *name, struct istream **out, struct error *err)
{
	for (int i = 0; member && member->hard; i++)
		member = i < LINKS_MAX ? archive_index_find(index, member->link) : NULL;
	if (!member || member->link)
		return error_set(err, ENOENT, "%s: %s is a link, not a file", index->name, name);
	struct member_stream *ms = calloc(1, sizeof(*ms));
	if (!ms)
		return error_set(err, ENOMEM, "%s: out of memory", index->name);
	ms->index = archive_index_ref(index);
	ms->member = member;
	bool in_place = member->bytes || member->offset != NOWHERE;
	return istream_new(in_place ? &in_place_ops : &forward_ops, ms, name, (int64_t)member->size,
			   out, err);
}
