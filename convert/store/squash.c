/* SPDX-License-Identifier: MIT
 * One set from an incremental chain. Page maps keep their entries, only that pages in a parent
 * set become pages of this one; zero pages become holes of the page image.
 */
#include "convert/store/squash.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/store/rewrite.h"
#include "images/image-type.h"
#include "images/page-store.h"
#include "memory.pb-c.h"

enum { PAGE = 4096, PIECE = 32 * PAGE };

struct squash {
	struct set_rewrite *set;
	struct progress *progress;
	unsigned char *buf;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} pages_ids; /* page images that were written */
};

/* The bytes of every run that has some, here or in a parent. */
static int squash_pages(struct squash *s, struct page_store *ps, int fd, struct error *err)
{
	struct page_run run;
	uint8_t known[PIECE / PAGE];
	uint64_t at = 0;
	int rc;
	while ((rc = page_store_next(ps, &run, err)) == 1) {
		if (run.kind != PAGE_PRESENT && run.kind != PAGE_PARENT)
			continue;
		for (uint64_t done = 0, len = run.nr_pages * PAGE; done < len;) {
			size_t part = len - done < PIECE ? (size_t)(len - done) : PIECE;
			rc = page_store_read(ps, run.addr + done, s->buf, part, known, err);
			if (rc == 0 && memchr(known, 0, part / PAGE))
				rc = error_set(err, EBADMSG,
					       "pages at %#" PRIx64
					       " are lazy in a set before: their "
					       "bytes are not to be had",
					       run.addr + done);
			if (rc < 0)
				return rc;
			rc = fd_pwrite_sparse(fd, s->buf, part, (off_t)at);
			if (rc < 0)
				return error_code(err, rc, "write pages-%" PRIu32 ".img",
						  page_store_pages_id(ps));
			done += part;
			at += part;
			progress_add(s->progress, part);
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

static int squash_map(struct squash *s, const char *name, struct page_store *ps, struct error *err)
{
	char pages[40];
	image_filename(&image_types[IMG_PAGES], page_store_pages_id(ps), pages, sizeof(pages));
	for (size_t i = 0; i < s->pages_ids.nr; i++) {
		if (s->pages_ids.items[i] == page_store_pages_id(ps))
			return error_set(err, EBADMSG, "%s: %s belongs to another page map too",
					 name, pages);
	}
	uint32_t *id = array_add(&s->pages_ids);
	if (!id)
		return error_set(err, ENOMEM, "out of memory");
	*id = page_store_pages_id(ps);
	auto_fd fd = set_create(s->set, pages, err);
	int rc = fd < 0 ? fd : squash_pages(s, ps, fd, err);
	if (rc < 0)
		return rc;
	auto_image_reader r = NULL;
	rc = image_open(s->set->src, name, &r, err);
	auto_fd map = rc < 0 ? -1 : set_create(s->set, name, err);
	if (map < 0)
		return rc < 0 ? rc : map;
	const struct image_edit edit = { .entry = entry_own };
	return image_rewrite(r, map, name, &edit, err);
}

static int map_member(void *ctx, struct set_rewrite *set, const struct source_member *m,
		      struct error *err)
{
	const struct image_type *type = image_type_by_filename(m->name);
	bool shared = type && type->id == IMG_SHMEM_PAGEMAP;
	if (!strcmp(m->name, "parent"))
		return 1;
	if (!shared && (!type || type->id != IMG_PAGEMAP))
		return type && type->id == IMG_PAGES; /* later, when the maps are known */
	uint64_t number = strtoull(m->name + strcspn(m->name, "0123456789"), NULL, 10);
	auto_page_store ps = NULL;
	int rc = shared ? page_store_open_shmem(set->src, number, &ps, err)
			: page_store_open(set->src, (uint32_t)number, &ps, err);
	if (rc == 0)
		rc = squash_map(ctx, m->name, ps, err);
	return rc < 0 ? rc : 1;
}

/* A page image no map refers to stays as it is. */
static int pages_member(void *ctx, struct set_rewrite *set, const struct source_member *m,
			struct error *err)
{
	(void)set;
	(void)err;
	const struct squash *s = ctx;
	const struct image_type *type = image_type_by_filename(m->name);
	if (!type || type->id != IMG_PAGES)
		return 1;
	uint64_t id = strtoull(m->name + strlen("pages-"), NULL, 10);
	for (size_t i = 0; i < s->pages_ids.nr; i++) {
		if (s->pages_ids.items[i] == id)
			return 1;
	}
	return 0;
}

int squash_set(struct set_rewrite *set, struct progress *progress, struct error *err)
{
	struct squash s = { .set = set, .progress = progress, .buf = io_buffer(PIECE) };
	set->no_parent = true;
	int rc = s.buf ? set_rewrite_members(set, map_member, &s, err)
		       : error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		rc = set_rewrite_members(set, pages_member, &s, err);
	free(s.pages_ids.items);
	free(s.buf);
	return rc;
}
