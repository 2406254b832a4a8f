/* SPDX-License-Identifier: MIT
 * Descriptors of namespaces (/proc/PID/ns/…) that tasks of the tree are in, opened when these
 * exist.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "engine/files/live-proc.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/net/ns.h"
#include "engine/ns/held.h"
#include "engine/ns/mnt.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/pid.h"
#include "engine/ns/real-ids.h"
#include "engine/procfs/root.h"

static bool nsfile_match(const struct open_file *f)
{
	return f->fs_type == NSFS_MAGIC;
}

static int find_kind(struct dump *d, const struct open_file *f, enum ns_kind *kind, uint32_t *id,
		     struct error *err)
{
	char holder[96];
	auto_fd fd = procfs_reopen(f->fd, O_RDONLY); /* it may be open as a path alone */
	int flag = fd < 0 ? -1 : ioctl(fd, NS_GET_NSTYPE);
	*kind = flag < 0 ? NS_KINDS : ns_kind_of((uint32_t)flag);
	file_holder(f, holder, sizeof(holder));
	if (*kind == NS_KINDS)
		return error_set(err, ENOTSUP, "%s is %.800s, a namespace of an unknown kind",
				 holder, f->path);
	return ns_held(d, *kind, fd, holder, id, err);
}

static int nsfile_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	enum ns_kind kind;
	uint32_t id = 0;
	int rc = find_kind(d, f, &kind, &id, err);
	NsFileEntry *nsf = rc < 0 ? NULL : malloc(sizeof(*nsf));
	if (!nsf)
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory");
	ns_file_entry__init(nsf);
	e->nsf = nsf;
	nsf->id = e->id;
	nsf->ns_id = id;
	nsf->ns_cflag = (uint32_t)ns_rows[kind].flag;
	nsf->flags = f->flags;
	return 0;
}

static int nsfile_check(const FileEntry *e, struct error *err)
{
	const NsFileEntry *nsf = e->nsf;
	if (!nsf || nsf->id != e->id)
		return error_set(err, EBADMSG, "file id %u: namespace without its fields", e->id);
	if (ns_kind_of(nsf->ns_cflag) == NS_KINDS)
		return error_set(err, EBADMSG, "file id %u: a namespace of unknown kind %#x", e->id,
				 nsf->ns_cflag);
	return 0;
}

static int nsfile_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const NsFileEntry *nsf = e->nsf;
	enum ns_kind kind = ns_kind_of(nsf->ns_cflag);
	int flags = (int)(nsf->flags & (O_PATH | O_NOATIME));
	char path[64];
	if (kind == NS_NET && netns_is_nested(r, nsf->ns_id))
		return netns_open(r, nsf->ns_id, flags, err);
	/* who is in it may be there without having entered it yet */
	if (kind == NS_MNT && mntns_is_nested(r, nsf->ns_id))
		return mntns_open_again(r, nsf->ns_id, flags, err);
	int nested = ns_nested_open(r, kind, nsf->ns_id, flags, err);
	if (nested != -ENOENT)
		return nested;
	const struct rtask *member = ns_inhabitant(r, kind, nsf->ns_id);
	if (!member && kind == NS_PID) /* all are dead */
		member = pidns_init(r, nsf->ns_id);
	if (!member && kind == NS_PID)
		return pid_held_open(r, nsf->ns_id, flags, err);
	if (!member)
		return error_set(err, EBADMSG, "file id %u: no task is in %s namespace %u", e->id,
				 ns_rows[kind].name, nsf->ns_id);
	snprintf(path, sizeof(path), "%d/ns/%s", real_id_of(r, member->pid), ns_rows[kind].name);
	int fd = procfs_open(path, flags);
	return fd < 0 ? error_sys(err, "open /proc/%s", path) : fd;
}

const struct file_type file_namespace = {
	.name = "namespace",
	.type = FD_TYPES__NS,
	.match = nsfile_match,
	.dump = nsfile_dump,
	.check = nsfile_check,
	.open = nsfile_open,
};
