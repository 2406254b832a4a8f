/* SPDX-License-Identifier: MIT
 * Inside sinks: members that wait in a staging directory become an archive.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sink_member {
	char *name;
	char *path;      /* in an archive: with its prefix */
	char *link;      /* target of a symbolic link; NULL: a file in the staging directory */
	unsigned number; /* its name there */
	bool removed;
	bool placed; /* in the new archive */
};

struct sink_stage {
	int dir; /* descriptor of the staging directory */
	struct {
		struct sink_member *items;
		size_t nr, cap;
	} members;
};

/** The name of a member's file in the staging directory. @return out */
const char *sink_member_file(const struct sink_member *m, char out[24]);

/** Is this the name of an archive, by its suffix? */
bool sink_names_archive(const char *path);
/** Write all members to fd, in their order. @param path  its suffix chooses the compression */
int sink_archive_write(struct sink_stage *stage, int fd, const char *path, struct error *err);
/**
 * Copy the archive `old` to fd with the members of the stage in their place.
 * @param path  its suffix chooses the compression; NULL: that of `old`
 */
int sink_archive_rewrite(struct sink_stage *stage, const char *old, const char *path, int fd,
			 struct error *err);
