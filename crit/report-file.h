/* SPDX-License-Identifier: MIT
 * Where the page of a checkpoint goes: a file that appears whole, or standard output.
 */
#pragma once

#include "crit/checkpoint-arg.h"

/**
 * @param arg  as checkpoint_arg_open_passing() opened it: the page marks what is passed over
 * @param pid  this process and its descendants; 0: all
 * @param out  a path; NULL or "-": standard output
 */
int report_file_write(const struct checkpoint_arg *arg, uint32_t pid, const char *out,
		      struct error *err);
