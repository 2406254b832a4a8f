/* SPDX-License-Identifier: MIT
 * Writing sets into tar archives.
 */
#include "convert/store/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/archive-file.h"
#include "images/image-type.h"
#include "images/source.h"
#include "images/source-kind.h"

enum { CHAIN_MAX = 256, NAME_LEN = 512 };

struct pack {
	struct archive_out out;
	struct archive_entry *entry;
};

static void entry_start(struct pack *p, const char *path, const struct stat *st)
{
	archive_entry_clear(p->entry);
	archive_entry_set_pathname(p->entry, path);
	archive_entry_set_uid(p->entry, st->st_uid);
	archive_entry_set_gid(p->entry, st->st_gid);
	archive_entry_set_mtime(p->entry, st->st_mtime, 0);
	archive_entry_set_perm(p->entry, st->st_mode & 0777);
}

static int put_header(struct pack *p, struct error *err)
{
	return archive_write_header(p->out.archive, p->entry) < ARCHIVE_WARN
		   ? archive_out_error(&p->out, err)
		   : 0;
}

static int pack_file(struct pack *p, struct source *src, const char *file, const char *path,
		     struct error *err)
{
	auto_istream in = NULL;
	struct stat st;
	int rc = source_open_member(src, file, &in, err);
	if (rc < 0)
		return rc;
	if (fstat(istream_fd(in), &st) < 0)
		return error_sys(err, "read %s", path);
	entry_start(p, path, &st);
	rc = archive_put_file(&p->out, p->entry, istream_fd(in), st.st_size, path, err);
	if (rc == 0 && archive_write_finish_entry(p->out.archive) < ARCHIVE_WARN)
		rc = archive_out_error(&p->out, err);
	return rc;
}

static int pack_link(struct pack *p, const char *path, const char *target, struct error *err)
{
	const struct stat st = { .st_mode = 0777 };
	entry_start(p, path, &st);
	archive_entry_set_filetype(p->entry, AE_IFLNK);
	archive_entry_set_symlink(p->entry, target);
	archive_entry_set_size(p->entry, 0);
	return put_header(p, err);
}

struct folders {
	struct pack *pack;
	const char *above; /* "", or "checkpoint/parent-1/" */
};

static int pack_folder(void *arg, const char *folder, struct error *err)
{
	const struct folders *f = arg;
	const struct stat st = { .st_mode = 0755 };
	char path[NAME_LEN];
	snprintf(path, sizeof(path), "%s%s", f->above, folder);
	entry_start(f->pack, path, &st);
	archive_entry_set_filetype(f->pack->entry, AE_IFDIR);
	return put_header(f->pack, err);
}

static bool is_pages(const char *name)
{
	const struct image_type *type = image_type_by_filename(name);
	return type && type->id == IMG_PAGES;
}

/* Small images first: whoever reads a compressed archive meets them early. */
static int pack_members(struct pack *p, struct source *src, const char *folder, struct error *err)
{
	const struct source_member *members;
	struct folders folders = { p, folder };
	int rc = source_empty_folders(src, pack_folder, &folders, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	rc = nr < 0 ? (int)nr : 0;
	for (int pages = 0; pages < 2; pages++) {
		for (ssize_t i = 0; i < nr && rc == 0; i++) {
			char path[NAME_LEN];
			if (is_pages(members[i].name) != pages ||
			    !strcmp(members[i].name, "parent"))
				continue;
			snprintf(path, sizeof(path), "%s%s", folder, members[i].path);
			rc = pack_file(p, src, members[i].path, path, err);
		}
	}
	return rc;
}

/* The set and those before it; a loop of links ends at CHAIN_MAX. */
static int pack_chain(struct pack *p, struct source *top, struct error *err)
{
	auto_source owned = NULL;
	struct source *src = top;
	auto_free char *images = source_dup_path(src, "");
	int rc = images ? source_confine(src, err) : error_set(err, ENOMEM, "out of memory");
	for (unsigned depth = 0; rc == 0; depth++) {
		char folder[48] = "", path[64], target[32];
		if (depth)
			snprintf(folder, sizeof(folder), "%sparent-%u/", images, depth);
		auto_source parent = NULL;
		rc = source_want_set(src, err);
		if (rc == 0)
			rc = source_lacks_nothing(src, false, err);
		if (rc == 0)
			rc = source_open_parent(src, &parent, err);
		if (rc == 0 && depth == CHAIN_MAX)
			rc = error_set(err, ELOOP, "%s: more than %d parent sets", source_name(top),
				       CHAIN_MAX);
		if (rc == 0 && parent) {
			snprintf(path, sizeof(path), "%sparent", depth ? folder : images);
			snprintf(target, sizeof(target), "%sparent-%u", depth ? "../" : "",
				 depth + 1);
			rc = pack_link(p, path, target, err);
		}
		if (rc == 0)
			rc = pack_members(p, src, folder, err);
		if (rc < 0 || !parent)
			break;
		source_close(owned);
		owned = src = take_ptr(parent);
	}
	return rc;
}

static int pack_open(struct pack *p, int fd, const struct archive_form *form, unsigned level,
		     struct error *err)
{
	struct archive *out = p->out.archive = archive_write_new();
	p->out.buf = io_buffer(ARCHIVE_PIECE);
	p->entry = archive_entry_new();
	if (!p->out.buf || !out || !p->entry)
		return error_set(err, ENOMEM, "%s: out of memory", p->out.name);
	int rc = archive_write_set_format_pax_restricted(out);
	if (rc == ARCHIVE_OK)
		rc = archive_filter_add(out, form->filter);
	char text[16];
	snprintf(text, sizeof(text), "%u", level);
	if (rc == ARCHIVE_OK && level)
		rc = archive_write_set_filter_option(out, NULL, "compression-level", text);
	/* Nothing is gathered into blocks: what is written goes straight to the file. */
	if (rc == ARCHIVE_OK && !form->levels)
		rc = archive_write_set_bytes_per_block(out, 0);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open_fd(out, fd);
	return rc == ARCHIVE_OK ? 0 : archive_out_error(&p->out, err);
}

int pack_set(struct source *src, int fd, const char *name, const struct archive_form *form,
	     unsigned level, struct progress *progress, struct error *err)
{
	struct pack p = { .out = { .name = name, .progress = progress } };
	int rc = pack_open(&p, fd, form, level, err);
	if (rc == 0)
		rc = pack_chain(&p, src, err);
	if (rc == 0 && archive_write_close(p.out.archive) != ARCHIVE_OK)
		rc = archive_out_error(&p.out, err);
	if (p.entry)
		archive_entry_free(p.entry);
	if (p.out.archive)
		archive_write_free(p.out.archive);
	free(p.out.buf);
	return rc;
}
