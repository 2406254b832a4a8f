/* SPDX-License-Identifier: MIT
 * A comparison under way, for the files of this room.
 */
#pragma once

#include "convert/codec/flat.h"
#include "convert/diff/diff.h"

struct diff {
	struct checkpoint *cp[2];
	const struct diff_options *how;
	struct doc *doc;
	uint64_t nr_changes;
};

/* Two processes that are taken for the same. */
struct process_pair {
	const struct process *a, *b;
};

static inline bool diff_wants(const struct diff *d, enum diff_section section)
{
	return (d->how->sections & 1u << section) != 0;
}

/* Where damage is passed over, what was read of one side is not all that the dump had. */
struct diff_mark {
	size_t at[2];
};
struct diff_mark diff_mark(const struct diff *d);
/** Was anything passed over since, of either side? Then what was read is not compared. */
bool diff_passed(const struct diff *d, const struct diff_mark *mark);

/**
 * One row.
 * @param pid     0: no process
 * @param object  "fd 3", "7f00-8f00", "mountpoints-12.img[3]"
 * @param field   NULL: the object as a whole
 * @param a, b    NULL: that side does not have it
 */
void diff_change(struct diff *d, enum diff_section section, uint32_t pid, const char *object,
		 const char *field, const char *a, const char *b);

/**
 * A row for each field that differs between two messages; either may be NULL.
 * @param skip  NULL, or fields at the top of the message that do not count, ends with NULL
 */
int diff_messages(struct diff *d, enum diff_section section, uint32_t pid, const char *object,
		  const ProtobufCMessage *a, const ProtobufCMessage *b, const char *const *skip,
		  struct error *err);

/** A row for each leaf that differs. */
void diff_flats(struct diff *d, enum diff_section section, const char *object, const struct flat *a,
		const struct flat *b);
/** A row for what only one side has. */
void diff_presence(struct diff *d, enum diff_section section, const char *object, const char *field,
		   bool in_a, bool in_b);
/** A row when streams_compare() returned 1. @return 0, or its error */
int diff_bytes(struct diff *d, enum diff_section section, const char *object, const char *field,
	       int rc, uint64_t offset);

int diff_task(struct diff *d, const struct process_pair *pair, struct error *err);
int diff_fds(struct diff *d, const struct process_pair *pair, struct error *err);
int diff_memory(struct diff *d, const struct process_pair *pair, struct error *err);
/** Every image that is not looked at process by process. */
int diff_images(struct diff *d, struct error *err);
/** A row where the bytes of a member of each differ. @param names  of it in A and in B */
int diff_member_bytes(struct diff *d, enum diff_section section, const char *const names[2],
		      struct error *err);
/** What else an archive or a directory holds. */
int diff_members(struct diff *d, struct error *err);
