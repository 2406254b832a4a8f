/* SPDX-License-Identifier: MIT
 * Inside files/: what CRIU's images do not know of a deleted file: nanoseconds, extended attributes
 * (access control lists and capabilities among them), flags of its inode.
 */
#pragma once

#include "engine/files/file.h"
#include "engine/ns/user.h"
#include "files.pb-c.h"

/**
 * @param fd  to read a regular file or a directory; -1 for others, which have times alone
 * @param e  gets them; release with ghost_attrs_free()
 */
int ghost_attrs_dump(struct dump *d, const struct open_file *f, int fd, GhostFileEntry *e,
		     struct error *err);
void ghost_attrs_free(GhostFileEntry *e);

/** @param fd  may be O_PATH; @param name  for messages. What the file system here does not take is
 *  worth a warning. */
int ghost_attrs_restore(const struct restore *r, const GhostFileEntry *e, int fd, const char *name,
			struct error *err);
/** Of atim or mtim. @param nsec  exact, if it fits; 0: only microseconds are known */
struct timespec ghost_time(const Timeval *t, uint32_t nsec);
