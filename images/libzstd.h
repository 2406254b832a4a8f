/* SPDX-License-Identifier: MIT
 * libzstd, loaded when the first compressed page image is met.
 */
#pragma once

#include <zstd.h>

#include "base/error.h"

/* Every function used, by its name without "ZSTD_". */
#define LIBZSTD_FUNCTIONS(X)                                                                       \
	X(createCCtx)                                                                              \
	X(freeCCtx)                                                                                \
	X(CCtx_setParameter)                                                                       \
	X(compress2)                                                                               \
	X(compressBound)                                                                           \
	X(maxCLevel)                                                                               \
	X(createDCtx)                                                                              \
	X(freeDCtx)                                                                                \
	X(DCtx_setParameter)                                                                       \
	X(decompressDCtx)                                                                          \
	X(decompressStream)                                                                        \
	X(isError)                                                                                 \
	X(getErrorName)

struct libzstd {
#define X(name) __typeof__(ZSTD_##name) *name;
	LIBZSTD_FUNCTIONS(X)
#undef X
};

/** It stays loaded. @return 0; -ENOTSUP when the library or one of its functions is missing */
int libzstd_load(struct libzstd *lib, struct error *err);
