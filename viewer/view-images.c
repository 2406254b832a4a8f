/* SPDX-License-Identifier: MIT
 * The files of a set, or those that belong to one process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "viewer/child.h"
#include "viewer/image.h"
#include "viewer/views.h"

/* Another process lists them: there may be tens of thousands. */
struct images_state {
	struct child child;
	struct strbuf text;
	struct image_file {
		const char *name; /* in text */
		uint64_t size;
	} * items;
	size_t nr, cap;
};

static struct images_state *state_of(struct view *v)
{
	return v->state;
}

static const struct column columns[] = {
	{ "FILE", 30, false, 0, 50 },
	{ "SIZE", 6, true, 0, 0 },
	{ "TYPE", 0, false, 0, 0 },
};

/* Named by its pid, by one of its threads, or by its table of descriptors. */
static bool belongs(const struct process *p, uint32_t files_id, const char *name)
{
	const struct image_type *type = image_type_by_filename(name);
	char want[64];
	if (!type)
		return false;
	if (type->id == IMG_CORE) {
		for (size_t i = 0; i < p->entry->n_threads; i++) {
			if (!strcmp(name,
				    image_filename(type, process_thread(p, i), want, sizeof(want))))
				return true;
		}
		return false;
	}
	static const enum image_id by_pid[] = { IMG_MM,      IMG_PAGEMAP, IMG_FS,
						IMG_IDS,     IMG_VMAS,    IMG_SIGACT,
						IMG_ITIMERS, IMG_CREDS,   IMG_POSIX_TIMERS };
	for (size_t i = 0; i < ARRAY_SIZE(by_pid); i++) {
		if (type->id == by_pid[i])
			return !strcmp(name, image_filename(type, p->pid, want, sizeof(want)));
	}
	return type->id == IMG_FDINFO &&
	       !strcmp(name, image_filename(type, files_id, want, sizeof(want)));
}

/* "SIZE NAME" a line; a backslash stands before a line end or backslash of a name. */
static int member_write(const struct source_member *m, struct strbuf *out)
{
	int rc = strbuf_printf(out, "%" PRIu64 " ", m->size);
	for (const char *c = m->name; rc == 0 && *c; c++) {
		if (*c == '\n' || *c == '\\')
			rc = strbuf_char(out, '\\');
		if (rc == 0)
			rc = strbuf_char(out, *c);
	}
	return rc < 0 ? rc : strbuf_char(out, '\n');
}

static int images_write(void *arg, int fd, struct error *err)
{
	const struct view *v = arg;
	const struct source_member *members;
	auto_message TaskKobjIdsEntry *ids = NULL;
	auto_strbuf text = { 0 };
	uint32_t files_id = 0;
	if (v->process && process_ids(v->app->cp, v->process, &ids, NULL) == 0)
		files_id = ids->files_id;
	ssize_t nr = source_list(v->app->src, &members, err);
	int rc = 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (v->process && !belongs(v->process, files_id, members[i].name))
			continue;
		rc = member_write(&members[i], &text);
	}
	if (rc == 0)
		rc = fd_write_full(fd, text.data ?: "", text.len);
	return nr < 0   ? (int)nr
	       : rc < 0 ? error_code(err, rc, "list %s", source_name(v->app->src))
			: 0;
}

/* Names are ended and freed of backslashes where they stand. */
static int images_parse(struct images_state *s, struct error *err)
{
	char *at = s->text.data, *end = at ? at + s->text.len : NULL;
	while (at && at < end) {
		struct image_file *file = array_add(s);
		if (!file)
			return error_set(err, ENOMEM, "out of memory");
		file->size = strtoull(at, &at, 10);
		file->name = ++at;
		char *to = at;
		for (; at < end && *at != '\n'; at++) {
			if (*at == '\\' && at + 1 < end)
				at++;
			*to++ = *at;
		}
		*to = '\0';
		at++;
	}
	return 0;
}

static bool images_idle(struct view *v)
{
	struct images_state *s = v->state;
	if (!v->working)
		return false;
	int rc = child_read(&s->child, &v->error);
	if (rc > 0)
		return true;
	v->working = NULL;
	s->text = s->child.text;
	s->child.text = (struct strbuf){ 0 };
	child_fini(&s->child);
	if (rc == 0)
		rc = images_parse(s, &v->error);
	v->error.code = rc;
	return false;
}

static int images_open(struct view *v, struct error *err)
{
	struct images_state *s = v->state;
	int rc = child_start_plain(&s->child, images_write, v, err);
	if (rc < 0)
		return rc;
	v->working = "listing";
	view_hurry(v);
	return v->error.code;
}

static void images_close(struct view *v)
{
	struct images_state *s = v->state;
	if (s->child.pid)
		child_fini(&s->child);
	strbuf_fini(&s->text);
	free(s->items);
}

static size_t images_rows(struct view *v)
{
	return state_of(v)->nr;
}

static void images_row(struct view *v, size_t i, struct line *line)
{
	const struct image_file *file = &state_of(v)->items[i];
	const struct image_type *type = image_type_by_filename(file->name);
	line_cell(line, type ? ST_NAME : ST_NORMAL, file->name);
	line_cell_size(line, ST_NORMAL, file->size);
	line_cell(line, type ? ST_KEY : ST_DIM, type ? type->name : "no image");
}

static bool images_act(struct view *v, enum action action)
{
	struct images_state *s = v->state;
	size_t row = view_current(v);
	if (action == ACT_STOP) {
		child_fini(&s->child);
		view_stopped(v);
		return true;
	}
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	image_open_page(v->app, v->process, s->items[row].name, SIZE_MAX);
	return true;
}

static void images_footer(struct view *v, struct line *line)
{
	line_style(line, ST_DIM);
	line_printf(line, " %zu/%zu. Enter: entries, or bytes", view_rows(v) ? v->cursor + 1 : 0,
		    view_rows(v));
}

static void images_command(struct view *v, struct strbuf *out)
{
	(void)v;
	strbuf_str(out, "ls {}");
}

#define IMAGES_VIEW(ident)                                                                         \
	const struct view_ops ident = {                                                            \
		.name = "images",                                                                  \
		.nothing = "no images",                                                            \
		.places = IN_LIST,                                                                 \
		.state_size = sizeof(struct images_state),                                         \
		.columns = columns,                                                                \
		.nr_columns = ARRAY_SIZE(columns),                                                 \
		.open = images_open,                                                               \
		.idle = images_idle,                                                               \
		.close = images_close,                                                             \
		.rows = images_rows,                                                               \
		.row = images_row,                                                                 \
		.act = images_act,                                                                 \
		.footer = images_footer,                                                           \
		.command = images_command,                                                         \
	}

IMAGES_VIEW(view_images);
IMAGES_VIEW(view_process_images);
