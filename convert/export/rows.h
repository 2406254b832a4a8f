/* SPDX-License-Identifier: MIT
 * The rows of an export, for the files of this room.
 */
#pragma once

#include "convert/export/writer.h"
#include "images/checkpoint.h"

/** The name a field's number goes by (images/hints), or NULL. */
const char *field_name(const char *message, const char *field, uint64_t value);
/** As field_name(), or the number. */
void row_named(struct row_writer *w, const char *message, const char *field, uint64_t value);

int export_processes(struct checkpoint *cp, struct row_writer *w, struct error *err);
/** vmas and environment: what memory has. */
int export_memory(struct checkpoint *cp, const struct process *p, struct row_writer *w,
		  struct error *err);
int export_files(struct checkpoint *cp, struct row_writer *w, struct error *err);
int export_mounts(struct checkpoint *cp, struct row_writer *w, struct error *err);
