/* SPDX-License-Identifier: MIT
 * Page contents from images into memory of this process, at the speed the kernel allows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "images/page-store.h"

#define FILL_PIECES 64

/* Pages of an image on their way into this process. */
struct fill {
	struct page_store *ps; /* borrowed */
	int uffd;              /* -1: the kernel lets us have none */
	int mem_fd;            /* /proc/self/mem, -1 until needed */
	char *buf;
	bool two_threads; /* may fill at once; engine/mem/stream.h */
	bool huge; /* fill_fresh(): memory that may be written to, in huge pages where whole */
	uint64_t watched, watched_end; /* memory that fill_register() prepared */
	/* bytes of the pages image that wait to be put in place together, and where */
	uint64_t offset, len;
	struct iovec pieces[FILL_PIECES];
	size_t nr_pieces;
	/* pages: put in place, looked at for a difference, found without one */
	uint64_t restored, compared, equal;
};

int fill_init(struct fill *f, struct page_store *ps, struct error *err);
void fill_fini(struct fill *f);

/** Are its pages in a plain file, at a known offset? */
bool fill_is_in_file(const struct fill *f, const struct page_run *run);

/**
 * Prepare [start, end), one anonymous private mapping, for fill_fresh(): worth it for many pages.
 * Without userfaultfd this does nothing and fill_fresh() is slower. Nothing may wait.
 */
void fill_register(struct fill *f, uint64_t start, uint64_t end);

/**
 * Put the pages of `run` from `skip` bytes on into memory whatever its protection.
 * @param dst  where the first of them goes; @param len  bytes
 * fill_fresh() wants writable anonymous memory that has no pages yet, and may be late: fill_flush()
 * makes it done. fill_over() takes any memory; fill_differing() writes only pages
 * that differ, so that equal ones stay shared.
 */
int fill_fresh(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst,
	       uint64_t len, struct error *err);
int fill_flush(struct fill *f, struct error *err);
int fill_over(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst, uint64_t len,
	      struct error *err);
int fill_differing(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst,
		   uint64_t len, struct error *err);

/**
 * Write the pages of a shared segment to its descriptor. @param size  of the segment, bytes
 * @param mapped  through a mapping: files of huge pages cannot be written to
 */
int fill_segment(struct source *images, uint64_t shmid, int fd, uint64_t size, bool mapped,
		 struct error *err);
