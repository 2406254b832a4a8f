/* SPDX-License-Identifier: MIT
 * Open files in plain words.
 */
#include "convert/describe/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "convert/describe/describer.h"
#include "convert/describe/words.h"
#include "images/namespace-kind.h"

const char *file_flags_text(uint32_t flags, char *out, size_t len)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ O_APPEND, "append" }, { O_NONBLOCK, "nonblock" }, { O_DIRECT, "direct" },
		{ O_ASYNC, "async" },   { O_DSYNC, "sync" },        { O_NOATIME, "noatime" },
		{ O_PATH, "path" },
	};
	static const char *const modes[] = { "r", "w", "rw", "-" };
	size_t used = (size_t)snprintf(out, len, "%s", modes[flags & O_ACCMODE]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if ((flags & names[i].bit) && used < len)
			used += (size_t)snprintf(out + used, len - used, " %s", names[i].name);
	}
	return out;
}

static const char *regular_kind(const RegFileEntry *reg)
{
	if (!reg->has_mode)
		return "file";
	switch (reg->mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFCHR:
	case S_IFBLK:
		return "device";
	default:
		return "file";
	}
}

static const struct remap *remap_find(const struct file_describer *fd, uint32_t id)
{
	size_t low = array_lower_bound(fd->remaps.nr, k, fd->remaps.items[k].id < id);
	return low < fd->remaps.nr && fd->remaps.items[low].id == id ? &fd->remaps.items[low]
								     : NULL;
}

static const char *remap_word(RemapType type)
{
	switch (type) {
	case REMAP_TYPE__LINKED:
		return "deleted, kept by a link";
	case REMAP_TYPE__PROCFS:
		return "of a process that is gone";
	default:
		return "deleted, kept as a ghost file";
	}
}

static int regular_describe(struct file_describer *fd, const RegFileEntry *reg,
			    struct file_facts *out)
{
	const struct remap *remap = remap_find(fd, reg->id);
	out->gone = remap ? remap_word(remap->type) : NULL;
	out->remap = remap ? remap->type : REMAP_TYPE__LINKED;
	out->kind = regular_kind(reg);
	if (strbuf_str(&out->target, reg->name) < 0)
		return -ENOMEM;
	return out->gone ? strbuf_str(&out->detail, out->gone) : 0;
}

static int pipe_describe(struct file_describer *fd, uint32_t pipe_id, struct file_facts *out)
{
	uint64_t bytes = amounts_find(&fd->pipes, pipe_id);
	return bytes ? strbuf_printf(&out->detail, "%" PRIu64 " bytes in it", bytes) : 0;
}

static int memfd_describe(struct file_describer *fd, const MemfdFileEntry *memfd,
			  struct file_facts *out, struct error *err)
{
	const MemfdInodeEntry *inode = NULL;
	int rc = checkpoint_memfd(fd->cp, memfd->inode_id, &inode, err);
	if (rc <= 0)
		return rc;
	if (strbuf_printf(&out->target, "memfd:%s", inode->name) < 0)
		return -ENOMEM;
	return strbuf_printf(&out->detail, "%" PRIu64 " bytes", inode->size);
}

static int timer_describe(const TimerfdEntry *timer, struct file_facts *out)
{
	out->kind = "timerfd";
	if (!timer->vsec && !timer->vnsec)
		return strbuf_str(&out->detail, "not armed");
	return strbuf_printf(&out->detail, "in %" PRIu64 ".%03" PRIu64 " s", timer->vsec,
			     timer->vnsec / 1000000);
}

/* What has a path of its own: an open regular file, given by its id. */
static int path_describe(struct file_describer *fd, const char *kind, bool has_id, uint32_t id,
			 struct file_facts *out)
{
	const char *path = has_id ? checkpoint_path(fd->cp, id) : NULL;
	out->kind = kind;
	return path ? strbuf_str(&out->target, path) : 0;
}

/* One has the flags of its file. */
static int fifo_describe(struct file_describer *fd, const FifoEntry *fifo, struct file_facts *out)
{
	const FileEntry *file = NULL;
	if (fifo->has_regf_id &&
	    checkpoint_file(fd->cp, FD_TYPES__REG, fifo->regf_id, &file, NULL) == 1 && file->reg) {
		out->has_flags = true;
		out->flags = file->reg->flags;
	}
	int rc = path_describe(fd, "fifo", fifo->has_regf_id, fifo->regf_id, out);
	return rc < 0 ? rc : pipe_describe(fd, fifo->pipe_id, out);
}

static int named_describe(struct file_describer *fd, const FileEntry *file, struct file_facts *out,
			  struct error *err)
{
	int rc = 0;
	if (file->reg)
		return regular_describe(fd, file->reg, out);
	if (file->fifo)
		return fifo_describe(fd, file->fifo, out);
	if (file->tty)
		return path_describe(fd, "tty", file->tty->has_regf_id, file->tty->regf_id, out);
	if (file->pipe) {
		out->kind = "pipe";
		rc = strbuf_printf(&out->target, "pipe:[%" PRIu32 "]", file->pipe->pipe_id);
		return rc < 0 ? rc : pipe_describe(fd, file->pipe->pipe_id, out);
	}
	if (file->memfd) {
		out->kind = "memfd";
		return memfd_describe(fd, file->memfd, out, err);
	}
	if (file->nsf) {
		out->kind = "namespace";
		return strbuf_printf(&out->target, "%s:[%" PRIu32 "]",
				     namespace_name(file->nsf->ns_cflag), file->nsf->ns_id);
	}
	if (file->tunf) {
		out->kind = "tun";
		return file->tunf->netdev ? strbuf_str(&out->target, file->tunf->netdev) : 0;
	}
	return socket_describe(fd, file, out, err);
}

static int nameless_describe(const FileEntry *file, struct file_facts *out)
{
	if (file->efd) {
		out->kind = "eventfd";
		return strbuf_printf(&out->detail, "counter %" PRIu64, file->efd->counter);
	}
	if (file->epfd) {
		out->kind = "epoll";
		return strbuf_printf(&out->detail, "watches %zu", file->epfd->n_tfd);
	}
	if (file->sgfd) {
		out->kind = "signalfd";
		return signal_set_words(file->sgfd->sigmask, &out->detail);
	}
	if (file->tfd)
		return timer_describe(file->tfd, out);
	if (file->ify) {
		out->kind = "inotify";
		return strbuf_printf(&out->detail, "watches %zu", file->ify->n_wd);
	}
	if (file->ffy) {
		out->kind = "fanotify";
		return strbuf_printf(&out->detail, "marks %zu", file->ffy->n_mark);
	}
	if (file->bpf) {
		out->kind = "bpf map";
		return strbuf_printf(&out->detail, "%s, at most %" PRIu32 " entries",
				     file->bpf->map_name, file->bpf->max_entries);
	}
	if (file->pidfd) {
		out->kind = "pidfd";
		return file->pidfd->nspid > 0
			   ? strbuf_printf(&out->target, "pid %" PRId32, file->pidfd->nspid)
			   : strbuf_str(&out->detail, "of a process that is gone");
	}
	if (file->ext)
		out->kind = "external";
	return 0;
}

/* Nearly every message has the open flags, and those of files a position, under these names. */
static const void *member(const ProtobufCMessage *body, const char *name, ProtobufCType type)
{
	const ProtobufCFieldDescriptor *field =
	    protobuf_c_message_descriptor_get_field_by_name(body->descriptor, name);
	return field && field->type == type && field->label == PROTOBUF_C_LABEL_REQUIRED
		   ? (const char *)body + field->offset
		   : NULL;
}

static void flags_describe(const FileEntry *file, struct file_facts *out)
{
	const ProtobufCMessageDescriptor *desc = file->base.descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCMessage *body =
		    desc->fields[i].type == PROTOBUF_C_TYPE_MESSAGE
			? *(ProtobufCMessage *const *)((const char *)file + desc->fields[i].offset)
			: NULL;
		if (!body)
			continue;
		const uint32_t *flags = member(body, "flags", PROTOBUF_C_TYPE_UINT32);
		const uint64_t *position = member(body, "pos", PROTOBUF_C_TYPE_UINT64);
		out->has_flags = flags != NULL;
		out->flags = flags ? *flags : 0;
		out->has_position = position != NULL;
		out->position = position ? *position : 0;
		return;
	}
}

int file_describe(struct file_describer *fd, FdTypes type, uint32_t id, struct file_facts *out,
		  struct error *err)
{
	const FileEntry *file = NULL;
	*out = (struct file_facts){ .type = type, .id = id, .kind = "?" };
	int rc = checkpoint_file(fd->cp, type, id, &file, err);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		const struct error *damage = checkpoint_files_damage(fd->cp);
		rc = strbuf_str(&out->detail, damage ? damage->text : "not in this checkpoint");
	} else {
		flags_describe(file, out);
		rc = named_describe(fd, file, out, err);
		if (rc == 0 && !strcmp(out->kind, "?"))
			rc = nameless_describe(file, out);
	}
	if (rc == -ENOMEM)
		error_set(err, ENOMEM, "files.img: out of memory");
	if (rc < 0)
		file_facts_fini(out);
	return rc;
}

void file_facts_fini(struct file_facts *facts)
{
	strbuf_fini(&facts->target);
	strbuf_fini(&facts->detail);
}

int file_describe_each(struct file_describer *fd, const struct process *p, file_visit_fn *visit,
		       void *arg, struct error *err)
{
	auto_fd_list fds = { 0 };
	int rc = process_fds(fd->cp, p, &fds, err);
	if (rc == -ENOENT) /* a zombie */
		return 0;
	for (size_t i = 0; rc == 0 && i < fds.nr; i++) {
		auto_file_facts file = { 0 };
		rc = file_describe(fd, fds.items[i]->type, fds.items[i]->id, &file, err);
		if (rc == 0)
			visit(arg, p, fds.items[i], &file);
	}
	return rc;
}
