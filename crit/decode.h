/* SPDX-License-Identifier: MIT
 * An image to JSON, in a file or on standard output: what show and decode share.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct decode_request {
	const char *image; /* as image_arg.text */
	const char *out;   /* file to replace; NULL: standard output, which ends with a line end */
	bool pretty, no_payload;
};

int decode_run(const struct decode_request *request, struct error *err);
