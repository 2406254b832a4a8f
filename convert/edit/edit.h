/* SPDX-License-Identifier: MIT
 * Changes of images by path: all of them, or none.
 */
#pragma once

#include "convert/edit/path.h"
#include "images/sink.h"
#include "images/source.h"

enum edit_kind { EDIT_SET, EDIT_DELETE, EDIT_APPEND };

struct edit_op {
	enum edit_kind kind;
	char *image; /* file name in the set */
	char *text;  /* the path as it was given */
	struct path path;
	const char *value; /* borrowed; NULL for EDIT_DELETE */
	size_t found;      /* places changed so far */
	bool looked;       /* some entry has the field that it chooses by */
	char *miss;        /* why not, of one that has not; NULL: there is none */
};

struct edit {
	struct edit_op *items;
	size_t nr, cap;
};

/**
 * Add an operation. @param text  "[IMAGE:] PATH=VALUE" or, to delete, "[IMAGE:] PATH"; borrowed
 * @param image  when the text names none; NULL: it has to
 */
int edit_add(struct edit *edit, enum edit_kind kind, const char *text, const char *image,
	     struct error *err);
void edit_fini(struct edit *edit);

/** Told of every change: values as show prints them; old or new NULL: there was, or is, none. */
typedef void (*edit_report)(void *arg, const struct edit_op *op, size_t entry, const char *path,
			    const char *old, const char *new);

/**
 * Write the images that change into the sink, which is not committed. Entries nobody changes keep
 * their bytes. An operation that finds nothing to change is -ENOENT.
 */
int edit_apply(struct edit *edit, struct source *src, struct sink *sink, edit_report report,
	       void *arg, struct error *err);
