/* SPDX-License-Identifier: MIT
 * What differs between two processes beside their memory: threads, and descriptors by number.
 */
#include "convert/diff/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The member with the registers of each machine. */
static const char *const register_fields[] = { "mtype",      "thread_info",    "ti_arm",
					       "ti_aarch64", "ti_ppc64",       "ti_s390",
					       "ti_mips",    "ti_loongarch64", "ti_riscv64",
					       NULL };
static const char *const task_fields[] = { "tc", "ids", "thread_core", NULL };

static bool has_thread(const struct process *p, uint32_t tid)
{
	for (size_t i = 0; i < p->entry->n_threads; i++) {
		if (process_thread(p, i) == tid)
			return true;
	}
	return false;
}

/* The thread of B that belongs to thread i of A: the same id, else the one at its place. */
static bool thread_match(const struct process_pair *pair, size_t i, uint32_t *out)
{
	uint32_t tid = process_thread(pair->a, i);
	if (has_thread(pair->b, tid)) {
		*out = tid;
		return true;
	}
	if (i >= pair->b->entry->n_threads)
		return false; /* which threads there are is said by the process's own row */
	*out = process_thread(pair->b, i);
	return !has_thread(pair->a, *out);
}

static int thread_compare(struct diff *d, const struct process_pair *pair, uint32_t tid_a,
			  uint32_t tid_b, struct error *err)
{
	auto_message CoreEntry *a = NULL;
	auto_message CoreEntry *b = NULL;
	char object[32];
	snprintf(object, sizeof(object), "thread %u", tid_a);
	struct diff_mark mark = diff_mark(d);
	int rc = process_core(d->cp[0], tid_a, &a, err);
	if (rc == 0)
		rc = process_core(d->cp[1], tid_b, &b, err);
	if (rc == 0 && diff_passed(d, &mark))
		return 0;
	if (rc == 0 && diff_wants(d, DIFF_TASK))
		rc = diff_messages(d, DIFF_TASK, pair->a->pid, object, &a->base, &b->base,
				   register_fields, err);
	if (rc == 0 && diff_wants(d, DIFF_REGS))
		rc = diff_messages(d, DIFF_REGS, pair->a->pid, object, &a->base, &b->base,
				   task_fields, err);
	return rc;
}

int diff_task(struct diff *d, const struct process_pair *pair, struct error *err)
{
	int rc = 0;
	if (!diff_wants(d, DIFF_TASK) && !diff_wants(d, DIFF_REGS))
		return 0;
	if (!pair->a->entry->n_threads) /* a zombie may list none */
		return thread_compare(d, pair, pair->a->pid, pair->b->pid, err);
	for (size_t i = 0; rc == 0 && i < pair->a->entry->n_threads; i++) {
		uint32_t tid_b;
		if (thread_match(pair, i, &tid_b))
			rc = thread_compare(d, pair, process_thread(pair->a, i), tid_b, err);
	}
	return rc;
}

/* Without numbers that each dump makes up: ids of files and their owners' mounts. */
static const char *const file_numbers[] = {
	"id",        "reg.id",         "reg.mnt_id", "isk.id",          "isk.ino",
	"isk.ns_id", "usk.id",         "usk.ino",    "usk.peer",        "usk.ns_id",
	"pipe.id",   "pipe.pipe_id",   "fifo.id",    "fifo.pipe_id",    "fifo.regf_id",
	"efd.id",    "epfd.id",        "sgfd.id",    "tfd.id",          "ify.id",
	"ffy.id",    "nsf.id",         "nsf.ns_id",  "psk.id",          "psk.ns_id",
	"nlsk.id",   "nlsk.ns_id",     "tty.id",     "tty.tty_info_id", "tty.regf_id",
	"memfd.id",  "memfd.inode_id", "bpf.id",     "bpf.map_id",      "pidfd.id",
	"tunf.id",   "ext.id",         NULL
};

static int fd_order(const void *a_, const void *b_)
{
	const FdinfoEntry *a = *(FdinfoEntry *const *)a_, *b = *(FdinfoEntry *const *)b_;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

static int fds_read(struct diff *d, int side, const struct process *p, struct fd_list *out,
		    struct error *err)
{
	int rc = process_fds(d->cp[side], p, out, err);
	if (rc == -ENOENT)
		return 0; /* a zombie */
	if (rc == 0 && out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), fd_order);
	return rc;
}

static const char *type_name(const FdinfoEntry *fd)
{
	const ProtobufCEnumValue *named =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)fd->type);
	return named ? named->name : "unknown";
}

/* A path says most about a file; other kinds are called by their type. */
static const char *file_name(const FileEntry *file, const FdinfoEntry *fd)
{
	return file && file->reg ? file->reg->name : type_name(fd);
}

/* a or b is NULL when only the other side has this descriptor. */
static int fd_compare(struct diff *d, const struct process_pair *pair, uint32_t fd,
		      const FdinfoEntry *a, const FdinfoEntry *b, struct error *err)
{
	const FileEntry *file_a = NULL, *file_b = NULL;
	char object[32];
	snprintf(object, sizeof(object), "fd %u", fd);
	int rc = a ? checkpoint_file(d->cp[0], a->type, a->id, &file_a, err) : 0;
	if (rc >= 0 && b)
		rc = checkpoint_file(d->cp[1], b->type, b->id, &file_b, err);
	if (rc < 0)
		return rc;
	if ((a && !file_a && checkpoint_files_damage(d->cp[0])) ||
	    (b && !file_b && checkpoint_files_damage(d->cp[1])))
		return 0;
	if (!a || !b || a->type != b->type) {
		diff_change(d, DIFF_FDS, pair->a->pid, object, NULL,
			    a ? file_name(file_a, a) : NULL, b ? file_name(file_b, b) : NULL);
		return 0;
	}
	if (a->flags != b->flags)
		diff_change(d, DIFF_FDS, pair->a->pid, object, "close-on-exec",
			    a->flags ? "true" : "false", b->flags ? "true" : "false");
	return diff_messages(d, DIFF_FDS, pair->a->pid, object, file_a ? &file_a->base : NULL,
			     file_b ? &file_b->base : NULL, file_numbers, err);
}

static void link_compare(struct diff *d, uint32_t pid, const char *what, uint32_t id_a,
			 uint32_t id_b)
{
	const char *a = checkpoint_path(d->cp[0], id_a), *b = checkpoint_path(d->cp[1], id_b);
	if ((!a && checkpoint_files_damage(d->cp[0])) || (!b && checkpoint_files_damage(d->cp[1])))
		return;
	if ((a || b) && strcmp(a ?: "", b ?: ""))
		diff_change(d, DIFF_FDS, pid, what, NULL, a, b);
}

static int links_compare(struct diff *d, const struct process_pair *pair, struct error *err)
{
	auto_message FsEntry *a = NULL;
	auto_message FsEntry *b = NULL;
	auto_message MmEntry *mm_a = NULL;
	auto_message MmEntry *mm_b = NULL;
	static const char *const ids[] = { "cwd_id", "root_id", NULL };
	int rc = process_fs(d->cp[0], pair->a, &a, err);
	if (rc == 0)
		rc = process_fs(d->cp[1], pair->b, &b, err);
	if (rc == 0)
		rc = process_mm(d->cp[0], pair->a, &mm_a, err);
	if (rc == 0)
		rc = process_mm(d->cp[1], pair->b, &mm_b, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	link_compare(d, pair->a->pid, "exe", mm_a->exe_file_id, mm_b->exe_file_id);
	link_compare(d, pair->a->pid, "cwd", a->cwd_id, b->cwd_id);
	link_compare(d, pair->a->pid, "root", a->root_id, b->root_id);
	return diff_messages(d, DIFF_FDS, pair->a->pid, "fs", &a->base, &b->base, ids, err);
}

int diff_fds(struct diff *d, const struct process_pair *pair, struct error *err)
{
	auto_fd_list a = { 0 };
	auto_fd_list b = { 0 };
	if (!diff_wants(d, DIFF_FDS))
		return 0;
	struct diff_mark mark = diff_mark(d);
	int rc = fds_read(d, 0, pair->a, &a, err);
	if (rc == 0)
		rc = fds_read(d, 1, pair->b, &b, err);
	if (rc == 0 && diff_passed(d, &mark))
		return links_compare(d, pair, err);
	for (size_t i = 0, k = 0; rc == 0 && (i < a.nr || k < b.nr);) {
		bool only_a = k == b.nr || (i < a.nr && a.items[i]->fd < b.items[k]->fd);
		bool only_b = i == a.nr || (k < b.nr && b.items[k]->fd < a.items[i]->fd);
		uint32_t fd = only_b ? b.items[k]->fd : a.items[i]->fd;
		rc = fd_compare(d, pair, fd, only_b ? NULL : a.items[i], only_a ? NULL : b.items[k],
				err);
		i += !only_b;
		k += !only_a;
	}
	return rc < 0 ? rc : links_compare(d, pair, err);
}
