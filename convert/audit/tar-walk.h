/* SPDX-License-Identifier: MIT
 * A walk over a tar (also gzip, zstd) that is a member of a set: libarchive reads what a stream
 * gives.
 */
#pragma once

#include <stdint.h>

#include "images/source.h"

struct tar_member {
	const char *name; /* without "/" and "./" at its front */
	uint32_t mode;    /* type and permissions; a hard link has no type */
	uint64_t size;
	void *tar; /* for tar_member_read() */
};

/** @return 0 to go on; -errno */
typedef int (*tar_visit)(void *arg, const struct tar_member *member, struct error *err);

/** @param in  borrowed; @param name  of the tar. @return 0; -EBADMSG: no tar */
int tar_walk(struct istream *in, const char *name, tar_visit visit, void *arg, struct error *err);
/** Bytes of the member being visited. @return bytes; 0 at its end; -EBADMSG */
ssize_t tar_member_read(void *tar, void *buf, size_t len, struct error *err);
