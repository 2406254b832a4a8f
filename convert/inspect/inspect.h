/* SPDX-License-Identifier: MIT
 * What a checkpoint is and holds, as a document for people and programs.
 */
#pragma once

#include "convert/doc/doc.h"
#include "images/checkpoint.h"

enum inspect_section {
	INSPECT_METADATA = 1 << 0, /* what the engine says, annotations, sizes */
	INSPECT_STATS = 1 << 1,    /* what the dump took */
	INSPECT_TREE = 1 << 2,
	INSPECT_COMMANDS = 1 << 3, /* command lines in the tree */
	INSPECT_ENVIRONMENT = 1 << 4,
	INSPECT_FILES = 1 << 5,
	INSPECT_SOCKETS = 1 << 6,
	INSPECT_MOUNTS = 1 << 7,
	INSPECT_TASKS = 1 << 8,   /* credentials, signals, timers, limits, … of each process */
	INSPECT_THREADS = 1 << 9, /* threads with their registers */
	INSPECT_ALL = (1 << 10) - 1,
};

struct inspect_options {
	unsigned sections;
	const struct process *only; /* this one and what descends from it; NULL: all */
	bool alone;                 /* and nothing that descends from it */
};

/** Everything asked for, as members of the open object. */
int inspect_checkpoint(struct checkpoint *cp, const struct inspect_options *options,
		       struct doc *doc, struct error *err);

/** One row per checkpoint: a table that is opened, filled and ended (doc_end) by the caller. */
void inspect_table_begin(struct doc *doc);
int inspect_table_row(struct checkpoint *cp, struct doc *doc, struct error *err);

/** Whether p is `of` or descends from it; of NULL: true. */
bool process_is_below(const struct process *p, const struct process *of);
