/* SPDX-License-Identifier: MIT
 * Many pages from a file into memory of this process, as fast as the machine copies.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct stream {
	int fd;            /* of the file */
	uint64_t offset;   /* in the file, of the first page; bytes */
	int uffd;          /* serves the memory, which has no pages yet; -1: it is written to, */
	uint64_t dst, len; /* and is of whole huge pages */
	bool two;          /* threads: only where no task of the restore may need their number */
};

/**
 * Copy all of it. The file must be as long as that.
 * @return 0; 1: the file cannot be mapped, nothing is done; -errno
 */
int stream_copy(const struct stream *s, struct error *err);

/** UFFDIO_COPY until all is there. */
int stream_put(int uffd, const void *src, uint64_t dst, uint64_t len, struct error *err);
