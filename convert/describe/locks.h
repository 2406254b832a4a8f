/* SPDX-License-Identifier: MIT
 * File locks and leases of a checkpoint, in plain words.
 */
#pragma once

#include <stddef.h>

#include "images/source.h"

struct lock_facts {
	int pid, fd;   /* who holds it */
	char text[72]; /* "POSIX write lock 0-99", "flock read lock", "write lease" */
};

/* Sorted by pid and descriptor. */
struct lock_list {
	struct lock_facts *items;
	size_t nr, cap;
};

/** A set without locks has none. @return 0; -EBADMSG, with those before the damage in the list */
int lock_list_read(struct source *src, struct lock_list *out, struct error *err);
void lock_list_fini(struct lock_list *list);
/** The first of a descriptor; the others follow it. @return NULL: none. Borrowed. */
const struct lock_facts *lock_list_find(const struct lock_list *list, int pid, int fd);
