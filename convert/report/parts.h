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
/** Call for each process that is on the page. @return 0, or what a call said, which was the last
 * then */
int report_each(struct report *r,
		int (*row)(struct report *r, const struct process *p, void *arg, struct error *err),
		void *arg, struct error *err);
/** A row of a table in red. @param pid  whose; 0: of no process. @param columns  of the table */
void report_red(struct report *r, uint32_t pid, unsigned columns, const char *text);
/** Before something is read that report_damaged() is about. */
size_t report_mark(const struct report *r);
/**
 * A row that says what could not be read in the place of the rest of it; none when all could.
 * @param mark  report_mark(); @param rc  what reading said; @param why  its words
 * @return 0; rc when that is no damage
 */
int report_damaged(struct report *r, uint32_t pid, unsigned columns, size_t mark, int rc,
		   const struct error *why, struct error *err);
/** "<section id=ID><h2>TITLE</h2>"; the caller ends it. */
void report_section(struct report *r, const char *id, const char *title);
/** Ends a section whose last part is a table. */
void report_section_end(struct report *r);
/** A table head; titles that begin with '>' stand over numbers. */
void report_table(struct report *r, const char *class, const char *const *titles, size_t nr);

int report_overview(struct report *r, struct error *err);
int report_processes(struct report *r, struct error *err);
int report_memory(struct report *r, struct error *err);
int report_files(struct report *r, struct error *err);
int report_mounts(struct report *r, struct error *err);
int report_environment(struct report *r, struct error *err);
