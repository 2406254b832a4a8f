/* SPDX-License-Identifier: MIT
 * One set from an incremental chain. Page maps keep their entries, only that pages in a parent
 * set become pages of this one; zero pages become holes of the page image.
 */
#include "convert/store/squash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/store/rewrite.h"
#include "images/image-type.h"
#include "images/page-store.h"
#include "images/seekable.h"
#include "memory.pb-c.h"

enum { PIECE = 32 * PAGE, CHAIN_MAX = 256 };

struct squash {
	const struct set_job *job;
	struct progress *progress;
	unsigned char *buf;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} pages_ids; /* page images that were written */
};

/* @param at  where they go in the new page image */
static int squash_bytes(struct squash *s, struct page_store *ps, uint64_t addr, uint64_t len,
			int fd, uint64_t at, struct error *err)
{
	uint8_t known[PIECE / PAGE];
	int rc = 0;
	for (uint64_t done = 0; rc == 0 && done < len;) {
		size_t part = len - done < PIECE ? (size_t)(len - done) : PIECE;
		rc = page_store_read(ps, addr + done, s->buf, part, known, err);
		if (rc == 0 && memchr(known, 0, part / PAGE))
			rc = error_set(err, EBADMSG,
				       "pages at %#" PRIx64
				       " are lazy in a set before: their bytes are not to be had",
				       addr + done);
		if (rc < 0)
			return rc;
		rc = fd_pwrite_sparse(fd, s->buf, part, (off_t)(at + done));
		if (rc < 0)
			return error_code(err, rc, "write pages-%" PRIu32 ".img",
					  page_store_pages_id(ps));
		done += part;
		progress_add(s->progress, part);
	}
	return rc;
}

/* The bytes of every run that has some, here or in a parent. */
static int squash_pages(struct squash *s, struct page_store *ps, int fd, struct error *err)
{
	struct page_run run;
	uint64_t at = 0;
	int rc;
	while ((rc = page_store_next(ps, &run, err)) == 1) {
		if (run.kind != PAGE_PRESENT && run.kind != PAGE_PARENT)
			continue;
		for (uint64_t done = 0, len = run.nr_pages * PAGE; done < len;) {
			uint64_t part = len - done;
			if (page_store_hole(ps, run.addr + done, &part))
				progress_add(s->progress, part);
			else
				rc = squash_bytes(s, ps, run.addr + done, part, fd, at, err);
			if (rc < 0)
				return rc;
			done += part;
			at += part;
		}
	}
	if (rc == 0 && ftruncate(fd, (off_t)at) < 0)
		rc = error_sys(err, "write pages-%" PRIu32 ".img", page_store_pages_id(ps));
	return rc;
}

enum { FLAG_PARENT = PE_PARENT, FLAG_PRESENT = PE_PRESENT };

static int entry_own(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	(void)ctx;
	(void)err;
	if (msg->descriptor != &pagemap_entry__descriptor)
		return ENTRY_KEEP;
	PagemapEntry *pe = (PagemapEntry *)msg;
	bool in_parent = pe->has_in_parent && pe->in_parent;
	if (!in_parent && !(pe->has_flags && pe->flags & FLAG_PARENT))
		return ENTRY_KEEP;
	if (pe->has_flags)
		pe->flags = (pe->flags & ~(uint32_t)FLAG_PARENT) | FLAG_PRESENT;
	pe->has_in_parent = pe->in_parent = 0;
	return ENTRY_WRITE;
}

/* Page map and page image belong to each other: none is shared by two. */
static int pages_take(struct squash *s, const char *map, uint32_t pages_id, struct error *err)
{
	for (size_t i = 0; i < s->pages_ids.nr; i++) {
		if (s->pages_ids.items[i] == pages_id)
			return error_set(err, EBADMSG,
					 "%s: pages-%" PRIu32
					 ".img belongs to another page map too",
					 map, pages_id);
	}
	uint32_t *id = array_add(&s->pages_ids);
	if (!id)
		return error_set(err, ENOMEM, "out of memory");
	*id = pages_id;
	return 0;
}

static int write_pages(struct squash *s, struct page_store *ps, struct error *err)
{
	char name[40], packed[48];
	struct sink *sink = s->job->sink;
	image_filename(&image_types[IMG_PAGES], page_store_pages_id(ps), name, sizeof(name));
	snprintf(packed, sizeof(packed), "%s" SEEKABLE_SUFFIX, name);
	int fd = sink_begin(sink, name, err);
	int rc = fd < 0 ? fd : squash_pages(s, ps, fd, err);
	if (rc == 0)
		rc = sink_end(sink, err);
	return rc < 0 ? rc : sink_remove(sink, packed, err); /* if that was its form */
}

static int write_map(const struct squash *s, const char *name, struct error *err)
{
	const struct image_edit edit = { .entry = entry_own };
	auto_image_reader r = NULL;
	int rc = image_open(s->job->src, name, &r, err);
	int fd = rc < 0 ? rc : sink_begin(s->job->sink, name, err);
	if (fd < 0)
		return fd;
	rc = image_rewrite(r, fd, name, &edit, err);
	return rc < 0 ? rc : sink_end(s->job->sink, err);
}

static int squash_map(struct squash *s, const struct source_member *m, struct error *err)
{
	const struct image_type *type = image_type_by_filename(m->name);
	bool shared = type && type->id == IMG_SHMEM_PAGEMAP;
	if (!m->own || (!shared && (!type || type->id != IMG_PAGEMAP)))
		return 0;
	uint64_t number = strtoull(m->name + strcspn(m->name, "0123456789"), NULL, 10);
	auto_page_store ps = NULL;
	int rc = shared ? page_store_open_shmem(s->job->src, number, &ps, err)
			: page_store_open(s->job->src, (uint32_t)number, &ps, err);
	if (rc == 0)
		rc = pages_take(s, m->name, page_store_pages_id(ps), err);
	if (rc == 0)
		rc = write_pages(s, ps, err);
	return rc < 0 ? rc : write_map(s, m->name, err);
}

/* Take a set out of the archive: its files and, in the folder of any of them, its own link. */
static int forget_set(struct sink *sink, struct source *set, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(set, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	auto_free char *link = NULL;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const char *path = members[i].path, *slash = strrchr(path, '/');
		if (!members[i].own || sink_has(sink, path))
			continue;
		rc = sink_remove(sink, path, err);
		if (rc == 0 && !link && slash) {
			if (asprintf(&link, "%.*s/parent", (int)(slash - path), path) < 0) {
				link = NULL;
				return error_set(err, ENOMEM, "out of memory");
			}
			rc = sink_remove(sink, link, err);
		}
	}
	return rc;
}

/* In an archive the sets before it go with the link to them. */
static int forget_parents(const struct set_job *job, struct error *err)
{
	auto_source owned = NULL;
	struct source *src = job->src;
	int rc = sink_remove(job->sink, "parent", err);
	for (unsigned depth = 0; rc == 0 && source_is_archive(job->src); depth++) {
		auto_source parent = NULL;
		rc = source_open_parent(src, &parent, err);
		if (rc < 0 || !parent)
			break;
		rc = depth < CHAIN_MAX ? forget_set(job->sink, parent, err)
				       : error_set(err, ELOOP, "%s: more than %d parent sets",
						   source_name(job->src), CHAIN_MAX);
		source_close(owned);
		owned = src = take_ptr(parent);
	}
	return rc;
}

int set_squash(const struct set_job *job, struct progress *progress, struct error *err)
{
	struct squash s = { .job = job, .progress = progress, .buf = io_buffer(PIECE) };
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : s.buf ? 0 : error_set(err, ENOMEM, "out of memory");
	for (ssize_t i = 0; rc == 0 && i < nr; i++)
		rc = squash_map(&s, &members[i], err);
	if (rc == 0)
		rc = forget_parents(job, err);
	free(s.pages_ids.items);
	free(s.buf);
	return rc;
}
