/* SPDX-License-Identifier: MIT
 * Tables that take long to make: another process writes a document, a list in it becomes the rows.
 */
#pragma once

#include "convert/json/parse.h"
#include "viewer/child.h"

enum { TABLE_KEYS = 8 };

/* What a kind of table is. */
struct table_ops {
	const char *what;             /* "comparing" */
	const char *list;             /* member of the document */
	const char *keys[TABLE_KEYS]; /* of each row; NULL ends */
	child_run *run;
	void (*ready)(struct view *v); /* its rows are there; or NULL */
};

/* The state of such a view. */
struct table {
	const struct table_ops *ops;
	struct child child;
	struct json_in in; /* its document, once that is whole */
	bool reading;
	struct table_row {
		const char *values[TABLE_KEYS]; /* in the text; NULL: none */
		char *text;
	} * items;
	size_t nr, cap;
	bool done;
};

/** Begin to make it. */
int table_open(struct view *v, const struct table_ops *ops, struct error *err);

/* For rows of view_ops. */
void table_close(struct view *v); /* v->arg is freed, too */
size_t table_rows(struct view *v);
void table_footer(struct view *v, struct line *line);
/** The values of a row. */
const char *const *table_values(struct view *v, size_t row);

/** The process of a pid; NULL: none, also when there is no pid. */
const struct process *table_process(struct view *v, const char *pid);
/** Go to "mountpoints-12.img[3]", image and entry. @return whether it was one */
bool table_image_jump(struct view *v, const struct process *p, const char *object);
