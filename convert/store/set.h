/* SPDX-License-Identifier: MIT
 * A set of images made from another one: some members new, the others as they are, visible whole.
 */
#pragma once

#include "base/new-dir.h"
#include "images/source.h"

struct set_rewrite {
	struct source *src;
	int src_fd; /* of the directory; -1: an archive */
	struct new_dir out;
	bool no_parent; /* the new set stands alone */
};

/**
 * Start.
 * @param path  a directory or an archive
 * @param out   directory to make; NULL: the new set takes the place of the directory `path`
 * @return 0; -errno; close it in either case
 */
int set_rewrite_open(const char *path, const char *out, struct set_rewrite *set, struct error *err);
void set_rewrite_close(struct set_rewrite *set);
#define auto_set_rewrite __attribute__((cleanup(set_rewrite_close))) struct set_rewrite

/** A new member to write to. @return descriptor, the caller's; -errno */
int set_create(struct set_rewrite *set, const char *name, struct error *err);
/** A member as it is: a hard link when the old set goes away, else a copy (reflink if possible). */
int set_keep(struct set_rewrite *set, const struct source_member *m, struct error *err);

/** @return 1 when it wrote the member in some form or left it out; 0: keep it as it is; -errno */
typedef int set_member_fn(void *ctx, struct set_rewrite *set, const struct source_member *m,
			  struct error *err);
/** Every member of the set, then its `parent` link. */
int set_rewrite_members(struct set_rewrite *set, set_member_fn *each, void *ctx, struct error *err);
/** The link to the set before, so that it leads there from the new place. Nothing if there is none.
 */
int set_keep_parent(struct set_rewrite *set, struct error *err);
/** Everything is there: give it its name. */
int set_rewrite_commit(struct set_rewrite *set, struct error *err);
