/* SPDX-License-Identifier: MIT
 * Page images compressed in the seekable format of zstd: independent frames, then a table of them.
 */
#pragma once

#include "images/source.h"

#define SEEKABLE_SUFFIX    ".zst"
#define SEEKABLE_MAGIC     0x8F92EAB1u  /* last word of the file */
#define SEEKABLE_SKIPPABLE 0x184D2A5Eu  /* the skippable frame that holds the table */
#define SEEKABLE_FOOTER    9u           /* frames, a byte of flags, magic */
#define SEEKABLE_FRAME     (256 * 1024) /* bytes in a frame we write: what one read costs */
#define SEEKABLE_FRAME_MAX (8 * 1024 * 1024)
#define SEEKABLE_CHECKSUM  0x80u /* flag: entries of 12 bytes, not of 8 */

/* Where a frame is: in the file, and what it becomes. Both tables have one more, the end. */
struct seekable_frame {
	uint64_t at;    /* in the compressed image */
	uint64_t plain; /* in the image */
};
struct seekable_table {
	struct seekable_frame *frames;
	uint32_t nr;
};

/** Read and check the table. @return 0; -EBADMSG; release with seekable_table_fini() */
int seekable_table_read(struct istream *in, const char *name, struct seekable_table *out,
			struct error *err);
void seekable_table_fini(struct seekable_table *table);
#define auto_seekable_table __attribute__((cleanup(seekable_table_fini))) struct seekable_table

/**
 * The image inside, readable at any offset; forward only when `in` is.
 * @param in  taken, also when this fails
 */
int istream_open_seekable(struct istream *in, const char *name, struct istream **out,
			  struct error *err);

/** Whether "pages-1.img.zst" is the name of a compressed page image. @return length without .zst,
 * or 0. */
size_t seekable_name(const char *name);
