/* SPDX-License-Identifier: MIT
 * The parts of the page, for the files of this room.
 */
#pragma once

#include "convert/report/html.h"
#include "convert/report/report.h"

struct report {
	struct checkpoint *cp;
	const struct process *only;
	struct html h;
};

/** Whether a process is on the page. */
bool report_has(const struct report *r, const struct process *p);
/** "<section id=ID><h2>TITLE</h2>"; the caller ends it. */
void report_section(struct report *r, const char *id, const char *title);
/** A table head; titles that begin with '>' stand over numbers. The caller ends table and tbody. */
void report_table(struct report *r, const char *class, const char *const *titles, size_t nr);

int report_overview(struct report *r, struct error *err);
int report_processes(struct report *r, struct error *err);
int report_memory(struct report *r, struct error *err);
int report_files(struct report *r, struct error *err);
int report_mounts(struct report *r, struct error *err);
int report_environment(struct report *r, struct error *err);
