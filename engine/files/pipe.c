/* SPDX-License-Identifier: MIT
 * Pipes and FIFOs: their ends. One pipe_id stands for one pipe, whoever holds which end of it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/files/pipe-data.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "engine/ns/user.h"

/* pipe(2) leaves it out, open(2) on 64 bit adds it: tells an end that was opened through /proc. */
#define LARGEFILE 0100000u

static bool is_writer(uint32_t flags)
{
	return (flags & O_ACCMODE) == O_WRONLY;
}

static bool pipe_match(const struct open_file *f)
{
	return S_ISFIFO(f->st.st_mode) && !(f->flags & O_PATH) && !strncmp(f->path, "pipe:[", 6);
}

static bool fifo_match(const struct open_file *f)
{
	return S_ISFIFO(f->st.st_mode) && !(f->flags & O_PATH) && f->path[0] == '/';
}

static struct pipe_seen *seen_find(struct file_table *t, const struct open_file *f)
{
	for (size_t i = t->pipes.nr; i-- > 0;) {
		struct pipe_seen *p = &t->pipes.items[i];
		if (p->ino == f->st.st_ino && p->dev == f->st.st_dev)
			return p;
	}
	return NULL;
}

/* The inode number, as readers of the images expect; two file systems may have the same one. */
static uint32_t pipe_id_choose(const struct file_table *t, ino_t ino, bool fifo)
{
	uint32_t id = (uint32_t)ino;
	for (size_t i = 0; i < t->pipes.nr; i++)
		if (t->pipes.items[i].pipe_id == id && t->pipes.items[i].fifo == fifo) {
			id++;
			i = (size_t)-1;
		}
	return id;
}

static int seen_add(struct file_table *t, const struct open_file *f, struct pipe_seen **out,
		    struct error *err)
{
	bool fifo = fifo_match(f);
	uint32_t id = pipe_id_choose(t, f->st.st_ino, fifo);
	int size = fcntl(f->fd, F_GETPIPE_SZ);
	char holder[96];
	if (size < 0)
		return error_sys(err, "%s: ask for the size of the pipe",
				 file_holder(f, holder, sizeof(holder)));
	struct pipe_seen *p = array_add(&t->pipes);
	if (!p)
		return error_set(err, ENOMEM, "out of memory");
	p->dev = f->st.st_dev;
	p->ino = f->st.st_ino;
	p->fifo = fifo;
	p->pipe_id = id;
	p->size = size;
	struct pollfd poll_fd = { .fd = f->fd };
	if (poll(&poll_fd, 1, 0) > 0)
		p->peer_gone = poll_fd.revents & (POLLHUP | POLLERR);
	file_holder(f, p->holder, sizeof(p->holder));
	*out = p;
	return 0;
}

/* Note an end of a pipe, save its contents once. */
static int pipe_dump_contents(struct dump *d, const struct open_file *f, uint32_t *pipe_id,
			      struct error *err)
{
	struct pipe_seen *p = seen_find(d->files, f);
	int rc = p ? 0 : seen_add(d->files, f, &p, err);
	if (rc < 0)
		return rc;
	int access = f->flags & O_ACCMODE;
	p->readable |= access != O_WRONLY;
	p->writable |= access != O_RDONLY;
	*pipe_id = p->pipe_id;
	return p->data_saved || access == O_WRONLY ? 0 : pipe_data_dump(d, f, p, err);
}

int pipes_finish(struct dump *d, struct error *err)
{
	const struct file_table *t = d->files;
	for (size_t i = 0; i < t->pipes.nr; i++) {
		const struct pipe_seen *p = &t->pipes.items[i];
		if (p->fifo)
			continue;
		if (p->readable != p->writable && !p->peer_gone)
			log_warn("%s is a pipe whose %s end is held outside the tree: after the "
				 "restore that end is closed (%s), unless --inherit-fd or a "
				 "container engine gives a pipe in its place",
				 p->holder, p->readable ? "write" : "read",
				 p->readable ? "reads end" : "writes fail with EPIPE");
		int rc = p->data_saved ? 0 : pipe_data_write_size(d, p, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void pipe_note_writer(struct dump *d, ino_t ino)
{
	for (size_t i = 0; i < d->files->pipes.nr; i++)
		if (d->files->pipes.items[i].ino == ino && !d->files->pipes.items[i].fifo)
			d->files->pipes.items[i].writable = true;
}

static int pipe_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	PipeEntry *pipe = malloc(sizeof(*pipe));
	if (!pipe)
		return error_set(err, ENOMEM, "out of memory");
	pipe_entry__init(pipe);
	e->pipe = pipe;
	pipe->id = e->id;
	pipe->flags = f->flags;
	int rc = owner_dump(d, f, &pipe->fown, err);
	return rc < 0 ? rc : pipe_dump_contents(d, f, &pipe->pipe_id, err);
}

/* Path, flags and owner of a FIFO are those of a file entry of its own. */
static int fifo_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	FifoEntry *fifo = malloc(sizeof(*fifo));
	FileEntry *file = malloc(sizeof(*file));
	if (!fifo || !file) {
		free(fifo);
		free(file);
		return error_set(err, ENOMEM, "out of memory");
	}
	fifo_entry__init(fifo);
	e->fifo = fifo;
	fifo->id = e->id;
	fifo->has_regf_id = true;
	fifo->regf_id = d->files->next_id++;
	file_entry__init(file);
	file->id = fifo->regf_id;
	file->type = FD_TYPES__REG;
	int rc = reg_dump(d, f, file, err);
	if (rc == 0)
		rc = file_table_write(d, file, err);
	file_entry__free_unpacked(file, NULL);
	return rc < 0 ? rc : pipe_dump_contents(d, f, &fifo->pipe_id, err);
}

/* Restore. */

static int pipe_check(const FileEntry *e, struct error *err)
{
	if (!e->pipe)
		return error_set(err, EBADMSG, "pipe without its fields");
	if (e->pipe->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, e->pipe->id);
	return owner_check(e->pipe->fown, err);
}

/* Who made a pipe may open it again through /proc, /dev/stdout for one: most likely its user. */
static void give_to_user(struct restore *r, const struct pipe_item *item, uint32_t file_id)
{
	const struct rtask *t = file_set_holder(r, file_id);
	const CoreEntry *core = t && t->cores ? t->cores[0] : NULL;
	const CredsEntry *creds = core && core->thread_core ? core->thread_core->creds : NULL;
	if (creds && (creds->fsuid || creds->fsgid) &&
	    fchown(item->ends[0], id_outside(r->users, ID_USER, creds->fsuid),
		   id_outside(r->users, ID_GROUP, creds->fsgid)) < 0)
		log_warn("pipe %#x stays ours, not of uid %u", item->pipe_id, creds->fsuid);
}

static int pipe_make(struct restore *r, struct pipe_item *item, uint32_t file_id, struct error *err)
{
	if (item->made)
		return 0;
	if (pipe2(item->ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, "make pipe %#x", item->pipe_id);
	item->made = true;
	give_to_user(r, item, file_id);
	return pipe_data_fill(r->files, item->ends[1], item, err);
}

/* Another description of an end that has one already: opened as the task must have done. */
static int end_open(const struct pipe_item *item, uint32_t flags, struct error *err)
{
	int access = flags & O_ACCMODE;
	int fd = procfs_reopen(item->ends[is_writer(flags)], access | O_NONBLOCK);
	return fd < 0 ? error_sys(err, "open pipe %#x again", item->pipe_id) : fd;
}

static int pipe_open(struct restore *r, const FileEntry *e, struct error *err)
{
	uint32_t flags = e->pipe->flags;
	struct pipe_item *item = pipe_item_find(r->files, e->pipe->pipe_id, false);
	if (!item)
		item = pipe_item_add(r->files, e->pipe->pipe_id, false);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	int rc = pipe_make(r, item, e->id, err);
	if (rc < 0)
		return rc;

	bool writer = is_writer(flags);
	bool original = !(flags & LARGEFILE) && (flags & O_ACCMODE) != O_RDWR;
	auto_fd fd = -1;
	if (original && !item->taken[writer]) {
		fd = fcntl(item->ends[writer], F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return error_sys(err, "pipe %#x", item->pipe_id);
		item->taken[writer] = true;
	} else {
		fd = end_open(item, flags, err);
		if (fd < 0)
			return fd;
	}
	rc = file_set_flags(fd, flags, e->pipe->fown, err);
	return rc < 0 ? error_wrap(err, rc, "pipe %#x", item->pipe_id) : take_fd(fd);
}

int pipe_open_writer(struct restore *r, const struct rtask *t, int fd, struct error *err)
{
	const struct fd_rows *rows = t->ids ? file_set_rows(r->files, t->ids->files_id) : NULL;
	const struct fd_row *row = rows ? fd_rows_find(rows, (uint32_t)fd) : NULL;
	const struct file_item *file = row ? file_set_find(r->files, row->id) : NULL;
	const struct pipe_item *item = NULL;
	if (file && file->type == &file_pipe)
		item = pipe_item_find(r->files, file->entry->pipe->pipe_id, false);
	if (!item || !item->made)
		return error_set(err, EBADMSG, "pid %d, fd %d: not a pipe", t->pid, fd);
	int end = procfs_reopen(item->ends[1], O_WRONLY);
	return end < 0 ? error_sys(err, "open pipe %#x again", item->pipe_id)
		       : window_take(r->files, end, err);
}

void pipe_close_rest(struct file_set *set)
{
	for (size_t i = 0; i < set->pipes.nr; i++)
		for (int end = 0; end < 2; end++)
			fd_close(take_fd(set->pipes.items[i].ends[end]));
}

static const FownEntry *pipe_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->pipe->flags;
	return e->pipe->fown;
}

static int fifo_check(const FileEntry *e, struct error *err)
{
	if (!e->fifo)
		return error_set(err, EBADMSG, "FIFO without its fields");
	if (e->fifo->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, e->fifo->id);
	return 0;
}

static const RegFileEntry *fifo_file(struct restore *r, const FileEntry *e)
{
	uint32_t id = e->fifo->has_regf_id ? e->fifo->regf_id : e->id;
	const struct file_item *item = file_set_find(r->files, id);
	return item && item->type == &file_regular ? item->entry->reg : NULL;
}

/* Contents belong to the FIFO as long as anybody has it open: put back only into an empty one. */
static int fifo_fill(struct restore *r, int fd, const FileEntry *e, const char *path,
		     struct error *err)
{
	struct pipe_item *item = pipe_item_find(r->files, e->fifo->pipe_id, true);
	int waiting = 0;
	if (!item || item->made)
		return 0;
	if (ioctl(fd, FIONREAD, &waiting) < 0)
		return error_sys(err, "%s", path);
	if (waiting > 0)
		return error_set(err, EBUSY,
				 "%s: somebody has this FIFO open, with %d bytes in it: stop that "
				 "program first",
				 path, waiting);
	item->made = true;
	return pipe_data_fill(r->files, fd, item, err);
}

static int fifo_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const RegFileEntry *reg = fifo_file(r, e);
	if (!reg)
		return error_set(err, EBADMSG, "file id %u: FIFO without the file it is", e->id);
	/* With both ends open no later open waits for, or fails without, the other end. */
	auto_fd both = reg_open_raw(r, reg, O_RDWR | O_NONBLOCK | O_NOFOLLOW, err);
	struct stat st;
	if (both < 0)
		return both;
	if (fstat(both, &st) < 0)
		return error_sys(err, "stat %s", reg->name);
	if (!S_ISFIFO(st.st_mode))
		return error_set(err, ESTALE, "%s: was a FIFO at the dump and is none now",
				 reg->name);
	/* packet mode is only set later: open(2) wants a file system for O_DIRECT */
	auto_fd fd = reg_open_path(r, reg, reg->flags & ~(uint32_t)O_DIRECT, err);
	if (fd < 0)
		return fd;
	int rc = fifo_fill(r, both, e, reg->name, err);
	if (rc == 0)
		rc = file_set_flags(fd, reg->flags, reg->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *fifo_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	const RegFileEntry *reg = fifo_file(r, e);
	*flags = reg ? reg->flags : 0;
	return reg ? reg->fown : NULL;
}

const struct file_type file_pipe = {
	.name = "pipe",
	.type = FD_TYPES__PIPE,
	.match = pipe_match,
	.dump = pipe_dump,
	.check = pipe_check,
	.open = pipe_open,
	.owner = pipe_owner,
};

const struct file_type file_fifo = {
	.name = "FIFO",
	.type = FD_TYPES__FIFO,
	.match = fifo_match,
	.dump = fifo_dump,
	.check = fifo_check,
	.open = fifo_open,
	.owner = fifo_owner,
};
