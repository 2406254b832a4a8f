/* SPDX-License-Identifier: MIT
 * The members of a tar (also gzip, zstd) inside a set: libarchive reads what a stream gives.
 */
#pragma once

#include <stdint.h>

#include "images/source.h"

struct tar_member {
	const char *path; /* as stored */
	const char *name; /* without "/" and "./" at its front */
	const char *link; /* where it leads, also what it is a hard link to; NULL: nowhere */
	uint32_t mode;    /* type and permissions; a hard link has no type */
	int64_t uid, gid;
	uint64_t size;
	void *tar; /* for tar_member_read() */
};

struct tar_reader;

/** @return bytes, 0 at the end, -errno */
typedef ssize_t tar_read_fn(void *from, void *buf, size_t len, struct error *err);

/** @param from  borrowed; @param name  of the tar, borrowed. @return 0; -EBADMSG: no tar */
int tar_reader_open(tar_read_fn *read, void *from, const char *name, struct tar_reader **out,
		    struct error *err);
/** Of a member of a set. @param in  borrowed */
int tar_reader_open_stream(struct istream *in, const char *name, struct tar_reader **out,
			   struct error *err);
/** @param out  its words are there until the next call. @return 1; 0 at the end; -EBADMSG */
int tar_next(struct tar_reader *tar, struct tar_member *out, struct error *err);
/** Bytes of the member at hand. @return bytes; 0 at its end; -EBADMSG */
ssize_t tar_member_read(void *tar, void *buf, size_t len, struct error *err);
/** How long a hole comes next, 0: none; it need not be read. */
uint64_t tar_member_hole(void *tar);
/** @param len  of the hole that comes next, or less */
void tar_member_pass(void *tar, uint64_t len);
/** NULL is fine. */
void tar_reader_close(struct tar_reader *tar);

/** "file", "directory", "hard link", … */
const char *tar_member_kind(const struct tar_member *member);

/** @return 0 to go on; -errno */
typedef int (*tar_visit)(void *arg, const struct tar_member *member, struct error *err);
/** Every member. @param in  borrowed; @param name  of the tar. @return 0; -EBADMSG: no tar */
int tar_walk(struct istream *in, const char *name, tar_visit visit, void *arg, struct error *err);

static inline void tar_reader_cleanup_(struct tar_reader **tar)
{
	tar_reader_close(*tar);
}
#define auto_tar_reader __attribute__((cleanup(tar_reader_cleanup_))) struct tar_reader *
