/* SPDX-License-Identifier: MIT
 * Rows out of the document of another process.
 */
#include "viewer/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "viewer/image.h"

static struct table *table_of(struct view *v)
{
	return v->state;
}

/* "changes[12].pid" */
static int rows_make(struct view *v, struct error *err)
{
	struct table *t = v->state;
	const struct table_ops *ops = t->ops;
	int rc = flat_from_json(t->child.text.data, t->child.text.len, ops->what, &t->flat, err);
	size_t list_len = strlen(ops->list);
	for (size_t i = 0; rc == 0 && i < t->flat.nr; i++) {
		const char *path = t->flat.items[i].path;
		char *end;
		if (strncmp(path, ops->list, list_len) != 0 || path[list_len] != '[')
			continue;
		size_t row = strtoull(path + list_len + 1, &end, 10);
		if (strncmp(end, "].", 2) != 0)
			continue; /* an empty list */
		while (t->nr <= row) {
			if (!array_add(t))
				return error_set(err, ENOMEM, "out of memory");
		}
		for (size_t k = 0; k < TABLE_KEYS && ops->keys[k]; k++) {
			if (!strcmp(end + 2, ops->keys[k]) &&
			    strcmp(t->flat.items[i].value, "null") != 0)
				t->items[row].values[k] = t->flat.items[i].value;
		}
	}
	strbuf_fini(&t->child.text);
	return rc;
}

static int table_step(struct job *job, struct error *err)
{
	struct view *v = job->view;
	struct table *t = v->state;
	int rc = child_read(&t->child, err);
	job->done = t->child.text.len;
	if (rc == 0)
		rc = rows_make(v, err);
	if (rc < 0)
		v->error = *err;
	return rc;
}

static void table_end(struct job *job, int rc)
{
	struct table *t = table_of(job->view);
	child_fini(&t->child);
	t->done = rc == 0;
	if (rc == 1)
		error_set(&job->view->error, ECANCELED, "stopped");
	if (rc == 0 && t->ops->ready)
		t->ops->ready(job->view);
}

int table_open(struct view *v, const struct table_ops *ops, struct error *err)
{
	struct table *t = v->state;
	t->ops = ops;
	t->child.fd = -1;
	int rc = child_start(&t->child, v, ops->run, DOC_JSON, err);
	if (rc < 0)
		return rc;
	app_job(v->app, &(struct job){
			    .what = ops->what, .view = v, .step = table_step, .end = table_end });
	return 0;
}

void table_close(struct view *v)
{
	struct table *t = v->state;
	child_fini(&t->child);
	flat_fini(&t->flat);
	free(t->items);
	free(v->arg);
}

size_t table_rows(struct view *v)
{
	return table_of(v)->nr;
}

void table_footer(struct view *v, struct line *line)
{
	line_style(line, ST_DIM);
	if (table_of(v)->done)
		line_printf(line, " %zu/%zu. Enter goes to it", view_rows(v) ? v->cursor + 1 : 0,
			    view_rows(v));
}

const char *const *table_values(struct view *v, size_t row)
{
	return table_of(v)->items[row].values;
}

const struct process *table_process(struct view *v, const char *pid)
{
	return pid ? checkpoint_find(v->app->cp, (uint32_t)strtoul(pid, NULL, 10)) : NULL;
}

bool table_image_jump(struct view *v, const struct process *p, const char *object)
{
	const char *bracket = strchr(object, '[');
	char name[128];
	snprintf(name, sizeof(name), "%.*s",
		 (int)(bracket ? bracket - object : (ptrdiff_t)strlen(object)), object);
	if (!strstr(name, ".img"))
		return false;
	image_open_page(v->app, p, name,
			bracket ? (size_t)strtoull(bracket + 1, NULL, 10) : SIZE_MAX);
	return true;
}
