/* SPDX-License-Identifier: MIT
 * Namespaces that no task of the tree is in, but a descriptor or a mount of it leads to.
 */
#pragma once

#include "engine/ns/ns.h"

/** Refuse one that others have, too: a copy would be somewhere else than theirs.
 *  @param fd  leads to it; @param what  the same, for messages */
int ns_held_check(const struct dump *d, enum ns_kind kind, int fd, const char *what,
		  struct error *err);
/**
 * Its number in images; it becomes one of the tree's when it is none yet. Of any kind that lives
 * without tasks, else it is refused.
 * @param fd  leads to it; @param what  as above
 */
int ns_held(struct dump *d, enum ns_kind kind, int fd, const char *what, uint32_t *out,
	    struct error *err);
/** The same of the one around another. @param fd  leads to it; @param what  to that other one */
int ns_held_around(struct dump *d, enum ns_kind kind, int fd, const char *what, uint32_t *out,
		   struct error *err);
