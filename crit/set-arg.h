/* SPDX-License-Identifier: MIT
 * What the commands that make a set of images from another one have in common.
 */
#pragma once

#include "base/args.h"
#include "convert/store/set.h"

/** One operand, SRC. @return 0; -EUSAGE */
int set_arg_check(int nr_operands, struct error *err);
/** Open, every member, commit. @param out  NULL: in place */
int set_arg_run(const char *path, const char *out, set_member_fn *each, void *ctx,
		struct error *err);
/** Bytes of the page images of a source, for a progress line; 0: not known. */
uint64_t set_arg_pages_size(const char *path);
