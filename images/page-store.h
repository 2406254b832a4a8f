/* SPDX-License-Identifier: MIT
 * The memory of one process or shared segment: pagemap-*.img over pages-*.img, through the
 * parents of an incremental set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "images/source.h"

/* pagemap_entry.flags */
enum page_flag {
	PE_PARENT = 1,  /* bytes are in a parent set */
	PE_LAZY = 2,    /* may be served after the restore */
	PE_PRESENT = 4, /* bytes are in the pages image */
};

enum page_kind {
	PAGE_PRESENT, /* bytes are in this set's pages image */
	PAGE_PARENT,  /* bytes are in a parent set */
	PAGE_LAZY,    /* to be served later, no bytes here (with bytes it is PAGE_PRESENT) */
	PAGE_ZERO,    /* listed, but no bytes: reads as zero */
};

/** Bytes of all page images of a set: what going over them once takes. */
uint64_t pages_stored_size(struct source *src);

struct page_run {
	uint64_t addr;     /* of the first page (shared segments: offset in bytes) */
	uint64_t nr_pages; /* of 4096 bytes */
	uint32_t flags;    /* enum page_flag; made up for old images, which had none */
	enum page_kind kind;
	uint64_t offset; /* byte offset in the pages image, when PAGE_PRESENT */
};

struct page_store;

/**
 * Open the pagemap of a process (pid) or of a shared segment (shmid). -ENOENT: no pagemap.
 * @param src  has to stay open as long as the store
 */
int page_store_open(struct source *src, uint32_t pid, struct page_store **out, struct error *err);
int page_store_open_shmem(struct source *src, uint64_t shmid, struct page_store **out,
			  struct error *err);
void page_store_close(struct page_store *ps);
uint32_t page_store_pages_id(const struct page_store *ps);

/**
 * Runs in address order. Refused with -EBADMSG: overlaps, runs out of order or past the end of
 * memory, and pages the pages image is too short for. @return 1, 0 at the end, -errno.
 */
int page_store_next(struct page_store *ps, struct page_run *run, struct error *err);
int page_store_rewind(struct page_store *ps, struct error *err);
/** From the first run on, what page_store_next() returns also goes into the index (see below). */
void page_store_keep(struct page_store *ps);

/**
 * Exact bytes of [addr, addr+len), through parents; absent pages read as zero.
 * The first call reads the whole page map into an index of 40 bytes a run; a walk with
 * page_store_next() is not disturbed.
 * @param present  when not NULL, one byte per page touched: 1 where an image had the page (also
 *                 as a zero page), 0 where none had it or it is lazy
 * @return 0; -EBADMSG when a page said to be in the parent set is not there
 */
int page_store_read(struct page_store *ps, uint64_t addr, void *buf, size_t len, uint8_t *present,
		    struct error *err);
/**
 * Of pages that are stored, here or in a parent: do they lie in a large hole of the page image, and
 * are zero? As istream_hole(). @param len  bytes from there on, of one run
 */
bool page_store_hole(struct page_store *ps, uint64_t addr, uint64_t *len);
/**
 * The run that covers an address, or the first one above it. The first call builds the index.
 * A page map that is damaged is known up to there: what lies behind its last good run is an error,
 * here and for page_store_read(). All is, when runs are out of order.
 * @return 1; 0 when there is none; -errno
 */
int page_store_find(struct page_store *ps, uint64_t addr, struct page_run *run, struct error *err);
/**
 * Build that index in steps, of up to nr runs each.
 * @return 1 more to come; 0: it is there; -errno
 */
int page_store_index(struct page_store *ps, size_t nr, struct error *err);
/** Pages whose bytes are in this set. @return 0; -errno */
int page_store_present(struct page_store *ps, uint64_t *nr_pages, struct error *err);
/** Descriptor of the pages image when it is a plain file, else -1: for mapping and splicing. */
int page_store_pages_fd(const struct page_store *ps);

static inline void page_store_cleanup_(struct page_store **ps)
{
	page_store_close(*ps);
}
#define auto_page_store __attribute__((cleanup(page_store_cleanup_))) struct page_store *
