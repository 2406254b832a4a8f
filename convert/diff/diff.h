/* SPDX-License-Identifier: MIT
 * What differs between two checkpoints, by meaning: processes matched by their place in the tree,
 * memory by address, descriptors by number.
 */
#pragma once

#include "base/progress.h"
#include "convert/doc/doc.h"
#include "images/checkpoint.h"

enum diff_section {
	DIFF_PS,   /* which processes and threads there are, their groups and sessions */
	DIFF_TASK, /* credentials, signals, timers, limits, … */
	DIFF_REGS,
	DIFF_MEMS,  /* areas and bounds */
	DIFF_PAGES, /* bytes; only with diff_options.pages */
	DIFF_FDS,   /* descriptors and what they refer to, exe, working and root directory */
	DIFF_FILES, /* pipes' bytes, queues, terminals, locks, deleted files */
	DIFF_NET,
	DIFF_MOUNTS,
	DIFF_IPC,
	DIFF_NAMESPACES,
	DIFF_CGROUPS,
	DIFF_METADATA, /* inventory, what engines put into archives */
	NR_DIFF_SECTIONS
};
extern const char *const diff_section_names[NR_DIFF_SECTIONS];

struct diff_options {
	uint32_t sections; /* bits 1 << enum diff_section */
	bool pages;
	bool hexdump;              /* changed bytes of each page, at most 16 lines */
	struct progress *progress; /* in bytes of memory compared, or NULL */
};

/** "ps,fds,net" to bits. @return 0 or -EINVAL naming what there is */
int diff_sections_parse(const char *list, uint32_t *out, struct error *err);

/**
 * Write every difference into the document as rows of one table "changes". Where damage is passed
 * over (images/damage.h), what it may hide is not compared.
 * @return 1 different; 0 same; -errno
 */
int diff_checkpoints(struct checkpoint *a, struct checkpoint *b, const struct diff_options *how,
		     struct doc *doc, struct error *err);
