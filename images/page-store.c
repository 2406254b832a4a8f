/* SPDX-License-Identifier: MIT
 * Page maps: runs checked as they stream by, an index of them for reading at any address, and
 * the parents of an incremental set opened when the first of their pages is asked for.
 */
#include "images/page-store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "images/image-type.h"
#include "images/reader.h"
#include "memory.pb-c.h"

#define CHAIN_MAX 256 /* sets in an incremental chain; more is a loop of links */

/* Where a walk through the page map is. */
struct walk {
	struct image_reader *map; /* at the next run; NULL once all were read */
	uint64_t next_addr;       /* no run may start below */
	uint64_t next_offset;     /* in the pages image */
	bool disordered;          /* one did: what was read before cannot be relied on either */
};

struct page_store {
	struct source *src; /* the caller's, or owned_src */
	struct source *owned_src;
	enum image_id type;
	uint64_t id;
	struct walk walk;      /* of page_store_next() */
	struct istream *pages; /* NULL: the set has no pages image */
	char pages_name[40];
	uint32_t pages_id;

	struct {
		struct page_run *items;
		size_t nr, cap;
	} index;
	struct walk indexing; /* while it is built */
	bool indexed;
	struct error damage; /* what ends the index before the page map does; code 0: nothing */
	bool keep;           /* the walk of page_store_next() builds it */

	unsigned depth; /* of sets above this one in the chain */
	struct page_store *parent;
};

void page_store_close(struct page_store *ps)
{
	while (ps) {
		struct page_store *parent = ps->parent;
		image_reader_close(ps->walk.map);
		image_reader_close(ps->indexing.map);
		istream_close(ps->pages);
		free(ps->index.items);
		source_close(ps->owned_src);
		free(ps);
		ps = parent;
	}
}

uint32_t page_store_pages_id(const struct page_store *ps)
{
	return ps->pages_id;
}

int page_store_pages_fd(const struct page_store *ps)
{
	return ps->pages ? istream_fd(ps->pages) : -1;
}

/* From the start, in place of the stream there was, which stays when this fails. */
static int pages_open(struct page_store *ps, struct error *err)
{
	struct istream *pages = NULL;
	int rc = source_open_member(ps->src, ps->pages_name, &pages, err);
	if (rc < 0)
		return rc;
	istream_close(ps->pages);
	ps->pages = pages;
	return 0;
}

/* A set whose pages are all in its parent, or zero, may have none. */
static int pages_open_if_any(struct page_store *ps, struct error *err)
{
	struct error why;
	int rc = pages_open(ps, &why);
	return rc < 0 && rc != -ENOENT ? error_set(err, rc, "%s", why.text) : 0;
}

int page_store_rewind(struct page_store *ps, struct error *err)
{
	image_reader_close(ps->walk.map);
	ps->walk.map = NULL;
	ps->walk.next_addr = ps->walk.next_offset = 0;
	int rc = image_open_typed(ps->src, ps->type, ps->id, &ps->walk.map, err);
	if (rc < 0)
		return rc;
	auto_message ProtobufCMessage *msg = NULL;
	rc = image_next(ps->walk.map, &msg, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(err, EBADMSG, "%s: wanted a pagemap_head, found an empty image",
				 image_reader_name(ps->walk.map));
	ps->pages_id = ((PagemapHead *)msg)->pages_id;
	image_filename(&image_types[IMG_PAGES], ps->pages_id, ps->pages_name,
		       sizeof(ps->pages_name));
	return 0;
}

/* Takes owned_src, also when it fails. */
static int store_open(struct source *src, struct source *owned_src, enum image_id type, uint64_t id,
		      struct page_store **out, struct error *err)
{
	struct page_store *ps = calloc(1, sizeof(*ps));
	if (!ps) {
		source_close(owned_src);
		return error_set(err, ENOMEM, "out of memory");
	}
	ps->src = src;
	ps->owned_src = owned_src;
	ps->type = type;
	ps->id = id;
	int rc = page_store_rewind(ps, err);
	if (rc == 0)
		rc = pages_open_if_any(ps, err);
	if (rc < 0)
		page_store_close(ps);
	else
		*out = ps;
	return rc;
}

int page_store_open(struct source *src, uint32_t pid, struct page_store **out, struct error *err)
{
	return store_open(src, NULL, IMG_PAGEMAP, pid, out, err);
}

int page_store_open_shmem(struct source *src, uint64_t shmid, struct page_store **out,
			  struct error *err)
{
	return store_open(src, NULL, IMG_SHMEM_PAGEMAP, shmid, out, err);
}

/* What an entry says, in the words of 4.2: older sets have in_parent instead of flags. */
static void run_from_entry(const PagemapEntry *pe, struct page_run *run)
{
	run->addr = pe->vaddr;
	run->nr_pages = pe->has_nr_pages ? pe->nr_pages : pe->compat_nr_pages;
	if (pe->has_flags)
		run->flags = pe->flags;
	else
		run->flags = pe->has_in_parent && pe->in_parent ? 0 : PE_PRESENT;
	if (pe->has_in_parent && pe->in_parent)
		run->flags |= PE_PARENT;

	if (run->flags & PE_PARENT)
		run->kind = PAGE_PARENT;
	else if (run->flags & PE_PRESENT)
		run->kind = PAGE_PRESENT;
	else if (run->flags & PE_LAZY)
		run->kind = PAGE_LAZY;
	else
		run->kind = PAGE_ZERO;
}

#define BAD(ps, err, fmt, ...)                                                                     \
	error_set(err, EBADMSG, "%s: entry at byte %" PRIu64 ": " fmt,                             \
		  image_reader_name((ps)->walk.map), image_reader_entry_offset((ps)->walk.map),    \
		  ##__VA_ARGS__)

static int run_check(struct page_store *ps, const struct page_run *run, struct error *err)
{
	uint64_t len, end, pages_end;
	if (run->addr % PAGE)
		return BAD(ps, err, "address %#" PRIx64 " is not at a page", run->addr);
	if (__builtin_mul_overflow(run->nr_pages, PAGE, &len) ||
	    __builtin_add_overflow(run->addr, len, &end))
		return BAD(ps, err, "%" PRIu64 " pages at %#" PRIx64 " pass the end of memory",
			   run->nr_pages, run->addr);
	ps->walk.disordered = run->addr < ps->walk.next_addr;
	if (ps->walk.disordered)
		return BAD(ps, err, "%#" PRIx64 " comes after a run that ends at %#" PRIx64,
			   run->addr, ps->walk.next_addr);
	if (run->kind != PAGE_PRESENT)
		return 0;
	if (!ps->pages)
		return BAD(ps, err, "its pages are in %s, which is missing", ps->pages_name);
	int64_t size = istream_size(ps->pages);
	if (__builtin_add_overflow(ps->walk.next_offset, len, &pages_end) ||
	    pages_end > INT64_MAX || (size >= 0 && pages_end > (uint64_t)size))
		return BAD(ps, err,
			   "%" PRIu64 " pages at byte %" PRIu64 " of %s, which has %" PRId64
			   " bytes",
			   run->nr_pages, ps->walk.next_offset, ps->pages_name, size);
	return 0;
}

static int next_run(struct page_store *ps, struct page_run *run, struct error *err)
{
	while (ps->walk.map) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(ps->walk.map, &msg, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			image_reader_close(ps->walk.map);
			ps->walk.map = NULL;
			return 0;
		}
		run_from_entry((PagemapEntry *)msg, run);
		rc = run_check(ps, run, err);
		if (rc < 0)
			return rc;
		run->offset = ps->walk.next_offset;
		ps->walk.next_addr = run->addr + run->nr_pages * PAGE;
		if (run->kind == PAGE_PRESENT)
			ps->walk.next_offset += run->nr_pages * PAGE;
		if (run->nr_pages)
			return 1;
	}
	return 0;
}

static int index_add(struct page_store *ps, const struct page_run *run, struct error *err)
{
	struct page_run *slot = array_add(&ps->index);
	if (!slot)
		return error_set(err, ENOMEM, "%s: out of memory for its page index",
				 ps->pages_name);
	*slot = *run;
	return 1;
}

int page_store_next(struct page_store *ps, struct page_run *run, struct error *err)
{
	int rc = next_run(ps, run, err);
	if (!ps->keep || rc < 0)
		return rc;
	ps->indexed = rc == 0;
	return rc ? index_add(ps, run, err) : 0;
}

void page_store_keep(struct page_store *ps)
{
	ps->keep = !ps->indexed;
}

static void walk_swap(struct page_store *ps)
{
	struct walk walk = ps->walk;
	ps->walk = ps->indexing;
	ps->indexing = walk;
}

static int runs_index(struct page_store *ps, size_t nr, struct error *err)
{
	struct page_run run;
	for (size_t i = 0; i < nr; i++) {
		int rc = next_run(ps, &run, err);
		if (rc > 0)
			rc = index_add(ps, &run, err);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int damage_tell(const struct page_store *ps, struct error *err)
{
	return ps->damage.code ? error_set(err, ps->damage.code, "%s", ps->damage.text) : 0;
}

int page_store_index(struct page_store *ps, size_t nr, struct error *err)
{
	struct error why;
	if (ps->indexed)
		return damage_tell(ps, err);
	if (ps->keep) { /* asked for before that walk came to its end */
		ps->keep = false;
		ps->index.nr = 0;
	}
	/* The caller's own walk with page_store_next() stays where it is. */
	walk_swap(ps);
	int rc = ps->walk.map ? 0 : page_store_rewind(ps, &why);
	if (rc == 0)
		rc = runs_index(ps, nr, &why);
	if (rc <= 0) { /* from the start when it is asked for again */
		image_reader_close(ps->walk.map);
		ps->walk.map = NULL;
		ps->indexed = rc == 0 || rc == -EBADMSG;
		ps->index.nr = ps->indexed && !ps->walk.disordered ? ps->index.nr : 0;
	}
	walk_swap(ps);
	if (rc == -EBADMSG)
		ps->damage = why;
	return rc < 0 ? error_set(err, rc, "%s", why.text) : rc;
}

/* As far as the page map can be read. */
static int index_build(struct page_store *ps, struct error *err)
{
	int rc = ps->indexed ? 0 : page_store_index(ps, SIZE_MAX, err);
	return ps->damage.code ? 0 : rc;
}

int page_store_present(struct page_store *ps, uint64_t *nr_pages, struct error *err)
{
	int rc = page_store_index(ps, SIZE_MAX, err);
	*nr_pages = 0;
	for (size_t i = 0; rc == 0 && i < ps->index.nr; i++)
		*nr_pages +=
		    ps->index.items[i].kind == PAGE_PRESENT ? ps->index.items[i].nr_pages : 0;
	return rc;
}

/* The first run that ends above addr, NULL: none. @return 1, 0 or the damage behind the last */
static int index_find(const struct page_store *ps, uint64_t addr, const struct page_run **out,
		      struct error *err)
{
	size_t low = 0, high = ps->index.nr;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct page_run *run = &ps->index.items[mid];
		if (addr - run->addr < run->nr_pages * PAGE && addr >= run->addr) {
			*out = run;
			return 1;
		}
		if (run->addr > addr)
			high = mid;
		else
			low = mid + 1;
	}
	*out = low < ps->index.nr ? &ps->index.items[low] : NULL;
	return *out ? 1 : damage_tell(ps, err);
}

int page_store_find(struct page_store *ps, uint64_t addr, struct page_run *run, struct error *err)
{
	int rc = index_build(ps, err);
	if (rc < 0)
		return rc;
	const struct page_run *found;
	rc = index_find(ps, addr, &found, err);
	if (rc == 1)
		*run = *found;
	return rc;
}

static int pages_read(struct page_store *ps, uint64_t offset, void *buf, size_t len,
		      struct error *err)
{
	ssize_t n;
	if (istream_seekable(ps->pages)) {
		n = istream_pread(ps->pages, buf, len, offset, err);
	} else {
		/* Compressed: forward by skipping, backward by starting again. */
		int rc = 0;
		if (istream_offset(ps->pages) > offset)
			rc = pages_open(ps, err);
		if (rc == 0)
			rc = istream_skip(ps->pages, offset - istream_offset(ps->pages), err);
		if (rc < 0)
			return rc;
		n = istream_read(ps->pages, buf, len, err);
	}
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return error_set(err, EBADMSG,
				 "%s: wanted %zu bytes at byte %" PRIu64 ", found %zd",
				 ps->pages_name, len, offset, n);
	return 0;
}

static int parent_open(struct page_store *ps, struct error *err)
{
	if (ps->parent)
		return 0;
	if (ps->depth >= CHAIN_MAX)
		return error_set(err, ELOOP,
				 "more than %d parent sets, is a `parent` link a loop? (%s)",
				 CHAIN_MAX, source_name(ps->src));
	struct source *src = NULL;
	struct error why;
	int rc = source_open_parent(ps->src, &src, &why);
	if (rc < 0)
		return error_set(err, rc == -ENOENT ? EBADMSG : -rc, "%s", why.text);
	if (!src)
		return error_set(err, EBADMSG,
				 "%s: pages of its memory are in a parent set, but it has no "
				 "`parent` link",
				 source_name(ps->src));
	rc = store_open(src, src, ps->type, ps->id, &ps->parent, &why);
	if (rc < 0)
		return error_set(err, rc == -ENOENT ? EBADMSG : -rc, "%s/parent: %s",
				 source_name(ps->src), why.text);
	ps->parent->depth = ps->depth + 1;
	image_reader_close(ps->parent->walk.map); /* nobody walks it: one descriptor less per set */
	ps->parent->walk.map = NULL;
	return 0;
}

/* What one set says about [addr, addr+len), pages of the parent left for the next round. */
struct want {
	uint64_t addr;
	unsigned char *buf;
	size_t len;
	uint8_t *present; /* may be NULL */
	bool complete;    /* a hole is an error: a set above promised these pages */
};

static int store_read(struct page_store *ps, struct want want, struct error *err);

static int read_run(struct page_store *ps, const struct page_run *run, struct want part,
		    struct error *err)
{
	int rc = 0;
	switch (run->kind) {
	case PAGE_PRESENT:
		rc = pages_read(ps, run->offset + (part.addr - run->addr), part.buf, part.len, err);
		break;
	case PAGE_PARENT:
		rc = parent_open(ps, err);
		part.complete = true;
		return rc < 0 ? rc : store_read(ps->parent, part, err);
	case PAGE_LAZY:
	case PAGE_ZERO:
		memset(part.buf, 0, part.len);
		break;
	}
	if (rc == 0 && part.present && run->kind != PAGE_LAZY)
		memset(part.present, 1, (part.addr % PAGE + part.len + PAGE - 1) / PAGE);
	return rc;
}

static int store_read(struct page_store *ps, struct want want, struct error *err)
{
	int rc = index_build(ps, err);
	while (rc == 0 && want.len) {
		const struct page_run *run;
		struct want part = want;
		rc = index_find(ps, want.addr, &run, err);
		if (rc < 0)
			return rc;
		uint64_t hole = !run ? want.len : run->addr > want.addr ? run->addr - want.addr : 0;
		if (hole) {
			if (want.complete)
				return error_set(err, EBADMSG,
						 "%s: the page at %#" PRIx64
						 " is said to be in this parent set, but is not",
						 source_name(ps->src), want.addr);
			if (part.len > hole)
				part.len = (size_t)hole;
			memset(part.buf, 0, part.len);
		} else {
			uint64_t left = run->addr + run->nr_pages * PAGE - want.addr;
			if (part.len > left)
				part.len = (size_t)left;
		}
		rc = hole ? 0 : read_run(ps, run, part, err);
		if (want.present)
			want.present += (want.addr + part.len) / PAGE - want.addr / PAGE;
		want.addr += part.len;
		want.buf += part.len;
		want.len -= part.len;
	}
	return rc;
}

int page_store_read(struct page_store *ps, uint64_t addr, void *buf, size_t len, uint8_t *present,
		    struct error *err)
{
	uint64_t end;
	if (__builtin_add_overflow(addr, len, &end))
		return error_set(err, EINVAL, "%zu bytes at %#" PRIx64 " pass the end of memory",
				 len, addr);
	if (present && len)
		memset(present, 0, (addr % PAGE + len + PAGE - 1) / PAGE);
	return store_read(ps, (struct want){ addr, buf, len, present, false }, err);
}

bool page_store_hole(struct page_store *ps, uint64_t addr, uint64_t *len)
{
	const struct page_run *run;
	if (index_build(ps, NULL) < 0 || index_find(ps, addr, &run, NULL) < 0 || !run ||
	    run->addr > addr)
		return false;
	uint64_t left = run->addr + run->nr_pages * PAGE - addr;
	*len = left < *len ? left : *len;
	if (run->kind == PAGE_PARENT)
		return parent_open(ps, NULL) == 0 && page_store_hole(ps->parent, addr, len);
	return run->kind == PAGE_PRESENT &&
	       istream_hole(ps->pages, run->offset + (addr - run->addr), len);
}

uint64_t pages_stored_size(struct source *src)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, NULL);
	uint64_t size = 0;
	for (ssize_t i = 0; i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		size += type && type->id == IMG_PAGES ? members[i].size : 0;
	}
	return size;
}
