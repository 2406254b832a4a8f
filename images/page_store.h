/* SPDX-License-Identifier: MIT
 * The memory of one process or shared segment: pagemap-*.img over pages-*.img, through the
 * parents of an incremental set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "images/source.h"

enum page_kind {
	PAGE_PRESENT, /* bytes are in this set's pages image */
	PAGE_PARENT,  /* bytes are in a parent set */
	PAGE_LAZY,    /* to be served later (with PAGE_PRESENT's bytes when they are there too) */
	PAGE_ZERO,    /* listed, but no bytes: reads as zero */
};

struct page_run {
	uint64_t addr;     /* of the first page (shared segments: offset in bytes) */
	uint64_t nr_pages; /* of 4096 bytes */
	uint32_t flags;    /* PE_* as stored */
	enum page_kind kind;
	uint64_t offset; /* byte offset in the pages image, when PAGE_PRESENT */
};

struct page_store;

/** Open the pagemap of a process (pid) or of a shared segment (shmid). -ENOENT: no pagemap. */
int page_store_open(struct source *src, uint32_t pid, struct page_store **out, struct error *err);
int page_store_open_shmem(struct source *src, uint64_t shmid, struct page_store **out,
			  struct error *err);
void page_store_close(struct page_store *ps);
uint32_t page_store_pages_id(const struct page_store *ps);

/** Runs in address order, overlaps refused with -EBADMSG. @return 1, 0 at the end, -errno. */
int page_store_next(struct page_store *ps, struct page_run *run, struct error *err);
int page_store_rewind(struct page_store *ps, struct error *err);

/**
 * Exact bytes of [addr, addr+len), through parents; absent pages read as zero.
 * @param present  when not NULL, one byte per page: 1 where an image had the page
 */
int page_store_read(struct page_store *ps, uint64_t addr, void *buf, size_t len, uint8_t *present,
		    struct error *err);
/** Descriptor of the pages image when it is a plain file, else -1: for mapping and splicing. */
int page_store_pages_fd(const struct page_store *ps);
