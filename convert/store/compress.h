/* SPDX-License-Identifier: MIT
 * Page images into seekable zstd frames, and back.
 */
#pragma once

#include "base/progress.h"
#include "convert/store/forms.h"

struct compress_how {
	int level; /* of zstd */
	unsigned nr_threads;
	uint64_t max_size;         /* bytes of a page image; more fails; 0: any */
	struct progress *progress; /* may be NULL */
};

/** Levels zstd has. @return 0 or -EINVAL */
int compress_level_check(uint64_t level, struct error *err);

/** Every page image of a set in frames; the reverse. The others are left to who commits the sink.
 */
int set_compress(const struct set_job *job, const struct compress_how *how, struct error *err);
int set_decompress(const struct set_job *job, const struct compress_how *how, struct error *err);

/** A page image to one in frames. @param name  for messages */
int pages_compress(struct istream *in, int fd, const char *name, const struct compress_how *how,
		   struct error *err);
/** The reverse; zero pages become holes. @param in  the compressed image, seekable */
int pages_decompress(struct istream *in, int fd, const char *name, const struct compress_how *how,
		     struct error *err);
