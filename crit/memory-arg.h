/* SPDX-License-Identifier: MIT
 * What the memory commands have in common on the command line: whose memory, and which of it.
 */
#pragma once

#include "convert/memory/select.h"
#include "crit/checkpoint-arg.h"

struct memory_opts {
	uint32_t pid; /* 0: all */
	const char *sysroot;
	struct memory_query query;
};

#define MEMORY_ROW(letter, name, value, help, kind, field)                                         \
	{                                                                                          \
		letter, name, value, help, kind, field, 0, NULL                                    \
	}
#define MEMORY_ROWS(type, member, all)                                                             \
	{                                                                                          \
		'p',     "pid",                                                                    \
		"PID",   "of this process; default: " all,                                         \
		ARG_PID, offsetof(type, member.pid),                                               \
		0,       NULL                                                                      \
	},                                                                                         \
	    MEMORY_ROW('k', "kind", "KIND", "only of heap, stack, anon, file, shmem, memfd, …",    \
		       ARG_STRING, offsetof(type, member.query.kind)),                             \
	    MEMORY_ROW(0, "vma", "N", "only area N, counted from 0 in address order", ARG_STRING,  \
		       offsetof(type, member.query.area)),                                         \
	    MEMORY_ROW(0, "prot", "PROT", "only areas that have rwx; with dashes exactly so: r-x", \
		       ARG_STRING, offsetof(type, member.query.prot)),                             \
	    MEMORY_ROW(0, "file", "PATTERN",                                                       \
		       "only of files of this path or name (a shell pattern)", ARG_STRING,         \
		       offsetof(type, member.query.file)),                                         \
	    MEMORY_ROW(0, "sysroot", "DIR",                                                        \
		       "take file pages that are not in the set from below DIR", ARG_PATH,         \
		       offsetof(type, member.sysroot))
#define MEMORY_RANGE_ROW(type, member)                                                             \
	MEMORY_ROW(0, "range", "START-END", "only these addresses, hexadecimal", ARG_STRING,       \
		   offsetof(type, member.query.range))

/**
 * Open the checkpoint the query is of, damaged as it may be.
 * @return 0; -EUSAGE for a query that cannot be read; -errno. Close it in either case.
 */
int memory_arg_open(const char *path, const struct memory_opts *opts, struct checkpoint_arg *out,
		    struct error *err);

/** For one process. @return 0 to go on; 1 to stop; -errno. */
typedef int (*memory_visit)(void *arg, const struct process *p, const char *comm,
			    struct memory_view *mv, const struct memory_ranges *ranges,
			    struct error *err);

/**
 * Visit every process that is meant and has memory. Damage is passed over.
 * @return 0, 1 when stopped; -ENOENT when the query selects nothing in any; -errno
 */
int memory_arg_each(const struct checkpoint_arg *of, const struct memory_opts *opts,
		    memory_visit visit, void *arg, struct error *err);
