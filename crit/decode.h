/* SPDX-License-Identifier: MIT
 * An image to JSON, in a file or on standard output: what show and decode share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct decode_request {
	const char *image; /* as image_arg.text */
	const char *out;   /* file to replace; NULL: standard output, which ends with a line end */
	bool pretty, no_payload;
	const uint64_t *entries; /* only these, and nothing if one is not there; NULL: all */
	size_t nr_entries;
};

int decode_run(struct decode_request *request, struct error *err);
