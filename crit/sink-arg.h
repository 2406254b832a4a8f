/* SPDX-License-Identifier: MIT
 * Where a changed set goes: -o OUT, a new directory or archive, or --in-place.
 */
#pragma once

#include "base/args.h"
#include "base/strbuf.h"
#include "images/sink.h"

struct sink_opts {
	const char *out;
	bool in_place;
	bool place_of_source; /* where it goes when neither is said; else that is an error */
	bool one_image;       /* in place, a single file is meant, whatever its folder holds */
};

#define SINK_ROWS(type, member)                                                                    \
	{ 'o',      "out",                                                                         \
	  "OUT",    "a new directory, or an archive: .tar, .tar.gz, .tar.zst",                     \
	  ARG_PATH, offsetof(type, member.out),                                                    \
	  0,        NULL },                                                                        \
	{                                                                                          \
		0, "in-place", NULL, "change the set itself, all of it or nothing", ARG_FLAG,      \
		    offsetof(type, member.in_place), 0, NULL                                       \
	}

/**
 * Open the one that was asked for.
 * @param path  what src was opened with; @param progress  of copying, borrowed; NULL: none
 * @return 0; -EUSAGE when neither or both were; -errno
 */
int sink_arg_open(const struct sink_opts *opts, struct source *src, const char *path,
		  struct progress *progress, struct sink **out, struct error *err);
/**
 * A new set made of another: open both. The set before that one stays where it is: the new one
 * leads there too.
 * @param progress  started here, of copying
 */
int sink_arg_new(const char *out, const char *path, struct progress *progress, struct source **src,
		 struct sink **sink, struct error *err);
/**
 * With -o: copy what was not changed, lead to the same parent set. Then commit.
 * @param said  printed once all has happened; NULL: nothing
 */
int sink_arg_commit(const struct sink_opts *opts, const char *path, struct source *src,
		    struct sink *sink, const struct strbuf *said, struct error *err);
