/* SPDX-License-Identifier: MIT
 * What is known of each process, read when first asked for and kept.
 */
#pragma once

#include "images/checkpoint.h"

struct process_row {
	const struct process *process;
	bool read;
	char *comm, *command; /* never NULL once read */
	char *error;          /* what could not be read; NULL: all was */
	const char *state;    /* "alive", … */
	bool has_owner;
	uint32_t uid;
	uint32_t nr_fds;
	uint64_t stored; /* bytes of memory in this set */
};

struct facts;

int facts_new(struct checkpoint *cp, struct facts **out, struct error *err);
void facts_free(struct facts *facts);

/** Read now when it was not before. Never NULL; what fails is in ->error. */
const struct process_row *facts_row(struct facts *facts, const struct process *p);
/** Whether it was read. */
bool facts_known(const struct facts *facts, const struct process *p);
/** The same by its place in checkpoint_listed(). */
size_t facts_index(const struct facts *facts, const struct process *p);
