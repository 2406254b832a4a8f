/* SPDX-License-Identifier: MIT
 * --cgroup-props: control files that are carried beside those known, or instead of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct cgroup_spec_row { /* what was said of one controller; all text is in cgroup_spec.texts */
	const char *controller;
	bool replaces; /* instead of the files of this controller that are known */
	struct {
		const char **items;
		size_t nr, cap;
	} files;
};

struct cgroup_spec {
	struct cgroup_spec_row *items;
	size_t nr, cap;
	struct {
		char **items;
		size_t nr, cap;
	} texts;
};

/**
 * Add rows out of text like
 *     "cpu":
 *      - "strategy": "merge"
 *      - "properties": ["cpu.shares", "cpu.uclamp.min"]
 * @param what  names it in messages
 * @return 0; -EINVAL with the line
 */
int cgroup_spec_parse(struct cgroup_spec *spec, const char *text, const char *what,
		      struct error *err);
void cgroup_spec_fini(struct cgroup_spec *spec);

/** "cpu" is one of "cpu,cpuacct". */
bool cgroup_name_has(const char *hierarchy, const char *controller);
/** Is a row for this hierarchy, "cpu,cpuacct" or "", the unified one, which has all? */
bool cgroup_spec_is_for(const struct cgroup_spec_row *row, const char *hierarchy);
