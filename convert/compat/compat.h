/* SPDX-License-Identifier: MIT
 * Will a checkpoint restore on this machine? Asked by reading /proc, files and the processor;
 * nothing is changed or tried out on the system.
 */
#pragma once

#include "convert/doc/doc.h"
#include "images/checkpoint.h"

enum answer { ANSWER_YES, ANSWER_UNKNOWN, ANSWER_NO, NR_ANSWERS };
extern const char *const answer_names[NR_ANSWERS];

struct compat_options {
	const struct process *only; /* and what all have in common; NULL: all */
	const char *root;           /* where the root of a container will be; NULL: not known */
};

/**
 * A table "checks" of answers with reasons, then the answer as a whole.
 * @param answer  the worst of them
 */
int compat_checkpoint(struct checkpoint *cp, const struct compat_options *options, struct doc *doc,
		      enum answer *answer, struct error *err);
/** What is asked. */
void compat_write_checks(struct doc *doc);
