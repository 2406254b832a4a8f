/* SPDX-License-Identifier: MIT
 * Work that cannot be done in steps: another process does it and writes a document, which is read
 * as it comes. Esc ends that process.
 */
#pragma once

#include <sys/types.h>

#include "convert/doc/doc.h"
#include "viewer/app.h"

struct child {
	pid_t pid; /* 0: none */
	int fd;
	struct strbuf text; /* the document, when it is done or failed */
	bool died;          /* before it was done */
	struct app *app;    /* keeps what was passed over; NULL: nobody does */
};

/** Runs in the other process, which has a copy of everything. */
typedef int child_run(struct view *v, struct doc *doc, struct error *err);
/** The same for what is no document. @param fd  must get no byte 0 */
typedef int child_write(void *arg, int fd, struct error *err);

/** @return 0 or -errno */
int child_start(struct child *child, struct view *v, child_run *run, enum doc_format format,
		struct error *err);
int child_start_plain(struct child *child, child_write *write, void *arg, struct error *err);
/**
 * What came since; waits some milliseconds at most.
 * @return 1 more to come; 0 its text is whole; -ENODATA: but for what was passed over, which the
 *         application was told; -errno: it failed. err says what it said
 */
int child_read(struct child *child, struct error *err);
/**
 * Ask it to end (SIGTERM), and wait until it has.
 * @return as child_read(); never 1
 */
int child_stop(struct child *child, struct error *err);
/** End it, release the text. */
void child_fini(struct child *child);
