/* SPDX-License-Identifier: MIT
 * Where an open file leads to.
 */
#pragma once

#include "viewer/app.h"

/**
 * Open a page with the bytes that wait in a pipe or socket, of a deleted file or a memfd.
 * @param p  whose descriptor it is
 * @return 1 they are shown; 0 it has none; -errno
 */
int file_bytes_show(struct app *app, const struct process *p, const struct file_facts *facts,
		    struct error *err);
/** Open a page with its entry, or say that there is none. */
void file_entry_show(struct app *app, const struct process *p, const struct file_facts *facts);
/** Where it stands in the set, and its name. */
void file_object(struct app *app, const struct file_facts *facts, struct view_object *out);
