/* SPDX-License-Identifier: MIT
 * What libdw calls to unpack files, and symbol tables in them (.gnu_debugdata), packed by xz or
 * bzip2, where it is linked in: the libraries are loaded when something is packed. Linked in, too,
 * liblzma would ask the processor for CLMUL before main() of every command. Source: lzma/base.h,
 * lzma/container.h, bzlib.h; a stream is whatever it is to the library.
 */
#ifdef LIBDW_LINKED_IN

#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/library.h"

enum { LZMA_PROG_ERROR = 11, BZ_PARAM_ERROR = -2 };

struct unpacker {
	int (*lzma_auto_decoder)(void *stream, uint64_t memory, uint32_t flags);
	int (*lzma_code)(void *stream, int action);
	void (*lzma_end)(void *stream);
	int (*bz_init)(void *stream, int verbosity, int small);
	int (*bz_code)(void *stream);
	int (*bz_end)(void *stream);
};

static const struct library_symbol lzma[] = {
	{ "lzma_auto_decoder", offsetof(struct unpacker, lzma_auto_decoder) },
	{ "lzma_code", offsetof(struct unpacker, lzma_code) },
	{ "lzma_end", offsetof(struct unpacker, lzma_end) },
};
static const struct library_symbol bzip2[] = {
	{ "BZ2_bzDecompressInit", offsetof(struct unpacker, bz_init) },
	{ "BZ2_bzDecompress", offsetof(struct unpacker, bz_code) },
	{ "BZ2_bzDecompressEnd", offsetof(struct unpacker, bz_end) },
};

static bool has_lzma(struct unpacker *u)
{
	return library_load("liblzma.so.5", "xz", lzma, ARRAY_SIZE(lzma), u, NULL) == 0;
}

static bool has_bzip2(struct unpacker *u)
{
	return library_load("libbz2.so.1.0", "bzip2", bzip2, ARRAY_SIZE(bzip2), u, NULL) == 0;
}

/* Declared by nobody but the libraries' own headers, which building does not take. */
int lzma_auto_decoder(void *stream, uint64_t memory, uint32_t flags);
int lzma_code(void *stream, int action);
void lzma_end(void *stream);
int BZ2_bzDecompressInit(void *stream, int verbosity, int small);
int BZ2_bzDecompress(void *stream);
int BZ2_bzDecompressEnd(void *stream);

int lzma_auto_decoder(void *stream, uint64_t memory, uint32_t flags)
{
	struct unpacker u;
	return has_lzma(&u) ? u.lzma_auto_decoder(stream, memory, flags) : LZMA_PROG_ERROR;
}

int lzma_code(void *stream, int action)
{
	struct unpacker u;
	return has_lzma(&u) ? u.lzma_code(stream, action) : LZMA_PROG_ERROR;
}

void lzma_end(void *stream)
{
	struct unpacker u;
	if (has_lzma(&u))
		u.lzma_end(stream);
}

int BZ2_bzDecompressInit(void *stream, int verbosity, int small)
{
	struct unpacker u;
	return has_bzip2(&u) ? u.bz_init(stream, verbosity, small) : BZ_PARAM_ERROR;
}

int BZ2_bzDecompress(void *stream)
{
	struct unpacker u;
	return has_bzip2(&u) ? u.bz_code(stream) : BZ_PARAM_ERROR;
}

int BZ2_bzDecompressEnd(void *stream)
{
	struct unpacker u;
	return has_bzip2(&u) ? u.bz_end(stream) : BZ_PARAM_ERROR;
}

#endif
