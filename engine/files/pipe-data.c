/* SPDX-License-Identifier: MIT
 * What is in pipes and FIFOs, and the size of their buffers.
 * Source: pipe(7), tee(2).
 */
#include "engine/files/pipe-data.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/reader.h"

/* Dump. */

struct contents {
	struct strbuf bytes;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} reads; /* lengths of what came in one piece */
	bool in_packets;
};

static void contents_fini(struct contents *c)
{
	strbuf_fini(&c->bytes);
	free(c->reads.items);
}

/* A pipe of our own that has a slot for every slot of a pipe of `size` bytes, if we may. */
static int own_pipe(struct file_table *t, int size, struct error *err)
{
	if (t->pipe[0] < 0 && pipe2(t->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, "make a pipe");
	int now = fcntl(t->pipe[1], F_GETPIPE_SZ);
	if (now < size)
		fcntl(t->pipe[1], F_SETPIPE_SZ, size); /* too small shows when it is full */
	return 0;
}

/* Of a pipe in packet mode a read gives one packet, however large the buffer is. */
static int read_copy(int from, size_t len, struct contents *c, struct error *err)
{
	while (len > 0) {
		uint32_t *piece = array_add(&c->reads);
		if (!piece || strbuf_reserve(&c->bytes, len) < 0)
			return error_set(err, ENOMEM, "out of memory");
		ssize_t n = read(from, c->bytes.data + c->bytes.len, len);
		if (n <= 0)
			return error_set(err, EIO, "pipe contents ended %zu bytes early", len);
		*piece = (uint32_t)n;
		c->bytes.len += (size_t)n;
		len -= (size_t)n;
		c->in_packets |= len > 0;
	}
	return 0;
}

static int write_entry(struct dump *d, const struct pipe_seen *p, const struct contents *c,
		       struct error *err)
{
	struct file_table *t = d->files;
	if (!t->data[p->fifo]) {
		enum image_id type = p->fifo ? IMG_FIFO_DATA : IMG_PIPES_DATA;
		int rc = image_create(d->images_fd, type, 0, &t->data[p->fifo], err);
		if (rc < 0)
			return rc;
	}
	PipeDataEntry e = PIPE_DATA_ENTRY__INIT;
	e.pipe_id = p->pipe_id;
	e.bytes = (uint32_t)c->bytes.len;
	e.has_size = true;
	e.size = (uint32_t)p->size;
	e.packets = c->reads.items;
	e.n_packets = c->in_packets ? c->reads.nr : 0;
	int rc = image_write(t->data[p->fifo], &e.base, err);
	return rc < 0 ? rc : image_write_bytes(t->data[p->fifo], c->bytes.data, c->bytes.len, err);
}

int pipe_data_write_size(struct dump *d, const struct pipe_seen *p, struct error *err)
{
	const struct contents none = { 0 };
	return write_entry(d, p, &none, err);
}

/* tee(2) leaves the contents where they are. @return bytes copied into our own pipe */
static ssize_t copy(struct dump *d, const struct open_file *f, const struct pipe_seen *p,
		    struct error *err)
{
	struct file_table *t = d->files;
	int waiting = 0;
	if (ioctl(f->fd, FIONREAD, &waiting) < 0)
		return error_sys(err, "%s: size of %s", p->holder, f->path);
	if (waiting == 0)
		return 0;
	int rc = own_pipe(t, p->size, err);
	if (rc < 0)
		return rc;
	ssize_t bytes = tee(f->fd, t->pipe[1], INT_MAX, SPLICE_F_NONBLOCK);
	if (bytes < 0)
		return error_sys(err, "%s: copy contents of %s", p->holder, f->path);
	if (bytes < waiting)
		return error_set(err, EPERM,
				 "%s: %s holds %d bytes in a buffer of %d: raise "
				 "fs.pipe-max-size or dump with CAP_SYS_RESOURCE",
				 p->holder, f->path, waiting, p->size);
	return bytes;
}

int pipe_data_dump(struct dump *d, const struct open_file *f, struct pipe_seen *p,
		   struct error *err)
{
	struct contents c = { 0 };
	ssize_t bytes = copy(d, f, p, err);
	int rc = bytes < 0 ? (int)bytes : read_copy(d->files->pipe[0], (size_t)bytes, &c, err);
	if (rc == 0)
		rc = write_entry(d, p, &c, err);
	p->data_saved = true;
	contents_fini(&c);
	return rc;
}

/* Restore. */

struct pipe_item *pipe_item_find(struct file_set *set, uint32_t pipe_id, bool fifo)
{
	for (size_t i = 0; i < set->pipes.nr; i++)
		if (set->pipes.items[i].pipe_id == pipe_id && set->pipes.items[i].fifo == fifo)
			return &set->pipes.items[i];
	return NULL;
}

struct pipe_item *pipe_item_add(struct file_set *set, uint32_t pipe_id, bool fifo)
{
	struct pipe_item *item = array_add(&set->pipes);
	if (!item)
		return NULL;
	item->pipe_id = pipe_id;
	item->fifo = fifo;
	item->ends[0] = item->ends[1] = -1;
	return item;
}

static int take_packets(struct pipe_item *item, const PipeDataEntry *e, const char *name,
			struct error *err)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < e->n_packets; i++)
		sum += e->packets[i];
	if (e->n_packets && sum != e->bytes)
		return error_set(err, EBADMSG, "%s: pipe %#x: packets of %llu bytes, %u in all",
				 name, e->pipe_id, (unsigned long long)sum, e->bytes);
	for (size_t i = 0; i < e->n_packets; i++) {
		uint32_t *len = array_add(&item->packets);
		if (!len)
			return error_set(err, ENOMEM, "out of memory");
		*len = e->packets[i];
	}
	return 0;
}

static int load_one(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		    struct error *err)
{
	const PipeDataEntry *e = (const PipeDataEntry *)*msg;
	bool fifo = image_reader_type(reader)->id == IMG_FIFO_DATA;
	struct file_set *set = ctx;
	if (e->bytes > INT32_MAX || (e->has_size && e->size > INT32_MAX))
		return error_set(err, EBADMSG, "%s: pipe %#x of %u bytes",
				 image_reader_name(reader), e->pipe_id, e->bytes);
	if (pipe_item_find(set, e->pipe_id, fifo))
		return error_set(err, EBADMSG, "%s: pipe %#x stands twice",
				 image_reader_name(reader), e->pipe_id);
	struct pipe_item *item = pipe_item_add(set, e->pipe_id, fifo);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	item->has_size = e->has_size;
	item->size = e->size;
	int rc = take_packets(item, e, image_reader_name(reader), err);
	if (rc < 0)
		return rc;
	return e->bytes ? image_payload_take(reader, &item->data, err) : 0;
}

int pipe_load_contents(struct restore *r, struct error *err)
{
	int rc = image_each(r->images, IMG_PIPES_DATA, 0, load_one, r->files, err);
	return rc < 0 ? rc : image_each(r->images, IMG_FIFO_DATA, 0, load_one, r->files, err);
}

void pipe_data_free(struct file_set *set)
{
	for (size_t i = 0; i < set->pipes.nr; i++) {
		strbuf_fini(&set->pipes.items[i].data);
		free(set->pipes.items[i].packets.items);
	}
	free(set->pipes.items);
}

static int resize(int fd, const struct pipe_item *item, struct error *err)
{
	int size = fcntl(fd, F_GETPIPE_SZ);
	int want = item->has_size ? (int)item->size : size;
	if ((size_t)want < item->data.len)
		want = (int)item->data.len;
	if (want != size && fcntl(fd, F_SETPIPE_SZ, want) < 0)
		return error_sys(err,
				 "pipe %#x: make its buffer %d bytes (raise fs.pipe-max-size, or "
				 "restore with CAP_SYS_RESOURCE)",
				 item->pipe_id, want);
	return 0;
}

/* What stands alone in a pipe that is written in packets is one, too. */
static bool is_in_packets(const struct file_set *set, const struct pipe_item *item)
{
	bool found = item->packets.nr != 0;
	for (size_t i = 0; !found && i < set->nr_items; i++) {
		const FileEntry *e = set->items[i].entry;
		found = !item->fifo && e->type == FD_TYPES__PIPE && e->pipe &&
			e->pipe->pipe_id == item->pipe_id && (e->pipe->flags & O_DIRECT) &&
			(e->pipe->flags & O_ACCMODE) != O_RDONLY;
	}
	return found;
}

static int write_packets(int fd, const struct pipe_item *item)
{
	const uint32_t all = (uint32_t)item->data.len;
	const uint32_t *lens = item->packets.nr ? item->packets.items : &all;
	size_t nr = item->packets.nr ? item->packets.nr : 1, done = 0;
	int flags = fcntl(fd, F_GETFL), rc = 0;
	if (fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
		return -errno;
	for (size_t i = 0; rc == 0 && i < nr; done += lens[i++])
		rc = fd_write_full(fd, item->data.data + done, lens[i]);
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : rc;
}

int pipe_data_fill(const struct file_set *set, int fd, struct pipe_item *item, struct error *err)
{
	int rc = resize(fd, item, err);
	if (rc < 0)
		return rc;
	if (item->data.len && is_in_packets(set, item))
		rc = write_packets(fd, item);
	else
		rc = fd_write_full(fd, item->data.data, item->data.len);
	if (rc < 0)
		return error_code(err, rc, "pipe %#x: put back %zu bytes", item->pipe_id,
				  item->data.len);
	strbuf_fini(&item->data);
	return 0;
}
