/* SPDX-License-Identifier: MIT
 * A walk over all bytes of a process that a checkpoint has, a window at a time. Memory that was
 * never written, or is listed as zero, is passed over.
 */
#pragma once

#include "base/progress.h"
#include "convert/memory/select.h"
#include "images/page-store.h"

struct scan_window {
	uint64_t addr; /* of bytes[0] */
	const unsigned char *bytes;
	size_t len;
	size_t fresh; /* what begins before this offset is this window's to report; the rest comes
			 again at the start of the next one */
	bool first;   /* nothing lies directly before addr */
};

/** @return 0 to go on; 1 to stop; -errno. */
typedef int (*scan_visit)(void *arg, const struct scan_window *window, struct error *err);

/**
 * Visit what is stored in the ranges; windows of up to a MiB and the overlap.
 * @param overlap   bytes the end of a window has in common with the next: at least one less than
 *                  the longest thing looked for; at most SCAN_OVERLAP_MAX
 * @param progress  told about bytes; may be NULL
 * @return 0, 1 when stopped, -errno
 */
int memory_scan(struct memory_view *mv, const struct memory_ranges *ranges, size_t overlap,
		struct progress *progress, scan_visit visit, void *arg, struct error *err);
#define SCAN_OVERLAP_MAX (1u << 20)

/** The same for all pages a shared segment has; addresses are offsets in it. */
int segment_scan(struct page_store *segment, size_t overlap, struct progress *progress,
		 scan_visit visit, void *arg, struct error *err);

/** The next bytes of a stream. @return bytes, 0 at its end, -errno */
typedef ssize_t (*scan_read)(void *from, void *buf, size_t len, struct error *err);
/** The same for a stream; addresses are offsets in it. */
int stream_scan(scan_read read, void *from, size_t overlap, struct progress *progress,
		scan_visit visit, void *arg, struct error *err);

/** How many bytes a scan will visit, for progress. */
int memory_scan_size(struct memory_view *mv, const struct memory_ranges *ranges, uint64_t *out,
		     struct error *err);
