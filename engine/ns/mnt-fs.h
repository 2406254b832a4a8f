/* SPDX-License-Identifier: MIT
 * File systems: a row each, with what a mount of it takes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "images/source.h"
#include "mounts.pb-c.h"

struct dump;
struct restore;
struct mnt;

enum mnt_fs_trait {
	FS_PIDS = 1 << 0,     /* belongs to a pid namespace: is mounted by who is in that */
	FS_VIRTUAL = 1 << 1,  /* the kernel makes its files: any part of it can be had anew */
	FS_HOST = 1 << 3,     /* one of the whole machine, which no user namespace may mount */
	FS_INSIDE = 1 << 4,   /* consists of directories, which its options name */
	FS_DEMAND = 1 << 5,   /* RESOLVE_NO_XDEV takes its directories for mounts already */
	FS_FILE = 1 << 6,     /* each mount is one file, which is made anew */
	FS_CONTENTS = 1 << 2, /* what fill() puts there has to be there before it is read-only */
};

struct mnt_fs {
	Fstype code;
	const char *name; /* the kernel's; NULL: the entry has it (fsname) */
	unsigned traits;
	/**
	 * Write what it holds, or say why that cannot be carried. NULL: nothing to write.
	 * @param dir    its root, with nothing mounted on it
	 * @param users  the user namespace whose numbers its owners are told by; -1: this process's
	 */
	int (*dump)(struct dump *d, const struct mnt *m, int dir, int users, struct error *err);
	/** Open what it held, while this process may read the images. NULL: no image. @param out
	 * NULL: there is none */
	int (*open)(struct restore *r, const struct mnt *m, struct istream **out,
		    struct error *err);
	/** Put that into a new one. Takes the stream. */
	int (*fill)(struct istream *in, const struct mnt *m, int dir, struct error *err);
	/** Mount it on a name in the current directory. NULL: by mount(2) with the entry's options
	 */
	int (*mount)(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		     struct error *err);
};

/** @param name  as in mountinfo: "fuse.sshfs"; never NULL: unsupported ones have a row, too */
const struct mnt_fs *mnt_fs_by_name(const char *name);
const struct mnt_fs *mnt_fs_by_code(uint32_t code);
