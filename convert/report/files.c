/* SPDX-License-Identifier: MIT
 * Descriptors, sockets and mounts on the page.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/array.h"
#include "convert/describe/file.h"
#include "convert/describe/mounts.h"
#include "convert/report/parts.h"

static void row_begin(struct report *r, const struct process *p, const FdinfoEntry *entry)
{
	html_rawf(&r->h,
		  "<tr data-pid=\"%" PRIu32 "\"><td class=\"n\">%" PRIu32
		  "</td><td class=\"n\">%" PRIu32 "</td>",
		  p->pid, p->pid, entry->fd);
}

static void file_row(void *r_, const struct process *p, const FdinfoEntry *entry,
		     const struct file_facts *file)
{
	struct report *r = r_;
	char flags[80];
	row_begin(r, p, entry);
	html_rawf(&r->h, "<td><span class=\"tag\">%s</span></td>", file->kind);
	html_cell(&r->h,
		  file->has_flags ? file_flags_text(file->flags, flags, sizeof(flags)) : NULL);
	if (file->has_position)
		html_cell_number(&r->h, file->position);
	else
		html_cell_no_number(&r->h);
	html_cell_long(&r->h, file->target.data);
	html_cell(&r->h, file->detail.data);
	html_raw(&r->h, "</tr>\n");
}

static void socket_row(void *r_, const struct process *p, const FdinfoEntry *entry,
		       const struct file_facts *file)
{
	struct report *r = r_;
	const struct socket_facts *socket = &file->socket;
	if (!file->is_socket)
		return;
	row_begin(r, p, entry);
	html_rawf(&r->h, "<td><span class=\"tag\">%s</span></td>", file->kind);
	html_cell(&r->h, socket->type);
	if (socket->state)
		html_rawf(&r->h, "<td><span class=\"state %s\">%s</span></td>", socket->state,
			  socket->state);
	else
		html_cell(&r->h, NULL);
	html_cell(&r->h, socket->local[0] ? socket->local : NULL);
	html_cell(&r->h, socket->peer[0] ? socket->peer : NULL);
	if (socket->queue.known) {
		html_cell_size(&r->h, socket->queue.received);
		html_cell_size(&r->h, socket->queue.sent);
	} else {
		html_cell_no_number(&r->h);
		html_cell_no_number(&r->h);
	}
	html_raw(&r->h, "</tr>\n");
}

/* The describer, and what makes a row. */
struct rows {
	struct file_describer *fd;
	file_visit_fn *visit;
	unsigned columns;
};

static int rows_of(struct report *r, const struct process *p, void *rows_, struct error *err)
{
	const struct rows *rows = rows_;
	struct error why;
	size_t mark = report_mark(r);
	int rc = file_describe_each(rows->fd, p, rows->visit, r, &why);
	return report_damaged(r, p->pid, rows->columns, mark, rc, &why, err);
}

/* A section of them. */
static int section(struct report *r, const char *id, const char *title, const char *const *titles,
		   struct rows *rows, struct error *err)
{
	report_section(r, id, title);
	report_table(r, "filtered", titles, rows->columns);
	int rc = report_each(r, rows_of, rows, err);
	const struct error *damage = file_describer_damage(rows->fd);
	if (rc == 0 && damage)
		report_red(r, 0, rows->columns, damage->text);
	report_section_end(r);
	return rc;
}

int report_files(struct report *r, struct error *err)
{
	static const char *const files[] = { ">PID", ">FD",    "Kind",  "Flags",
					     ">Pos", "Target", "Detail" };
	static const char *const sockets[] = { ">PID",  ">FD",  "Kind",    "Type",   "State",
					       "Local", "Peer", ">Recv-Q", ">Send-Q" };
	auto_file_describer fd = NULL;
	int rc = file_describer_new(r->cp, &fd, err);
	if (rc < 0)
		return rc;
	rc = section(r, "files", "Descriptors", files,
		     &(struct rows){ fd, file_row, ARRAY_SIZE(files) }, err);
	return rc < 0 ? rc
		      : section(r, "sockets", "Sockets", sockets,
				&(struct rows){ fd, socket_row, ARRAY_SIZE(sockets) }, err);
}

int report_mounts(struct report *r, struct error *err)
{
	static const char *const titles[] = { ">NS",    ">ID",  "Mount point", "Type",
					      "Source", "Root", "Options",     "External" };
	auto_mount_list mounts = { 0 };
	struct error why;
	size_t mark = report_mark(r);
	int rc = mount_list_read(r->cp, &mounts, &why);
	report_section(r, "mounts", "Mounts");
	report_table(r, "plain", titles, ARRAY_SIZE(titles));
	rc = report_damaged(r, 0, ARRAY_SIZE(titles), mark, rc, &why, err);
	for (size_t i = 0; i < mounts.nr; i++) {
		const struct mount_facts *mount = &mounts.items[i];
		html_raw(&r->h, "<tr>");
		html_cell_number(&r->h, mount->ns);
		html_cell_number(&r->h, mount->entry->mnt_id);
		html_cell_long(&r->h, mount->entry->mountpoint);
		html_cell(&r->h, mount->fstype);
		html_cell(&r->h, mount->entry->source);
		html_cell_long(&r->h, mount->entry->root);
		html_cell_long(&r->h, mount->entry->options);
		html_cell(&r->h, mount->entry->ext_key ?: mount->external ? "yes" : NULL);
		html_raw(&r->h, "</tr>\n");
	}
	report_section_end(r);
	return rc;
}
