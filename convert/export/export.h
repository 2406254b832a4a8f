/* SPDX-License-Identifier: MIT
 * A checkpoint as rows of tables, for SQL and data engines. docs/export.md describes them.
 */
#pragma once

#include "convert/export/writer.h"
#include "images/checkpoint.h"

/**
 * Every row of one checkpoint. Images that it does not have give no rows.
 * @param number  of the checkpoint: the first column of every row
 */
int export_checkpoint(struct checkpoint *cp, uint64_t number, struct row_writer *w,
		      struct error *err);
