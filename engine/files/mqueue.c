/* SPDX-License-Identifier: MIT
 * Descriptors of POSIX message queues; what is in these belongs to the IPC namespace
 * (engine/ns/mqueue.h). In images they are regular files with a field of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/ns/mnt-shown.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif
#define PREFIX "/mqueue:" /* no such file: who does not know the field says so */

static bool mqueue_match(const struct open_file *f)
{
	return f->fs_type == MQUEUE_MAGIC && S_ISREG(f->st.st_mode) && !(f->flags & O_PATH);
}

/* Only queues of the tree's namespaces are made again, and only those that have a name. */
static int find_place(const struct dump *d, const struct open_file *f, const struct ns_seen **ns,
		      struct error *err)
{
	char holder[96], outside[64];
	int rc = mnt_shown_find(d, NS_IPC, "mqueue", f->st.st_dev, ns, err);
	if (rc < 0)
		return rc;
	const char *why = !*ns || (*ns)->own    ? "of an IPC namespace that is not the tree's own"
			  : f->st.st_nlink == 0 ? "that was removed (mq_unlink)"
						: NULL;
	if (!why)
		return 0;
	return error_set(err, ENOTSUP,
			 "%s is a POSIX message queue (%.300s) %s: not supported; close it before "
			 "the dump, or leave it out with --external %s",
			 file_holder(f, holder, sizeof(holder)), f->path, why,
			 file_external_name(f, outside, sizeof(outside)));
}

static int mqueue_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char name[NAME_MAX + sizeof(PREFIX)];
	const struct ns_seen *ns;
	int rc = find_place(d, f, &ns, err);
	RegFileEntry *reg = rc < 0 ? NULL : malloc(sizeof(*reg));
	MqueueFileEntry *queue = rc < 0 ? NULL : malloc(sizeof(*queue));
	if (!reg || !queue) {
		free(reg);
		free(queue);
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory");
	}
	reg_file_entry__init(reg);
	mqueue_file_entry__init(queue);
	e->reg = reg;
	e->mqueue = queue;
	reg->id = e->id;
	reg->flags = f->flags;
	queue->has_ns_id = ns->id != ns_id(d->tasks[0], NS_IPC);
	queue->ns_id = ns->id;
	const char *slash = strrchr(f->path, '/');
	snprintf(name, sizeof(name), PREFIX "%.*s", NAME_MAX, slash ? slash + 1 : f->path);
	reg->name = strdup(name);
	queue->name = strdup(name + strlen(PREFIX));
	return reg->name && queue->name ? owner_dump(d, f, &reg->fown, err)
					: error_set(err, ENOMEM, "out of memory");
}

static bool mqueue_is_entry(const FileEntry *e)
{
	return e->mqueue != NULL;
}

static int mqueue_check(const FileEntry *e, struct error *err)
{
	const RegFileEntry *reg = e->reg;
	int rc = anon_check(e, reg, reg ? reg->id : 0, reg ? reg->fown : NULL, "queue", err);
	const char *name = e->mqueue->name;
	if (rc == 0 && (!name[0] || strchr(name, '/') || strlen(name) > NAME_MAX))
		rc = error_set(err, EBADMSG, "message queue \"%.255s\" makes no sense", name);
	return rc;
}

/* In the IPC namespace it is of. */
static int open_here(const FileEntry *e, struct error *err)
{
	char name[NAME_MAX + 2];
	snprintf(name, sizeof(name), "/%s", e->mqueue->name);
	auto_fd fd = mq_open(name, (int)(e->reg->flags & O_ACCMODE) | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open message queue %s", name);
	int rc = file_set_flags(fd, e->reg->flags, e->reg->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static int mqueue_open(struct restore *r, const FileEntry *e, struct error *err)
{
	struct ns_visit visit;
	uint32_t id = e->mqueue->has_ns_id ? e->mqueue->ns_id : 0;
	int ns = ns_nested_fd(r, NS_IPC, id);
	if (id && ns < 0)
		return error_set(err, EBADMSG, "message queue /%s: no task is in IPC namespace %u",
				 e->mqueue->name, id);
	int rc = ns_visit_if(ns, NS_IPC, &visit, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open_here(e, err);
	rc = ns_visit_end(&visit, fd < 0 ? NULL : err);
	return fd < 0 ? fd : rc < 0 ? rc : take_fd(fd);
}

const struct file_type file_mqueue = {
	.name = "POSIX message queue",
	.type = FD_TYPES__REG,
	.is_entry = mqueue_is_entry,
	.match = mqueue_match,
	.dump = mqueue_dump,
	.check = mqueue_check,
	.open = mqueue_open,
	.owner = reg_owner,
};
