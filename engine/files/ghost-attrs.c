/* SPDX-License-Identifier: MIT
 * Attributes of deleted files. Ids in them are in images as the tree has them.
 */
#include "engine/files/ghost-attrs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/table.h"
#include "engine/procfs/root.h"

#define LIST_MAX  65536 /* XATTR_LIST_MAX, XATTR_SIZE_MAX */
#define VALUE_MAX 65536

#define FLAGS_CARRIED ((uint32_t)(FS_SYNC_FL | FS_DIRSYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL))
/* With these nobody could open it again as its descriptors are open. */
#define FLAGS_LOST ((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL))

typedef uint32_t turn_fn(const struct user_maps *maps, enum id_kind kind, uint32_t id);

static void turn_acl(const struct user_maps *maps, turn_fn *turn, uint8_t *value, size_t len)
{
	struct posix_acl_xattr_entry e;
	size_t at = sizeof(struct posix_acl_xattr_header);
	for (; at + sizeof(e) <= len; at += sizeof(e)) {
		memcpy(&e, value + at, sizeof(e));
		uint16_t tag = le16toh(e.e_tag);
		if (tag != ACL_USER && tag != ACL_GROUP)
			continue;
		e.e_id = htole32(turn(maps, tag == ACL_USER ? ID_USER : ID_GROUP, le32toh(e.e_id)));
		memcpy(value + at, &e, sizeof(e));
	}
}

/* Those of a user namespace say whose, by its root. */
static void turn_capability(const struct user_maps *maps, turn_fn *turn, uint8_t *value, size_t len)
{
	struct vfs_ns_cap_data data;
	if (len != sizeof(data))
		return;
	memcpy(&data, value, sizeof(data));
	data.rootid = htole32(turn(maps, ID_USER, le32toh(data.rootid)));
	memcpy(value, &data, sizeof(data));
}

/* Not labels and measurements: the policy of the machine it is restored on decides on those. */
static const struct carried {
	const char *name; /* "user.": all that begin so */
	void (*turn)(const struct user_maps *maps, turn_fn *turn, uint8_t *value, size_t len);
} carried[] = {
	{ "user.", NULL },
	{ "trusted.", NULL },
	{ "security.capability", turn_capability },
	{ "system.posix_acl_access", turn_acl },
	{ "system.posix_acl_default", turn_acl },
};

static const struct carried *find_carried(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(carried); i++) {
		size_t len = strlen(carried[i].name);
		bool prefix = carried[i].name[len - 1] == '.';
		if (prefix ? !strncmp(name, carried[i].name, len) && name[len]
			   : !strcmp(name, carried[i].name))
			return &carried[i];
	}
	return NULL;
}

static int keep_value(const struct dump *d, int fd, const char *name, GhostXattrEntry *e,
		      struct error *err)
{
	auto_free uint8_t *value = malloc(VALUE_MAX);
	ssize_t len = value ? fgetxattr(fd, name, value, VALUE_MAX) : 0;
	if (len < 0)
		return error_sys(err, "read the extended attribute %s", name);
	e->name = strdup(name);
	e->value.data = value ? malloc((size_t)len + 1) : NULL;
	if (!e->name || !e->value.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(e->value.data, value, (size_t)len);
	e->value.len = (size_t)len;
	const struct carried *row = find_carried(name);
	if (row->turn)
		row->turn(d->users, id_inside, e->value.data, e->value.len);
	return 0;
}

static int keep_xattr(const struct dump *d, int fd, const char *name, GhostFileEntry *e,
		      size_t *cap, struct error *err)
{
	GhostXattrEntry **list = array_grow_(e->xattrs, cap, e->n_xattrs + 1, sizeof(*list));
	GhostXattrEntry *xattr = list ? malloc(sizeof(*xattr)) : NULL;
	e->xattrs = list ? list : e->xattrs;
	if (!xattr)
		return error_set(err, ENOMEM, "out of memory");
	ghost_xattr_entry__init(xattr);
	e->xattrs[e->n_xattrs++] = xattr;
	return keep_value(d, fd, name, xattr, err);
}

static int keep_xattrs(const struct dump *d, int fd, GhostFileEntry *e, struct error *err)
{
	size_t cap = 0;
	int rc = 0;
	auto_free char *list = malloc(LIST_MAX + 1);
	if (!list)
		return error_set(err, ENOMEM, "out of memory");
	ssize_t len = flistxattr(fd, list, LIST_MAX);
	if (len < 0 && errno == EOPNOTSUPP)
		return 0;
	if (len < 0)
		return error_sys(err, "list extended attributes");
	list[len] = 0;
	for (const char *at = list; rc == 0 && at < list + len; at += strlen(at) + 1)
		if (find_carried(at))
			rc = keep_xattr(d, fd, at, e, &cap, err);
	return rc;
}

static void keep_flags(const struct open_file *f, int fd, GhostFileEntry *e)
{
	char holder[96];
	unsigned int flags = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return; /* of a file system that has none */
	e->inode_flags = flags & FLAGS_CARRIED;
	e->has_inode_flags = e->inode_flags != 0;
	if (flags & FLAGS_LOST)
		log_warn("%s is the deleted file %.800s, immutable or append-only (chattr +i, +a): "
			 "it will not be after the restore",
			 file_holder(f, holder, sizeof(holder)), f->path);
}

int ghost_attrs_dump(struct dump *d, const struct open_file *f, int fd, GhostFileEntry *e,
		     struct error *err)
{
	e->has_atim_nsec = e->has_mtim_nsec = true;
	e->atim_nsec = (uint32_t)f->st.st_atim.tv_nsec;
	e->mtim_nsec = (uint32_t)f->st.st_mtim.tv_nsec;
	if (fd < 0)
		return 0;
	keep_flags(f, fd, e);
	return keep_xattrs(d, fd, e, err);
}

void ghost_attrs_free(GhostFileEntry *e)
{
	for (size_t i = 0; i < e->n_xattrs; i++)
		ghost_xattr_entry__free_unpacked(e->xattrs[i], NULL);
	free(e->xattrs);
	e->xattrs = NULL;
	e->n_xattrs = 0;
}

/* Restore. */

static int set_xattr(const struct restore *r, const GhostXattrEntry *e, int fd, const char *file,
		     struct error *err)
{
	const struct carried *row = find_carried(e->name);
	if (!row || e->value.len > VALUE_MAX)
		return error_set(err, EBADMSG, "extended attribute %.100s of %zu bytes", e->name,
				 e->value.len);
	auto_free uint8_t *value = malloc(e->value.len + 1);
	if (!value)
		return error_set(err, ENOMEM, "out of memory");
	if (e->value.len)
		memcpy(value, e->value.data, e->value.len);
	if (row->turn)
		row->turn(r->users, id_outside, value, e->value.len);
	if (fsetxattr(fd, e->name, value, e->value.len, 0) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return error_sys(err, "set %s of %s", e->name, file);
	log_warn("%s: the file system here takes no %s: the deleted file has none any more", file,
		 e->name);
	return 0;
}

static int set_flags(int fd, uint32_t want, const char *file, struct error *err)
{
	unsigned int flags = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= want & FLAGS_CARRIED;
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
			return 0;
	}
	if (errno != EOPNOTSUPP && errno != ENOTTY)
		return error_sys(err, "set inode flags %#x of %s", want, file);
	log_warn("%s: the file system here takes no inode flags %#x: the deleted file has none "
		 "any more",
		 file, want);
	return 0;
}

int ghost_attrs_restore(const struct restore *r, const GhostFileEntry *e, int fd, const char *name,
			struct error *err)
{
	if (!e->n_xattrs && !e->inode_flags)
		return 0;
	auto_fd open = procfs_reopen(fd, O_RDONLY | O_NONBLOCK);
	int rc = open < 0 ? error_sys(err, "open %s", name) : 0;
	for (size_t i = 0; rc == 0 && i < e->n_xattrs; i++)
		rc = set_xattr(r, e->xattrs[i], open, name, err);
	return rc == 0 && e->inode_flags ? set_flags(open, e->inode_flags, name, err) : rc;
}

struct timespec ghost_time(const Timeval *t, uint32_t nsec)
{
	long usec = (long)(t->tv_usec % 1000000);
	bool fits = nsec / 1000 == (uint32_t)usec; /* or somebody has changed the other one */
	return (struct timespec){ (time_t)t->tv_sec, fits ? (long)nsec : usec * 1000 };
}
