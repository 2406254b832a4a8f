/* SPDX-License-Identifier: MIT
 * Inside sinks: members that wait in a staging directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/progress.h"

struct sink_member {
	char *name;
	char *path;      /* in the set: with its folder */
	char *link;      /* target of a symbolic link; NULL: a file in the staging directory */
	unsigned number; /* its name there */
	unsigned mode;   /* permissions in a new set; 0: the usual ones */
	bool removed;
	bool folder; /* nothing is staged for it */
	bool placed; /* in the new archive */
};

struct sink_stage {
	int dir; /* descriptor of the staging directory */
	struct progress *progress;
	bool keep; /* it holds the only copies of something: it is not removed */
	struct {
		struct sink_member *items;
		size_t nr, cap;
	} members;
};

/** The name of a member's file in the staging directory. @return out */
const char *sink_member_file(const struct sink_member *m, char out[24]);
