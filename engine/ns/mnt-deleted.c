/* SPDX-License-Identifier: MIT
 * Roots of mounts without a name, both directions.
 */
#include "engine/ns/mnt-deleted.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/mnt-reach.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

#define CONTENT_MAX (1024 * 1024) /* bytes, when --ghost-limit says nothing else */

static int read_content(const struct dump *d, const struct mnt *m, int at, off_t size,
			ProtobufCBinaryData *out, struct error *err)
{
	char name[MNT_NAME_MAX];
	uint64_t limit = d->opts->ghost_limit ? d->opts->ghost_limit : CONTENT_MAX;
	if ((uint64_t)size > limit)
		return error_set(err, EFBIG,
				 "%s: the deleted file it shows has %" PRIu64
				 " bytes, more than the limit of %" PRIu64 ": pass --ghost-limit",
				 mnt_name(m, name), (uint64_t)size, limit);
	out->data = malloc((size_t)size + 1);
	if (!out->data)
		return error_set(err, ENOMEM, "out of memory");
	auto_fd fd = procfs_reopen(at, O_RDONLY);
	ssize_t n = fd < 0 ? -errno : fd_read_full(fd, out->data, (size_t)size);
	if (n < 0)
		return error_code(err, (int)n, "%s: read the deleted file it shows",
				  mnt_name(m, name));
	out->len = (size_t)n;
	return 0;
}

static int read_root(const struct dump *d, struct mnt *m, int at, struct error *err)
{
	struct stat st;
	DeletedRootEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	deleted_root_entry__init(e);
	m->e->deleted_root = e;
	if (fstat(at, &st) < 0)
		return error_sys(err, "stat %s", m->e->mountpoint);
	e->mode = st.st_mode;
	e->uid = id_inside(d->users, ID_USER, st.st_uid);
	e->gid = id_inside(d->users, ID_GROUP, st.st_gid);
	e->has_rdev = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
	e->rdev = st.st_rdev;
	e->has_content = S_ISREG(st.st_mode);
	return e->has_content ? read_content(d, m, at, st.st_size, &e->content, err) : 0;
}

int mnt_deleted_read(const struct dump *d, uint32_t ns, int users, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->mounts->nr; i++) {
		struct mnt *m = d->mounts->items[i];
		if (m->ns != ns || !m->e->deleted)
			continue;
		auto_fd at = mnt_reach(m, err);
		if (at == -ENOENT)
			at = mnt_reach_hidden(d->mounts, m, users, err);
		rc = at < 0 ? at : read_root(d, m, at, err);
	}
	return rc;
}

/* Restore. */

static const char *path_in_source(const struct mnt *m)
{
	return mnt_below(m->e->root, m->source->root);
}

/* What it is mounted on is of the same type; only our images tell more. */
static mode_t type_of(const struct mnt *m)
{
	struct stat st;
	if (m->e->deleted_root)
		return m->e->deleted_root->mode & S_IFMT;
	const char *place = mnt_place(m);
	if (fstatat(m->parent->fd, *place ? place : ".", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(st.st_mode))
		return S_IFREG;
	return S_IFDIR;
}

static int make_parents(struct mnt *m, const char *path, struct error *err)
{
	char part[PATH_MAX];
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(m->source->fd, part, 0700) == 0)
			m->made_parents++;
		else if (errno != EEXIST)
			return error_sys(err, "make %s for a moment", part);
	}
	return 0;
}

static int make_root(const struct mnt *m, const char *path, mode_t type, struct error *err)
{
	int dir = m->source->fd;
	if (type == S_IFDIR)
		return mkdirat(dir, path, 0700) < 0 ? error_sys(err, "make %s", path) : 0;
	const DeletedRootEntry *e = m->e->deleted_root;
	if (type != S_IFREG)
		return mknodat(dir, path, type | 0600, e ? e->rdev : 0) < 0
			   ? error_sys(err, "make %s", path)
			   : 0;
	auto_fd fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "make %s", path);
	int rc = e && e->has_content ? fd_write_full(fd, e->content.data, e->content.len) : 0;
	return rc < 0 ? error_code(err, rc, "write %s", path) : 0;
}

static int set_attributes(const struct mnt *m, const char *path, struct error *err)
{
	const DeletedRootEntry *e = m->e->deleted_root;
	if (!e)
		return 0;
	if (fchownat(m->source->fd, path, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(m->source->fd, path, e->mode & 07777, 0) < 0)
		return error_sys(err, "set owner and mode of %s", path);
	return 0;
}

/* Another mount of the same has it back already. */
static bool is_made(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *other = tree->items[i];
		if (other->made_root && other->source == m->source &&
		    !strcmp(other->e->root, m->e->root))
			return true;
	}
	return false;
}

int mnt_deleted_make(const struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	struct stat st;
	const char *path = path_in_source(m);
	if (!m->e->deleted || !m->parent || !*path || is_made(tree, m))
		return 0;
	if (fstatat(m->source->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(err, EEXIST,
				 "it shows a deleted file, and another one has its name, %s, now",
				 m->e->root);
	int rc = make_parents(m, path, err);
	if (rc == 0)
		rc = make_root(m, path, type_of(m), err);
	if (rc < 0)
		return rc;
	m->made_root = true;
	return set_attributes(m, path, err);
}

static int remove_root(const struct mnt *m, struct error *err)
{
	char path[PATH_MAX];
	int dir = m->source->fd;
	snprintf(path, sizeof(path), "%s", path_in_source(m));
	if (unlinkat(dir, path, 0) < 0 &&
	    (errno != EISDIR || unlinkat(dir, path, AT_REMOVEDIR) < 0))
		return error_sys(err, "remove %s again, which mount %s shows", path,
				 m->e->mountpoint);
	for (unsigned i = 0; i < m->made_parents; i++) {
		*strrchr(path, '/') = 0;
		if (unlinkat(dir, path, AT_REMOVEDIR) < 0)
			return error_sys(err, "remove %s again", path);
	}
	return 0;
}

int mnt_deleted_remove(const struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = tree->nr; rc == 0 && i-- > 0;)
		if (tree->order[i]->made_root)
			rc = remove_root(tree->order[i], err);
	return rc;
}
