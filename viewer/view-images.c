/* SPDX-License-Identifier: MIT
 * The files of a set, or those that belong to one process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "viewer/app.h"
#include "viewer/image.h"
#include "viewer/views.h"

struct images_state {
	struct image_file {
		char *name;
		uint64_t size;
	} * items;
	size_t nr, cap;
};

static struct images_state *state_of(struct view *v)
{
	return v->state;
}

static const struct column columns[] = {
	{ "FILE", 30, false, 0 },
	{ "SIZE", 6, true, 0 },
	{ "TYPE", 0, false, 0 },
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

static int images_read(struct view *v, struct error *err)
{
	struct images_state *s = v->state;
	const struct source_member *members;
	TaskKobjIdsEntry *read = NULL;
	uint32_t files_id = 0;
	if (v->process && process_ids(v->app->cp, v->process, &read, NULL) == 0) {
		files_id = read->files_id;
		task_kobj_ids_entry__free_unpacked(read, NULL);
	}
	ssize_t nr = source_list(v->app->src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		if (v->process && !belongs(v->process, files_id, members[i].name))
			continue;
		struct image_file *file = array_add(s);
		if (file)
			file->name = strdup(members[i].name);
		if (!file || !file->name) {
			s->nr -= file != NULL;
			return error_set(err, ENOMEM, "out of memory");
		}
		file->size = members[i].size;
	}
	return nr < 0 ? (int)nr : 0;
}

static void images_close(struct view *v)
{
	struct images_state *s = v->state;
	for (size_t i = 0; i < s->nr; i++)
		free(s->items[i].name);
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
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	image_open_page(v->app, v->process, state_of(v)->items[row].name, SIZE_MAX);
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
		.places = IN_LIST,                                                                 \
		.state_size = sizeof(struct images_state),                                         \
		.columns = columns,                                                                \
		.nr_columns = ARRAY_SIZE(columns),                                                 \
		.open = images_read,                                                               \
		.close = images_close,                                                             \
		.rows = images_rows,                                                               \
		.row = images_row,                                                                 \
		.act = images_act,                                                                 \
		.footer = images_footer,                                                           \
		.command = images_command,                                                         \
	}

IMAGES_VIEW(view_images);
IMAGES_VIEW(view_process_images);
