/* SPDX-License-Identifier: MIT
 * Inside sinks: members that wait in a staging directory become files of a directory.
 */
#pragma once

#include "images/sink-stage.h"

/** The staging directory becomes the new one. @param path  of it; @param target  its name then */
int sink_dir_create(struct sink_stage *stage, const char *path, const char *target,
		    struct error *err);
/** Files of the directory `target`, in which the staging directory `path` lies, are replaced. */
int sink_dir_replace(struct sink_stage *stage, const char *path, const char *target,
		     struct error *err);
