/* SPDX-License-Identifier: MIT
 * Rows out of the document of another process.
 */
#include "viewer/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "viewer/image.h"

enum { ROWS_PER_STEP = 512 };

static struct table *table_of(struct view *v)
{
	return v->state;
}

/* The values of a row while it is read: texts one behind the other. */
struct cells {
	struct strbuf text;
	size_t at[TABLE_KEYS]; /* in the text; SIZE_MAX: none */
};

static void cells_fini(struct cells *cells)
{
	strbuf_fini(&cells->text);
}
#define auto_cells __attribute__((cleanup(cells_fini)))

/* @param key  TABLE_KEYS: nobody wants it */
static int cell_read(struct json_in *in, size_t key, struct cells *cells, struct error *err)
{
	auto_strbuf string = { 0 };
	size_t at = cells->text.len;
	char number[64];
	int kind = json_peek(in, err), rc;
	if (kind < 0)
		return kind;
	if (key == TABLE_KEYS || (kind != JSON_STRING && kind != JSON_NUMBER))
		return json_skip(in, err);
	if (kind == JSON_STRING) {
		rc = json_string(in, &string, err);
		if (rc == 0)
			rc = strbuf_add(&cells->text, string.data ?: "", string.len);
	} else {
		rc = json_number_text(in, number, sizeof(number), err);
		if (rc == 0)
			rc = strbuf_str(&cells->text, number);
	}
	if (rc == 0)
		rc = strbuf_char(&cells->text, '\0');
	cells->at[key] = at;
	return rc;
}

static size_t key_find(const struct table_ops *ops, const char *name)
{
	size_t k = 0;
	while (k < TABLE_KEYS && ops->keys[k] && strcmp(ops->keys[k], name) != 0)
		k++;
	return k < TABLE_KEYS && ops->keys[k] ? k : TABLE_KEYS;
}

static int row_keep(struct table *t, struct cells *cells, struct error *err)
{
	struct table_row *row = array_add(t);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	row->text = strbuf_str(&cells->text, "") == 0 ? take_ptr(cells->text.data) : NULL;
	cells->text = (struct strbuf){ 0 };
	for (size_t k = 0; k < TABLE_KEYS; k++)
		row->values[k] =
		    row->text && cells->at[k] != SIZE_MAX ? row->text + cells->at[k] : NULL;
	return row->text ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int row_read(struct table *t, struct error *err)
{
	auto_cells struct cells cells = { 0 };
	memset(cells.at, 0xff, sizeof(cells.at));
	int rc = json_enter(&t->in, JSON_OBJECT, err);
	while (rc == 0 && (rc = json_member(&t->in, err)) > 0)
		rc = cell_read(&t->in, key_find(t->ops, t->in.key), &cells, err);
	return rc < 0 ? rc : row_keep(t, &cells, err);
}

/* Up to the list in the document. @return 1; 0 it has none; -EBADMSG */
static int list_find(struct table *t, struct error *err)
{
	int rc = json_enter(&t->in, JSON_OBJECT, err);
	while (rc == 0 && (rc = json_member(&t->in, err)) > 0) {
		if (!strcmp(t->in.key, t->ops->list))
			return json_enter(&t->in, JSON_ARRAY, err) < 0 ? -EBADMSG : 1;
		rc = json_skip(&t->in, err);
	}
	return rc;
}

/* @return 1 more to come; 0 these were all; -errno */
static int rows_read(struct table *t, struct error *err)
{
	for (int i = 0; i < ROWS_PER_STEP; i++) {
		int rc = json_item(&t->in, err);
		if (rc > 0)
			rc = row_read(t, err) < 0 ? err->code : 1;
		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int table_step(struct job *job, struct error *err)
{
	struct view *v = job->view;
	struct table *t = v->state;
	int rc;
	if (t->reading) {
		rc = rows_read(t, err);
		job->done = t->nr;
	} else {
		rc = child_read(&t->child, err);
		job->done = t->child.text.len;
		if (rc == -ENODATA) { /* the rows are those of the rest */
			v->error = *err;
			rc = 0;
		}
		if (rc == 0) {
			json_in_init_text(&t->in, t->child.text.data, t->child.text.len, "rows");
			t->reading = true;
			job->what = "listing rows:";
			rc = list_find(t, err);
		}
	}
	if (rc < 0)
		v->error = *err;
	return rc;
}

static void table_end(struct job *job, int rc)
{
	struct table *t = table_of(job->view);
	json_in_fini(&t->in);
	child_fini(&t->child);
	t->done = rc == 0;
	if (rc == 1)
		view_stopped(job->view);
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
	for (size_t i = 0; i < t->nr; i++)
		free(t->items[i].text);
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
