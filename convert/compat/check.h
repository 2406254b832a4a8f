/* SPDX-License-Identifier: MIT
 * A check under way, for the files of this room.
 */
#pragma once

#include "convert/compat/compat.h"

enum check_id {
#define CHECK(id, ...) CHECK_##id,
#include "convert/compat/checks.def"
#undef CHECK
	NR_CHECKS
};

struct compat {
	struct checkpoint *cp;
	const struct compat_options *options;
	struct doc *doc;
	uint64_t counts[NR_ANSWERS];
	/* What all tasks have in common: that of the first with memory. */
	TaskKobjIdsEntry *ids; /* NULL: not known */
	struct {
		uint32_t *items;
		size_t nr, cap;
	} files; /* ids of what options->only uses */
};

/** Is this process, or file, asked about? All are, unless options->only says which. */
bool compat_wants(const struct compat *c, const struct process *p);
bool compat_wants_file(const struct compat *c, uint32_t id);
/** Find its files. */
int compat_only_load(struct compat *c, struct error *err);

/** One row. @param object  NULL: none */
void compat_say(struct compat *c, enum check_id check, enum answer answer, const char *object,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** Do the tasks have another namespace of this kind than the one the dump was made in? Nobody knows
 * without inventory.img and the ids of one of them. */
enum answer own_namespace(const struct compat *c, uint32_t clone_flag);

int compat_set(struct compat *c, struct error *err);
int compat_machine(struct compat *c, struct error *err);
int compat_kernel(struct compat *c, struct error *err);
int compat_tasks(struct compat *c, struct error *err);
int compat_files(struct compat *c, struct error *err);
int compat_mounts(struct compat *c, struct error *err);
int compat_sockets(struct compat *c, struct error *err);
