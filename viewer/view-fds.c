/* SPDX-License-Identifier: MIT
 * Descriptors and sockets, of a process or of all. A row is described when it is looked at, so that
 * there may be a million.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/locks.h"
#include "files.pb-c.h"
#include "viewer/app.h"
#include "viewer/fd-rows.h"
#include "viewer/file-bytes.h"
#include "viewer/views.h"
#include "viewer/width.h"

enum { PER_STEP = 1000 };

struct fds_state {
	struct fd_rows rows;
	struct lock_list locks;
	size_t next;                 /* process to be read, in the tree */
	struct image_reader *reader; /* of the one before it; NULL: at its end */
};

static struct fds_state *state_of(struct view *v)
{
	return v->state;
}

static bool is_sockets(const struct view *v)
{
	return v->ops == &view_sockets || v->ops == &view_all_sockets;
}

static bool is_socket_type(FdTypes type)
{
	return type == FD_TYPES__INETSK || type == FD_TYPES__UNIXSK || type == FD_TYPES__PACKETSK ||
	       type == FD_TYPES__NETLINKSK;
}

static const struct process *process_at(const struct view *v, size_t i)
{
	return v->process ?: checkpoint_process(v->app->cp, i);
}

static size_t nr_processes(const struct view *v)
{
	return v->process ? 1 : checkpoint_nr_processes(v->app->cp);
}

/* The first thing that could not be read. */
static void damage_keep(struct view *v, const struct error *err)
{
	app_note(v->app, err);
	if (v->error.code == 0)
		v->error = *err;
}

/* The same of what was passed over since. */
static void passed_keep(struct view *v, size_t mark)
{
	const struct error *damage = damage_since(v->app->src, mark);
	if (damage)
		damage_keep(v, damage);
}

/* @return 0; -errno: it has no descriptors that can be read */
static int process_begin(struct view *v, const struct process *p, struct error *err)
{
	struct fds_state *s = v->state;
	auto_message TaskKobjIdsEntry *ids = NULL;
	size_t mark = damage_mark(v->app->src);
	int rc = process_ids(v->app->cp, p, &ids, err);
	passed_keep(v, mark);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc; /* a zombie */
	rc = fd_rows_begin(&s->rows, p, ids->files_id);
	if (rc)
		return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	return image_open_typed(v->app->src, IMG_FDINFO, ids->files_id, &s->reader, err);
}

/* @return 1 there may be more of this process; 0; -errno */
static int entries_read(struct view *v, struct error *err)
{
	struct fds_state *s = v->state;
	for (int i = 0; i < PER_STEP; i++) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(s->reader, &msg, err);
		if (rc <= 0)
			return rc;
		const FdinfoEntry *entry = (const FdinfoEntry *)msg;
		const struct fd_entry row = { entry->fd, entry->flags, entry->id, entry->type };
		if (is_sockets(v) && !is_socket_type(entry->type))
			continue;
		rc = fd_rows_add(&s->rows, &row);
		if (rc < 0)
			return error_set(err, -rc, "%s",
					 rc == -ENOMEM ? "out of memory"
						       : "there are too many to show all of them");
	}
	return 1;
}

/* What is damaged ends the descriptors of one process, not of the others. */
static bool fds_idle(struct view *v)
{
	struct fds_state *s = v->state;
	struct error err;
	if (!v->working)
		return false;
	if (!s->reader) {
		if (s->next == nr_processes(v)) {
			v->working = NULL;
			return false;
		}
		if (process_begin(v, process_at(v, s->next++), &err) < 0)
			damage_keep(v, &err);
		return true;
	}
	int rc = entries_read(v, &err);
	if (rc <= 0) {
		image_reader_close(s->reader);
		s->reader = NULL;
	}
	if (rc < 0)
		damage_keep(v, &err);
	if (rc == -EFBIG)
		v->working = NULL;
	return v->working;
}

static int fds_open(struct view *v, struct error *err)
{
	struct fds_state *s = v->state;
	struct file_describer *files = app_files(v->app, err);
	if (!files)
		return err->code;
	v->working = "reading descriptors";
	view_hurry(v);
	size_t mark = damage_mark(v->app->src);
	int rc = is_sockets(v) ? 0 : lock_list_read(v->app->src, &s->locks, err);
	if (rc < 0)
		return rc;
	passed_keep(v, mark);
	if (file_describer_damage(files))
		damage_keep(v, file_describer_damage(files));
	return v->error.code;
}

static void fds_close(struct view *v)
{
	struct fds_state *s = v->state;
	image_reader_close(s->reader);
	lock_list_fini(&s->locks);
	fd_rows_fini(&s->rows);
}

static size_t fds_rows(struct view *v)
{
	return fd_rows_count(&state_of(v)->rows);
}

/* What cannot be described says why. */
static void row_describe(struct view *v, const struct fd_entry *row, struct file_facts *out)
{
	struct error err;
	struct file_describer *files = app_files(v->app, &err);
	if (files && file_describe(files, row->type, row->id, out, &err) == 0)
		return;
	*out = (struct file_facts){ .type = row->type,
				    .id = row->id,
				    .kind = "?",
				    .is_socket = is_socket_type(row->type) };
	strbuf_str(&out->detail, err.text);
}

static enum style kind_style(const struct file_facts *facts)
{
	if (!strcmp(facts->kind, "?"))
		return ST_ERROR;
	if (facts->is_socket)
		return ST_KIND_SHARED;
	if (!strcmp(facts->kind, "file") || !strcmp(facts->kind, "directory"))
		return ST_KIND_FILE;
	return !strcmp(facts->kind, "pipe") || !strcmp(facts->kind, "fifo") ? ST_KIND_HEAP
									    : ST_KIND_STACK;
}

static void locks_add(struct view *v, const struct process *p, const struct fd_entry *row,
		      struct line *line)
{
	const struct lock_list *locks = &state_of(v)->locks;
	int pid = (int)p->pid, fd = (int)row->fd;
	const struct lock_facts *lock = lock_list_find(locks, pid, fd);
	line_style(line, ST_WARN);
	for (; lock && lock < locks->items + locks->nr && lock->pid == pid && lock->fd == fd;
	     lock++) {
		line_plain(line, "  ");
		line_str(line, lock->text);
	}
}

static void fds_row(struct view *v, size_t i, struct line *line)
{
	const struct process *p;
	const struct fd_entry *row = fd_rows_at(&state_of(v)->rows, i, &p);
	auto_file_facts facts = { 0 };
	char flags[96] = "";
	row_describe(v, row, &facts);
	if (facts.has_flags)
		file_flags_text(facts.flags, flags, sizeof(flags) - 16);
	if (row->flags & FD_CLOEXEC)
		strcat(flags, " cloexec");
	if (!v->process)
		line_cellf(line, ST_NUMBER, "%u", p->pid);
	line_cellf(line, ST_NUMBER, "%u", row->fd);
	line_cell(line, kind_style(&facts), facts.kind);
	line_cell(line, ST_NORMAL, flags);
	if (facts.has_position)
		line_cellf(line, ST_NORMAL, "%" PRIu64, facts.position);
	else
		line_cell_skip(line);
	line_rest(line);
	line_style(line, ST_NORMAL);
	line_name(line, facts.target.data,
		  facts.detail.len ? 2 + text_width(facts.detail.data, facts.detail.len) : 0);
	if (facts.detail.len) {
		line_style(line, ST_DIM);
		line_plain(line, facts.target.len ? "  " : "");
		line_str(line, facts.detail.data);
	}
	locks_add(v, p, row, line);
}

static void queue_cells(const struct queue_facts *queue, struct line *line)
{
	if (!queue->known) {
		line_cell(line, ST_DIM, "-");
		line_cell(line, ST_DIM, "-");
		return;
	}
	line_cellf(line, queue->received ? ST_WARN : ST_DIM, "%" PRIu64, queue->received);
	line_cellf(line, queue->sent ? ST_WARN : ST_DIM, "%" PRIu64, queue->sent);
}

static void sockets_row(struct view *v, size_t i, struct line *line)
{
	const struct process *p;
	const struct fd_entry *row = fd_rows_at(&state_of(v)->rows, i, &p);
	auto_file_facts facts = { 0 };
	row_describe(v, row, &facts);
	const struct socket_facts *s = &facts.socket;
	if (!v->process)
		line_cellf(line, ST_NUMBER, "%u", p->pid);
	line_cellf(line, ST_NUMBER, "%u", row->fd);
	if (!s->family) { /* it could not be read */
		line_rest(line);
		line_style(line, ST_ERROR);
		line_str(line, facts.detail.data);
		return;
	}
	line_cell(line, ST_KIND_SHARED, s->protocol ?: s->family);
	line_cell(line, ST_NORMAL, s->type);
	line_cell(line, ST_KEY, s->state ?: "-");
	queue_cells(&s->queue, line);
	line_rest(line);
	line_style(line, ST_NORMAL);
	line_str(line, s->local[0] ? s->local : "-");
	if (s->peer[0]) {
		line_style(line, ST_DIM);
		line_plain(line, " → ");
		line_style(line, ST_NORMAL);
		line_str(line, s->peer);
	}
	line_style(line, ST_DIM);
	line_printf(line, "  inode %u", s->inode);
	if (s->peer_inode)
		line_printf(line, ", peer %u", s->peer_inode);
}

static bool row_open(struct view *v, size_t i, bool bytes)
{
	const struct process *p;
	const struct fd_entry *row = fd_rows_at(&state_of(v)->rows, i, &p);
	auto_file_facts facts = { 0 };
	struct error err;
	row_describe(v, row, &facts);
	int rc = bytes ? file_bytes_show(v->app, p, &facts, &err) : 0;
	if (rc == 0)
		file_entry_show(v->app, p, &facts);
	if (rc < 0)
		app_fail(v->app, &err);
	return true;
}

static bool fds_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action == ACT_STOP) {
		view_stopped(v);
		return true;
	}
	if ((action != ACT_OPEN && action != ACT_ENTRY) || row == SIZE_MAX)
		return false;
	return row_open(v, row, action == ACT_OPEN);
}

static void fds_object(struct view *v, struct view_object *out)
{
	size_t row = view_current(v);
	auto_file_facts facts = { 0 };
	const struct process *p;
	if (row == SIZE_MAX)
		return;
	const struct fd_entry *entry = fd_rows_at(&state_of(v)->rows, row, &p);
	row_describe(v, entry, &facts);
	snprintf(out->what, sizeof(out->what), "descriptor %u", entry->fd);
	file_object(v->app, &facts, out);
}

static void fds_footer(struct view *v, struct line *line)
{
	size_t row = view_current(v);
	const struct process *p;
	line_style(line, ST_DIM);
	line_printf(line, " %zu/%zu%s", view_rows(v) ? v->cursor + 1 : 0, view_rows(v),
		    v->working ? " so far" : "");
	if (row != SIZE_MAX)
		line_printf(line, ", file %u. Enter: its bytes, if it has some; i: its entry",
			    fd_rows_at(&state_of(v)->rows, row, &p)->id);
}

static void fds_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "inspect %s", is_sockets(v) ? "--sockets" : "--files");
	if (v->process)
		strbuf_printf(out, " --alone -p %u", v->process->pid);
	strbuf_str(out, " {}");
}

#define PID_COLUMN                                                                                 \
	{                                                                                          \
		"PID", 7, true, 0                                                                  \
	}
#define FDS_COLUMNS                                                                                \
	{ "FD", 5, true, 0 }, { "KIND", 10, false, 0 }, { "FLAGS", 18, false, 0 },                 \
	    { "POS", 8, true, 90 },                                                                \
	{                                                                                          \
		"TARGET", 0, false, 0                                                              \
	}
#define SOCKETS_COLUMNS                                                                            \
	{ "FD", 5, true, 0 }, { "PROTO", 8, false, 0 }, { "TYPE", 9, false, 90 },                  \
	    { "STATE", 11, false, 0 }, { "RECV-Q", 7, true, 0 }, { "SEND-Q", 7, true, 0 },         \
	{                                                                                          \
		"LOCAL, PEER", 0, false, 0                                                         \
	}

static const struct column fds_columns[] = { FDS_COLUMNS };
static const struct column all_fds_columns[] = { PID_COLUMN, FDS_COLUMNS };
static const struct column sockets_columns[] = { SOCKETS_COLUMNS };
static const struct column all_sockets_columns[] = { PID_COLUMN, SOCKETS_COLUMNS };

#define FDS_VIEW(ident, tab, nothing_, columns_, row_)                                             \
	const struct view_ops ident = {                                                            \
		.name = tab,                                                                       \
		.nothing = nothing_,                                                               \
		.places = IN_LIST,                                                                 \
		.state_size = sizeof(struct fds_state),                                            \
		.columns = columns_,                                                               \
		.nr_columns = ARRAY_SIZE(columns_),                                                \
		.open = fds_open,                                                                  \
		.close = fds_close,                                                                \
		.rows = fds_rows,                                                                  \
		.row = row_,                                                                       \
		.idle = fds_idle,                                                                  \
		.act = fds_act,                                                                    \
		.object = fds_object,                                                              \
		.footer = fds_footer,                                                              \
		.command = fds_command,                                                            \
	}

FDS_VIEW(view_fds, "fds", "no descriptors", fds_columns, fds_row);
FDS_VIEW(view_all_fds, "fds", "no descriptors", all_fds_columns, fds_row);
FDS_VIEW(view_sockets, "sockets", "no sockets", sockets_columns, sockets_row);
FDS_VIEW(view_all_sockets, "sockets", "no sockets", all_sockets_columns, sockets_row);
