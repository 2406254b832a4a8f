/* SPDX-License-Identifier: MIT
 * Descriptors of a process, and among them its sockets.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "files.pb-c.h"
#include "sockets.pb-c.h"
#include "viewer/app.h"
#include "viewer/bytes.h"
#include "viewer/image.h"
#include "viewer/views.h"

struct fd_row {
	uint32_t fd, fd_flags;
	struct file_facts facts;
	char *lock; /* NULL: none */
};

struct fds_state {
	struct fd_row *items;
	size_t nr, cap;
};

static struct fds_state *state_of(struct view *v)
{
	return v->state;
}

static bool is_socket_type(FdTypes type)
{
	return type == FD_TYPES__INETSK || type == FD_TYPES__UNIXSK || type == FD_TYPES__PACKETSK ||
	       type == FD_TYPES__NETLINKSK;
}

/* What cannot be described is a row that says why. */
static int row_add(struct view *v, struct file_describer *files, const FdinfoEntry *entry,
		   bool sockets, struct error *err)
{
	struct fds_state *s = v->state;
	struct file_facts facts;
	struct error why;
	int rc = file_describe(files, entry->type, entry->id, &facts, &why);
	if (rc < 0) {
		facts = (struct file_facts){ .type = entry->type,
					     .id = entry->id,
					     .kind = "?",
					     .is_socket = is_socket_type(entry->type) };
		rc = strbuf_str(&facts.detail, why.text);
	}
	if (sockets && !facts.is_socket) {
		file_facts_fini(&facts);
		return 0;
	}
	struct fd_row *row = rc < 0 ? NULL : array_add(s);
	if (!row) {
		file_facts_fini(&facts);
		return error_set(err, ENOMEM, "out of memory");
	}
	*row = (struct fd_row){ entry->fd, entry->flags, facts, NULL };
	return 0;
}

/* "POSIX write 0-99": locks are listed by pid and descriptor. */
static int lock_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	static const char *const types[] = { "read", "write", "none" };
	struct view *v = ctx;
	struct fds_state *s = v->state;
	const FileLockEntry *lock = (const FileLockEntry *)*msg;
	(void)r;
	for (size_t i = 0; i < s->nr; i++) {
		struct fd_row *row = &s->items[i];
		if ((uint32_t)lock->pid != v->process->pid || (uint32_t)lock->fd != row->fd ||
		    row->lock)
			continue;
		const char *how = lock->flag & 2    ? "flock"
				  : lock->flag & 32 ? "lease"
				  : lock->flag & 1  ? "POSIX"
						    : "OFD";
		if (asprintf(&row->lock, "%s %s lock from %" PRId64, how,
			     lock->type < ARRAY_SIZE(types) ? types[lock->type] : "?",
			     lock->start) < 0) {
			row->lock = NULL;
			return error_set(err, ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* Those before the damage, when the image has some. */
static int fds_each(struct view *v, struct file_describer *files, bool sockets, struct error *err)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	auto_image_reader r = NULL;
	int rc = process_ids(v->app->cp, v->process, &ids, err);
	if (rc == -ENOENT)
		return 0; /* a zombie */
	if (rc == 0)
		rc = image_open_typed(v->app->src, IMG_FDINFO, ids->files_id, &r, err);
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc > 0)
			rc = row_add(v, files, (const FdinfoEntry *)msg, sockets, err);
		else
			return rc;
	}
	return rc;
}

static int rows_read(struct view *v, bool sockets, struct error *err)
{
	struct file_describer *files = app_files(v->app, err);
	struct error why;
	if (!files)
		return err->code;
	int rc = fds_each(v, files, sockets, err);
	if (!sockets && image_each(v->app->src, IMG_FILE_LOCKS, 0, lock_add, v, &why) < 0 &&
	    rc == 0)
		rc = error_set(err, -why.code, "%s", why.text);
	const struct error *damage = file_describer_damage(files);
	return rc == 0 && damage ? error_set(err, -damage->code, "%s", damage->text) : rc;
}

static int fds_open(struct view *v, struct error *err)
{
	return rows_read(v, false, err);
}

static int sockets_open(struct view *v, struct error *err)
{
	return rows_read(v, true, err);
}

static void fds_close(struct view *v)
{
	struct fds_state *s = v->state;
	for (size_t i = 0; i < s->nr; i++) {
		file_facts_fini(&s->items[i].facts);
		free(s->items[i].lock);
	}
	free(s->items);
}

static size_t fds_rows(struct view *v)
{
	return state_of(v)->nr;
}

static enum style kind_style(const struct file_facts *facts)
{
	if (facts->is_socket)
		return ST_KIND_SHARED;
	if (!strcmp(facts->kind, "file") || !strcmp(facts->kind, "directory"))
		return ST_KIND_FILE;
	if (!strcmp(facts->kind, "pipe") || !strcmp(facts->kind, "fifo"))
		return ST_KIND_HEAP;
	return !strcmp(facts->kind, "?") ? ST_ERROR : ST_KIND_STACK;
}

static const struct column fds_columns[] = {
	{ "FD", 5, true, 0 },   { "KIND", 10, false, 0 },  { "FLAGS", 18, false, 0 },
	{ "POS", 8, true, 90 }, { "TARGET", 0, false, 0 },
};

static void fds_row(struct view *v, size_t i, struct line *line)
{
	const struct fd_row *row = &state_of(v)->items[i];
	const struct file_facts *facts = &row->facts;
	char flags[96] = "";
	if (facts->has_flags)
		file_flags_text(facts->flags, flags, sizeof(flags) - 16);
	if (row->fd_flags & 1)
		strcat(flags, " cloexec");
	line_cellf(line, ST_NUMBER, "%u", row->fd);
	line_cell(line, kind_style(facts), facts->kind);
	line_cell(line, ST_NORMAL, flags);
	if (facts->has_position)
		line_cellf(line, ST_NORMAL, "%" PRIu64, facts->position);
	else
		line_cell_skip(line);
	line_rest(line);
	line_style(line, ST_NORMAL);
	line_str(line, facts->target.data);
	if (facts->detail.len) {
		line_style(line, ST_DIM);
		line_plain(line, "  ");
		line_str(line, facts->detail.data);
	}
	if (row->lock) {
		line_style(line, ST_WARN);
		line_plain(line, "  ");
		line_str(line, row->lock);
	}
}

static const struct column sockets_columns[] = {
	{ "FD", 5, true, 0 },           { "PROTO", 8, false, 0 }, { "TYPE", 9, false, 90 },
	{ "STATE", 11, false, 0 },      { "RECV-Q", 7, true, 0 }, { "SEND-Q", 7, true, 0 },
	{ "LOCAL, PEER", 0, false, 0 },
};

static void sockets_row(struct view *v, size_t i, struct line *line)
{
	const struct fd_row *row = &state_of(v)->items[i];
	const struct socket_facts *s = &row->facts.socket;
	line_cellf(line, ST_NUMBER, "%u", row->fd);
	if (!s->family) { /* it could not be read */
		line_rest(line);
		line_style(line, ST_ERROR);
		line_str(line, row->facts.detail.data);
		return;
	}
	line_cell(line, ST_KIND_SHARED, s->protocol ?: s->family);
	line_cell(line, ST_NORMAL, s->type);
	line_cell(line, ST_KEY, s->state ?: "-");
	if (s->queue.known) {
		line_cellf(line, s->queue.received ? ST_WARN : ST_DIM, "%" PRIu64,
			   s->queue.received);
		line_cellf(line, s->queue.sent ? ST_WARN : ST_DIM, "%" PRIu64, s->queue.sent);
	} else {
		line_cell(line, ST_DIM, "-");
		line_cell(line, ST_DIM, "-");
	}
	line_rest(line);
	line_style(line, ST_NORMAL);
	line_str(line, s->local[0] ? s->local : "-");
	line_style(line, ST_DIM);
	line_plain(line, " → ");
	line_style(line, ST_NORMAL);
	line_str(line, s->peer[0] ? s->peer : "-");
	line_style(line, ST_DIM);
	line_printf(line, "  inode %u", s->inode);
	if (s->peer_inode)
		line_printf(line, ", peer %u", s->peer_inode);
}

/* What an entry is looked for by: a number in a field of this name. */
struct wanted {
	const char *field;
	uint32_t value;
};

static bool entry_fits(const void *arg, const ProtobufCMessage *msg)
{
	const struct wanted *wanted = arg;
	const ProtobufCFieldDescriptor *field =
	    protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, wanted->field);
	return field && (field->type == PROTOBUF_C_TYPE_UINT32) &&
	       *(const uint32_t *)((const char *)msg + field->offset) == wanted->value;
}

static bool file_fits(const void *arg, const ProtobufCMessage *msg)
{
	const struct file_facts *facts = arg;
	const FileEntry *file = (const FileEntry *)msg;
	return msg->descriptor == &file_entry__descriptor && file->type == facts->type &&
	       file->id == facts->id;
}

/* @return 1: its bytes are on a page now; 0: there are none; -errno */
static int payload_show(struct view *v, const struct payload_query *query, struct error *err)
{
	struct bytes *b;
	int rc = bytes_of_payload(v->app, v->process, query, &b, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	hex_open(v->app, b, 0);
	return 1;
}

static int pipe_show(struct view *v, const char *image, uint32_t pipe_id, struct error *err)
{
	char title[80];
	const struct wanted wanted = { "pipe_id", pipe_id };
	snprintf(title, sizeof(title), "what waits in pipe:[%u]", pipe_id);
	return payload_show(v,
			    &(struct payload_query){ .image = image,
						     .entry = SIZE_MAX,
						     .fits = entry_fits,
						     .arg = &wanted,
						     .title = title },
			    err);
}

/* The ghost of a deleted file. */
static int ghost_show(struct view *v, const RegFileEntry *reg, struct error *err)
{
	auto_image_reader r = NULL;
	char image[64], title[160];
	int rc = image_open_typed(v->app->src, IMG_REMAP_FPATH, 0, &r, err);
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		const RemapFilePathEntry *remap = (const RemapFilePathEntry *)msg;
		if (remap->orig_id != reg->id ||
		    (remap->has_remap_type && remap->remap_type != REMAP_TYPE__GHOST))
			continue;
		snprintf(image, sizeof(image), "ghost-file-%x.img", remap->remap_id);
		snprintf(title, sizeof(title), "deleted file %s", reg->name);
		return payload_show(v, &(struct payload_query){ .image = image, .title = title },
				    err);
	}
	return rc == -ENOENT ? 0 : rc;
}

/* What waits in a socket. */
static int queue_show(struct view *v, const FileEntry *file, const struct file_facts *facts,
		      struct error *err)
{
	char image[64], title[200];
	const struct socket_facts *socket = &facts->socket;
	const struct wanted wanted = { "id_for", facts->id };
	if (file->isk) {
		snprintf(image, sizeof(image), "tcp-stream-%x.img", file->isk->ino);
		snprintf(title, sizeof(title), "queues of %s %s, %s", socket->protocol ?: "socket",
			 socket->local, socket->peer);
		return payload_show(v, &(struct payload_query){ .image = image, .title = title },
				    err);
	}
	snprintf(title, sizeof(title), "what waits in socket:[%u]", socket->inode);
	return payload_show(v,
			    &(struct payload_query){ .image = "sk-queues.img",
						     .entry = SIZE_MAX,
						     .fits = entry_fits,
						     .arg = &wanted,
						     .title = title },
			    err);
}

static int memfd_show(struct view *v, const MemfdFileEntry *memfd, struct error *err)
{
	const MemfdInodeEntry *inode = NULL;
	char title[160];
	struct bytes *b;
	int rc = checkpoint_memfd(v->app->cp, memfd->inode_id, &inode, err);
	if (rc <= 0 || !inode->size)
		return rc < 0 ? rc : 0;
	snprintf(title, sizeof(title), "memfd:%s", inode->name);
	rc = bytes_of_segment(v->app, v->process, inode->shmid, inode->size, title, &b, err);
	if (rc == 0)
		hex_open(v->app, b, 0);
	return rc < 0 ? rc : 1;
}

/* The entry of files.img says the rest. */
static int entry_show(struct view *v, const struct file_facts *facts, struct error *err)
{
	size_t entry;
	int rc = image_find_entry(v->app, "files.img", file_fits, facts, &entry, err);
	if (rc == 1)
		image_open_page(v->app, v->process, "files.img", entry);
	else if (rc == 0)
		app_say(v->app, "this set has no files.img with it");
	return rc;
}

static int bytes_show(struct view *v, const struct file_facts *facts, struct error *err)
{
	const FileEntry *file = NULL;
	int rc = checkpoint_file(v->app->cp, facts->type, facts->id, &file, err);
	if (rc <= 0)
		return rc;
	if (file->pipe)
		return pipe_show(v, "pipes-data.img", file->pipe->pipe_id, err);
	if (file->fifo)
		return pipe_show(v, "fifo-data.img", file->fifo->pipe_id, err);
	if (file->reg)
		return ghost_show(v, file->reg, err);
	if (file->memfd)
		return memfd_show(v, file->memfd, err);
	return facts->is_socket ? queue_show(v, file, facts, err) : 0;
}

static bool fds_act(struct view *v, enum action action)
{
	struct error err;
	size_t row = view_current(v);
	if ((action != ACT_OPEN && action != ACT_ENTRY) || row == SIZE_MAX)
		return false;
	const struct file_facts *facts = &state_of(v)->items[row].facts;
	int rc = action == ACT_OPEN ? bytes_show(v, facts, &err) : 0;
	if (rc == 0)
		rc = entry_show(v, facts, &err);
	if (rc < 0)
		app_fail(v->app, &err);
	return true;
}

/* Its entry, and that of the bytes that wait in it. */
static void fds_object(struct view *v, struct view_object *out)
{
	size_t row = view_current(v);
	if (row == SIZE_MAX)
		return;
	const struct fd_row *fd = &state_of(v)->items[row];
	const struct file_place *place =
	    checkpoint_file_place(v->app->cp, fd->facts.type, fd->facts.id);
	const FileEntry *file = NULL;
	snprintf(out->what, sizeof(out->what), "descriptor %u", fd->fd);
	snprintf(out->name, sizeof(out->name), "%s",
		 fd->facts.is_socket ? fd->facts.socket.local : fd->facts.target.data ?: "");
	if (!place || checkpoint_file(v->app->cp, fd->facts.type, fd->facts.id, &file, NULL) != 1)
		return;
	image_filename(&image_types[place->image], 0, out->images[0].name,
		       sizeof(out->images[0].name));
	out->images[0].entry = (size_t)place->entry;
	const struct wanted wanted = { file->pipe || file->fifo ? "pipe_id" : "id_for",
				       file->pipe   ? file->pipe->pipe_id
				       : file->fifo ? file->fifo->pipe_id
						    : file->id };
	snprintf(out->images[1].name, sizeof(out->images[1].name), "%s",
		 file->pipe   ? "pipes-data.img"
		 : file->fifo ? "fifo-data.img"
			      : "sk-queues.img");
	if (image_find_entry(v->app, out->images[1].name, entry_fits, &wanted,
			     &out->images[1].entry, NULL) != 1)
		out->images[1].name[0] = '\0';
}

static void fds_footer(struct view *v, struct line *line)
{
	size_t row = view_current(v);
	line_style(line, ST_DIM);
	line_printf(line, " %zu/%zu", view_rows(v) ? v->cursor + 1 : 0, view_rows(v));
	if (row != SIZE_MAX)
		line_printf(line, ", file %u. Enter: its bytes, if it has some; i: its entry",
			    state_of(v)->items[row].facts.id);
}

static void fds_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "inspect --files --alone -p %u {}", v->process->pid);
}

static void sockets_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "inspect --sockets --alone -p %u {}", v->process->pid);
}

const struct view_ops view_fds = {
	.name = "descriptors",
	.places = IN_LIST,
	.state_size = sizeof(struct fds_state),
	.columns = fds_columns,
	.nr_columns = ARRAY_SIZE(fds_columns),
	.open = fds_open,
	.close = fds_close,
	.rows = fds_rows,
	.row = fds_row,
	.act = fds_act,
	.object = fds_object,
	.footer = fds_footer,
	.command = fds_command,
};

const struct view_ops view_sockets = {
	.name = "sockets",
	.places = IN_LIST,
	.state_size = sizeof(struct fds_state),
	.columns = sockets_columns,
	.nr_columns = ARRAY_SIZE(sockets_columns),
	.open = sockets_open,
	.close = fds_close,
	.rows = fds_rows,
	.row = sockets_row,
	.act = fds_act,
	.object = fds_object,
	.footer = fds_footer,
	.command = sockets_command,
};
