/* SPDX-License-Identifier: MIT
 * Where the page of a checkpoint goes: a file that appears whole, or standard output.
 */
#pragma once

#include "images/checkpoint.h"

/**
 * @param pid  this process and its descendants; 0: all
 * @param out  a path; NULL or "-": standard output
 */
int report_file_write(struct checkpoint *cp, uint32_t pid, const char *out, struct error *err);
