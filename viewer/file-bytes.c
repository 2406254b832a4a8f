/* SPDX-License-Identifier: MIT
 * What an open file leads to: bytes that wait in it or that it holds, and its entry.
 */
#include "viewer/file-bytes.h"

#include <stdio.h>
#include <string.h>

#include "files.pb-c.h"
#include "sockets.pb-c.h"
#include "viewer/hex.h"
#include "viewer/image.h"

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

/* @return 1: its bytes are on a page now; 0: there are none; -errno */
static int payload_show(struct app *app, const struct process *p, const struct payload_query *query,
			struct error *err)
{
	struct bytes *b;
	int rc = bytes_of_payload(app, p, query, &b, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	hex_open(app, b, 0);
	return 1;
}

static int pipe_show(struct app *app, const struct process *p, const char *image, uint32_t pipe_id,
		     struct error *err)
{
	char title[80];
	const struct wanted wanted = { "pipe_id", pipe_id };
	snprintf(title, sizeof(title), "what waits in pipe:[%u]", pipe_id);
	return payload_show(app, p,
			    &(struct payload_query){ .image = image,
						     .entry = SIZE_MAX,
						     .fits = entry_fits,
						     .arg = &wanted,
						     .title = title },
			    err);
}

/* The ghost of a deleted file. */
static int ghost_show(struct app *app, const struct process *p, const RegFileEntry *reg,
		      struct error *err)
{
	auto_image_reader r = NULL;
	char image[64], title[160];
	int rc = image_open_typed(app->src, IMG_REMAP_FPATH, 0, &r, err);
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
		return payload_show(app, p,
				    &(struct payload_query){ .image = image, .title = title }, err);
	}
	return rc == -ENOENT ? 0 : rc;
}

/* What waits in a socket. */
static int queue_show(struct app *app, const struct process *p, const FileEntry *file,
		      const struct file_facts *facts, struct error *err)
{
	char image[64], title[200];
	const struct socket_facts *socket = &facts->socket;
	const struct wanted wanted = { "id_for", facts->id };
	if (file->isk) {
		snprintf(image, sizeof(image), "tcp-stream-%x.img", file->isk->ino);
		snprintf(title, sizeof(title), "queues of %s %s, %s", socket->protocol ?: "socket",
			 socket->local, socket->peer);
		return payload_show(app, p,
				    &(struct payload_query){ .image = image, .title = title }, err);
	}
	snprintf(title, sizeof(title), "what waits in socket:[%u]", socket->inode);
	return payload_show(app, p,
			    &(struct payload_query){ .image = "sk-queues.img",
						     .entry = SIZE_MAX,
						     .fits = entry_fits,
						     .arg = &wanted,
						     .title = title },
			    err);
}

static int memfd_show(struct app *app, const struct process *p, const MemfdFileEntry *memfd,
		      struct error *err)
{
	const MemfdInodeEntry *inode = NULL;
	char title[160];
	struct bytes *b;
	int rc = checkpoint_memfd(app->cp, memfd->inode_id, &inode, err);
	if (rc <= 0 || !inode->size)
		return rc < 0 ? rc : 0;
	snprintf(title, sizeof(title), "memfd:%s", inode->name);
	rc = bytes_of_segment(app, p, inode->shmid, inode->size, title, &b, err);
	if (rc == 0)
		hex_open(app, b, 0);
	return rc < 0 ? rc : 1;
}

void file_entry_show(struct app *app, const struct process *p, const struct file_facts *facts)
{
	const struct file_place *place = checkpoint_file_place(app->cp, facts->type, facts->id);
	char image[64];
	if (place)
		image_open_page(app, p,
				image_filename(&image_types[place->image], 0, image, sizeof(image)),
				(size_t)place->entry);
	else
		app_say(app, "this set has no entry of file %u", facts->id);
}

int file_bytes_show(struct app *app, const struct process *p, const struct file_facts *facts,
		    struct error *err)
{
	const FileEntry *file = NULL;
	int rc = checkpoint_file(app->cp, facts->type, facts->id, &file, err);
	if (rc <= 0)
		return rc;
	if (file->pipe)
		return pipe_show(app, p, "pipes-data.img", file->pipe->pipe_id, err);
	if (file->fifo)
		return pipe_show(app, p, "fifo-data.img", file->fifo->pipe_id, err);
	if (file->reg)
		return ghost_show(app, p, file->reg, err);
	if (file->memfd)
		return memfd_show(app, p, file->memfd, err);
	return facts->is_socket ? queue_show(app, p, file, facts, err) : 0;
}

/* Its entry, and that of the bytes that wait in it. */
void file_object(struct app *app, const struct file_facts *facts, struct view_object *out)
{
	const struct file_place *place = checkpoint_file_place(app->cp, facts->type, facts->id);
	const FileEntry *file = NULL;
	snprintf(out->name, sizeof(out->name), "%s",
		 facts->is_socket ? facts->socket.local : facts->target.data ?: "");
	if (!place || checkpoint_file(app->cp, facts->type, facts->id, &file, NULL) != 1)
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
	if (image_find_entry(app, out->images[1].name, entry_fits, &wanted, &out->images[1].entry,
			     NULL) != 1)
		out->images[1].name[0] = '\0';
}
