/* SPDX-License-Identifier: MIT
 * What is known of each process, read when first asked for and kept.
 */
#pragma once

#include "images/checkpoint.h"

struct process_row {
	const struct process *process;
	bool read;         /* all of it; else only up to `state`, which is NULL before that */
	char *comm;        /* never NULL once state is set */
	char *command;     /* never NULL once read */
	char *error;       /* what could not be read; NULL: all was */
	const char *state; /* "alive", … */
	bool has_owner;
	uint32_t uid;
	uint32_t nr_fds;
	uint64_t stored;                  /* bytes of memory in this set */
	bool fds_damaged, memory_damaged; /* so that these two are not known */
};

struct facts;

int facts_new(struct checkpoint *cp, struct facts **out, struct error *err);
void facts_free(struct facts *facts);

/** Read now when it was not before. Never NULL; what fails is in ->error. */
const struct process_row *facts_row(struct facts *facts, const struct process *p);
/** What was read so far. Never NULL. */
const struct process_row *facts_peek(const struct facts *facts, const struct process *p);
/** Read on, for some milliseconds at most. @return whether there is more to read of it */
bool facts_step(struct facts *facts, const struct process *p);
/** The same by its place in checkpoint_listed(). */
size_t facts_index(const struct facts *facts, const struct process *p);
