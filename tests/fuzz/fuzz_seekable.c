/* SPDX-License-Identifier: MIT
 * The input is a compressed page image: what it holds is read in order, then at some offsets, and
 * both have to be the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "images/seekable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct istream *packed;
	auto_istream in = NULL;
	if (istream_open_memory(data, size, "pages-1.img.zst", &packed, &err) < 0 ||
	    istream_open_seekable(packed, "pages-1.img.zst", &in, &err) < 0)
		return 0;
	auto_free uint8_t *all = malloc(MAX);
	ssize_t nr = all ? istream_read(in, all, MAX, &err) : -1;
	if (nr < 0)
		return 0;
	if (istream_size(in) < nr || (nr < MAX && istream_size(in) != nr))
		abort();
	uint8_t part[5000];
	uint32_t at = size > 4 ? data[0] * 7919u + data[4] : 0;
	for (int i = 0; i < 8; i++, at = at * 31 + 4093) {
		uint64_t offset = nr ? at % (uint64_t)nr : 0;
		ssize_t n = istream_pread(in, part, sizeof(part), offset, &err);
		if (n < 0 && nr == MAX)
			continue; /* a broken frame behind what was read */
		size_t known = (size_t)nr - offset;
		if (n < 0 || memcmp(part, all + offset, known < (size_t)n ? known : (size_t)n) != 0)
			abort();
	}
	return 0;
}
