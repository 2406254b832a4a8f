/* SPDX-License-Identifier: MIT
 * Ghost files: deleted, but open or mapped. ghost-file-N.img has what the inode was, and its
 * contents without the holes.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/kernel-dev.h"
#include "base/log.h"
#include "engine/files/ghost-attrs.h"
#include "engine/files/passing.h"
#include "engine/files/remap.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "engine/ns/user.h"

#define BLOCK         512          /* of st_blocks */
#define DEFAULT_LIMIT (1ull << 20) /* --ghost-limit */
#define CHUNKS_FROM   (3 * 4096)   /* bytes; smaller files are stored in one piece */
#define PIECE         (1u << 20)

/* Our duplicate may be write-only, or O_PATH; reading must not be seen in the access time. */
static int open_inode(const struct open_file *f, struct error *err)
{
	const int flags = O_RDONLY | O_NONBLOCK;
	int fd = procfs_reopen(f->fd, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = procfs_reopen(f->fd, flags);
	return fd < 0 ? error_sys(err, "open it") : fd;
}

static int copy_range(int fd, struct image_writer *w, uint64_t off, uint64_t len, struct error *err)
{
	auto_free char *buf = malloc(PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	while (len) {
		size_t want = len < PIECE ? len : PIECE;
		ssize_t n = fd_pread_full(fd, buf, want, (off_t)off);
		if (n != (ssize_t)want)
			return error_code(err, n < 0 ? (int)n : EIO, "read at %" PRIu64, off);
		int rc = image_write_bytes(w, buf, want, err);
		if (rc < 0)
			return rc;
		off += want;
		len -= want;
	}
	return 0;
}

/* Files on file systems that know no holes are one piece of data. */
static int copy_chunks(int fd, struct image_writer *w, uint64_t size, struct error *err)
{
	for (uint64_t at = 0; at < size;) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return error_sys(err, "find its data from %" PRIu64, at);
		if ((uint64_t)data >= size)
			return 0;
		GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;
		chunk.off = (uint64_t)data;
		chunk.len = ((uint64_t)hole < size ? (uint64_t)hole : size) - (uint64_t)data;
		int rc = image_write(w, &chunk.base, err);
		if (rc == 0)
			rc = copy_range(fd, w, chunk.off, chunk.len, err);
		if (rc < 0)
			return rc;
		at = chunk.off + chunk.len;
	}
	return 0;
}

struct ghost { /* an entry and what hangs on it */
	GhostFileEntry e;
	Timeval atim, mtim;
	char target[PATH_MAX];
};

static int read_target(const struct open_file *f, struct ghost *g, struct error *err)
{
	ssize_t len = readlinkat(f->fd, "", g->target, sizeof(g->target) - 1);
	if (len < 0)
		return error_sys(err, "read the link");
	g->target[len] = 0;
	g->e.symlnk_target = g->target;
	return 0;
}

static int describe(const struct dump *d, const struct open_file *f, struct ghost *g,
		    struct error *err)
{
	const struct stat *st = &f->st;
	GhostFileEntry *e = &g->e;
	ghost_file_entry__init(e);
	timeval__init(&g->atim);
	timeval__init(&g->mtim);
	e->uid = id_inside(d->users, ID_USER, st->st_uid);
	e->gid = id_inside(d->users, ID_GROUP, st->st_gid);
	e->mode = st->st_mode;
	e->has_dev = e->has_ino = true;
	e->dev = kernel_dev_encode(st->st_dev);
	e->ino = st->st_ino;
	e->has_rdev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	e->rdev = e->has_rdev ? (uint32_t)st->st_rdev : 0;
	e->atim = &g->atim;
	e->mtim = &g->mtim;
	g->atim.tv_sec = (uint64_t)st->st_atim.tv_sec;
	g->atim.tv_usec = (uint64_t)st->st_atim.tv_nsec / 1000;
	g->mtim.tv_sec = (uint64_t)st->st_mtim.tv_sec;
	g->mtim.tv_usec = (uint64_t)st->st_mtim.tv_nsec / 1000;
	if (S_ISREG(st->st_mode) && st->st_size >= CHUNKS_FROM) {
		e->has_chunks = e->chunks = e->has_size = true;
		e->size = (uint64_t)st->st_size;
	}
	return S_ISLNK(st->st_mode) ? read_target(f, g, err) : 0;
}

static int write_entry(struct dump *d, const struct open_file *f, int fd, uint32_t ghost_id,
		       struct image_writer **w, struct error *err)
{
	struct ghost g;
	int rc = describe(d, f, &g, err);
	if (rc == 0)
		rc = ghost_attrs_dump(d, f, fd, &g.e, err);
	if (rc == 0)
		rc = image_create(d->images_fd, IMG_GHOST_FILE, ghost_id, w, err);
	if (rc == 0)
		rc = image_write(*w, &g.e.base, err);
	ghost_attrs_free(&g.e);
	return rc;
}

static int write_image(struct dump *d, const struct open_file *f, uint32_t ghost_id,
		       struct error *err)
{
	bool regular = S_ISREG(f->st.st_mode);
	uint64_t size = (uint64_t)f->st.st_size;
	auto_image_writer w = NULL;
	auto_fd fd = -1;
	if ((regular || S_ISDIR(f->st.st_mode)) && (fd = open_inode(f, err)) < 0)
		return fd;
	int rc = write_entry(d, f, fd, ghost_id, &w, err);
	if (rc == 0 && regular)
		rc = size < CHUNKS_FROM ? copy_range(fd, w, 0, size, err)
					: copy_chunks(fd, w, size, err);
	return rc < 0 ? rc : image_finish(w, err);
}

static int check_size(const struct dump *d, const struct open_file *f, struct error *err)
{
	char holder[96];
	uint64_t limit = d->opts->ghost_limit ? d->opts->ghost_limit : DEFAULT_LIMIT;
	uint64_t size = (uint64_t)f->st.st_blocks * BLOCK;
	if (size <= limit)
		return 0;
	return error_set(err, EFBIG,
			 "%s is the deleted file %.800s of %" PRIu64 " bytes, more than "
			 "--ghost-limit lets into the images (%" PRIu64 "): raise it, as in "
			 "--ghost-limit %" PRIu64 "M",
			 file_holder(f, holder, sizeof(holder)), f->path, size, limit,
			 (size >> 20) + 1);
}

int ghost_dump(struct dump *d, const struct open_file *f, uint32_t id, struct error *err)
{
	char holder[96];
	struct file_table *t = d->files;
	struct ghost_seen *seen = NULL;
	for (size_t i = 0; i < t->ghosts.nr && !seen; i++)
		if (t->ghosts.items[i].dev == f->st.st_dev &&
		    t->ghosts.items[i].ino == f->st.st_ino)
			seen = &t->ghosts.items[i];
	if (!seen) {
		int rc = check_size(d, f, err);
		if (rc < 0)
			return rc;
		seen = array_add(&t->ghosts);
		if (!seen)
			return error_set(err, ENOMEM, "out of memory");
		*seen = (struct ghost_seen){ .dev = f->st.st_dev,
					     .ino = f->st.st_ino,
					     .id = (uint32_t)t->ghosts.nr };
		rc = write_image(d, f, seen->id, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s: deleted file %.800s",
					  file_holder(f, holder, sizeof(holder)), f->path);
		log_debug("ghost file %u: %s", seen->id, f->path);
	}
	return remap_write(d, id, seen->id, REMAP_TYPE__GHOST, err);
}

/* Restore. */

static int fill_part(struct image_reader *in, int fd, uint64_t off, struct error *err)
{
	auto_free char *buf = malloc(PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	for (;;) {
		ssize_t n = image_payload_read(in, buf, PIECE, err);
		if (n <= 0)
			return (int)n;
		int rc = fd_pwrite_full(fd, buf, (size_t)n, (off_t)off);
		if (rc < 0)
			return error_code(err, rc, "write at %" PRIu64, off);
		off += (uint64_t)n;
	}
}

static int fill_file(struct image_reader *in, int fd, const GhostFileEntry *e, struct error *err)
{
	for (;;) {
		struct payload_part part;
		int rc = image_payload_next(in, &part, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		const GhostChunkEntry *chunk = (const GhostChunkEntry *)part.msg;
		uint64_t end;
		if (chunk && (__builtin_add_overflow(chunk->off, chunk->len, &end) ||
			      end > (e->has_size ? e->size : INT64_MAX)))
			return error_set(err, EBADMSG,
					 "%" PRIu64 " bytes at %" PRIu64 " are not in the file",
					 chunk->len, chunk->off);
		rc = fill_part(in, fd, chunk ? chunk->off : 0, err);
		if (rc < 0)
			return rc;
	}
	if (!e->has_size)
		return 0;
	if (e->size > INT64_MAX)
		return error_set(err, EBADMSG, "size %" PRIu64, e->size);
	return ftruncate(fd, (off_t)e->size) < 0 ? error_sys(err, "set its size") : 0;
}

static int make_regular(struct image_reader *in, const GhostFileEntry *e, const char *name,
			int *out, struct error *err)
{
	auto_fd fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "create %s", name);
	int rc = fill_file(in, fd, e, err);
	if (rc < 0) {
		unlink(name);
		return error_wrap(err, rc, "%s", name);
	}
	*out = take_fd(fd);
	return 0;
}

/* @param fd  set for a regular file; the others can be opened, as O_PATH, by name only */
static int make_node(struct image_reader *in, const GhostFileEntry *e, const char *name, int *fd,
		     struct error *err)
{
	int rc;
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		return make_regular(in, e, name, fd, err);
	case S_IFDIR:
		rc = mkdir(name, 0700);
		break;
	case S_IFLNK:
		rc = symlink(e->symlnk_target ? e->symlnk_target : "", name);
		break;
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFSOCK:
		rc = mknod(name, (e->mode & S_IFMT) | 0600, e->rdev);
		break;
	default:
		return error_set(err, EBADMSG, "mode 0%o is no kind of file", e->mode);
	}
	return rc < 0 ? error_sys(err, "make %s", name) : 0;
}

/* Who may write to the directory may put something else in the place of what was just made. */
static int open_made(const GhostFileEntry *e, const char *name, int *out, struct error *err)
{
	struct stat st;
	auto_fd fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", name);
	if ((st.st_mode & S_IFMT) != (e->mode & S_IFMT))
		return error_set(err, EEXIST, "%s was replaced while it was made", name);
	*out = take_fd(fd);
	return 0;
}

/* fchmod(2) takes no O_PATH, fchmodat2(2) is new in Linux 6.6. */
static int set_mode(int fd, mode_t mode)
{
	char path[32];
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return fchmodat(procfs_fd(), path, mode, 0);
}

static int set_attributes(const struct restore *r, const GhostFileEntry *e, int fd,
			  const char *name, struct error *err)
{
	if (fchownat(fd, "", id_outside(r->users, ID_USER, e->uid),
		     id_outside(r->users, ID_GROUP, e->gid), AT_EMPTY_PATH) < 0)
		return error_sys(err, "give %s to user %u", name, e->uid);
	if (!S_ISLNK(e->mode) && set_mode(fd, e->mode & 07777) < 0)
		return error_sys(err, "set the mode of %s", name);
	int rc = ghost_attrs_restore(r, e, fd, name, err);
	if (rc < 0 || !e->atim || !e->mtim)
		return rc;
	const struct timespec times[2] = { ghost_time(e->atim, e->atim_nsec),
					   ghost_time(e->mtim, e->mtim_nsec) };
	if (utimensat(fd, "", times, AT_EMPTY_PATH) < 0)
		return error_sys(err, "set the times of %s", name);
	return 0;
}

/* @return 0: both are set, and the caller's; -errno: the caller's as well */
static int open_image(struct restore *r, uint32_t ghost_id, struct image_reader **in,
		      ProtobufCMessage **msg, struct error *err)
{
	int rc = image_open_typed(r->images, IMG_GHOST_FILE, ghost_id, in, err);
	if (rc == 0)
		rc = image_next(*in, msg, err);
	if (rc == 0)
		rc = error_set(err, EBADMSG, "ghost-file-%x.img is empty", ghost_id);
	return rc < 0 ? rc : 0;
}

/* The inode, under the first of the names it had. */
static int make_ghost(struct restore *r, uint32_t ghost_id, const char *name,
		      struct passing_names *names, struct error *err)
{
	auto_image_reader in = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	int rc = open_image(r, ghost_id, &in, &msg, err);
	if (rc < 0)
		return rc;
	const GhostFileEntry *e = (const GhostFileEntry *)msg;
	auto_fd fd = -1;
	rc = make_node(in, e, name, &fd, err);
	if (rc == 0)
		rc = passing_note(names, name, S_ISDIR(e->mode), err);
	if (rc == 0 && fd < 0)
		rc = open_made(e, name, &fd, err);
	if (rc == 0)
		rc = set_attributes(r, e, fd, name, err);
	return rc < 0 ? error_wrap(err, rc, "ghost-file-%x.img", ghost_id) : 0;
}

/* Another name of the same inode. */
static int make_link(const char *first, const char *name, struct passing_names *names,
		     struct error *err)
{
	if (link(first, name) < 0)
		return error_sys(err, "link %s to %s", first, name);
	return passing_note(names, name, false, err);
}

static bool is_same(const struct remap_row *a, const struct remap_row *b)
{
	return a->type == b->type && a->remap_id == b->remap_id;
}

/* The names of one inode for the moment. All are made by way of one mount: a link cannot lead from
 * one to another, though both show the same directory. */
struct moment {
	struct passing_names names;
	int mnt_id;        /* -1: not known */
	const char *first; /* one that is there; NULL: it has to be made */
};

/* What the path of a file would be on that mount. */
static int find_there(struct restore *r, const struct moment *m, const RegFileEntry *reg, char *out,
		      struct error *err)
{
	if (mntns_translate(r, reg_mnt_id(reg), reg->name, m->mnt_id, out))
		return 0;
	return error_set(err, ENOTSUP,
			 "%s: other names of this deleted file are on a mount from which there is "
			 "no way to it",
			 reg->name);
}

/* The passing name of a description that was opened by the same name. */
static const char *find_visible(struct restore *r, const struct moment *m,
				const struct remap_row *until, const char *there)
{
	char other[PATH_MAX];
	for (const struct remap_row *at = r->files->remaps.items; at < until; at++) {
		const struct file_item *item = file_set_find(r->files, at->orig_id);
		if (!is_same(at, until) || !item->visible ||
		    find_there(r, m, item->entry->reg, other, NULL) < 0 || strcmp(other, there))
			continue;
		for (size_t i = 0; i < m->names.nr; i++)
			if (!strcmp(item->visible, m->names.items[i].path))
				return item->visible;
		return m->first;
	}
	return NULL;
}

static int make_name(struct restore *r, const struct remap_row *row, struct moment *m,
		     const char *there, struct error *err)
{
	char name[PATH_MAX];
	int rc = passing_parents(&m->names, there, err);
	if (rc == 0)
		rc = passing_choose(there, name, err);
	if (rc == 0)
		rc = m->first ? make_link(m->first, name, &m->names, err)
			      : make_ghost(r, row->remap_id, name, &m->names, err);
	if (rc == 0 && !m->first)
		m->first = m->names.items[m->names.nr - 1].path;
	return rc;
}

/* Under the name it has on its own mount. */
static int open_named(struct restore *r, struct file_item *item, const char *there,
		      const char *visible, struct error *err)
{
	const RegFileEntry *reg = item->entry->reg;
	struct mnt_standing before;
	if (strcmp(there, reg->name) != 0) {
		if (strcmp(strrchr(visible, '/'), strrchr(reg->name, '/')) != 0)
			return error_set(err, EEXIST,
					 "%s: another file has this name now: move that away",
					 reg->name);
		visible = reg->name;
	}
	int rc = mntns_stand(r, reg_mnt_id(reg), visible, &before, err);
	if (rc < 0)
		return rc;
	rc = remap_open_item(r, item, visible, err);
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

static int open_row(struct restore *r, const struct remap_row *row, struct moment *m,
		    struct error *err)
{
	char there[PATH_MAX];
	struct file_item *item = remap_item(r, row, err);
	int rc = item ? find_there(r, m, item->entry->reg, there, err) : -EBADMSG;
	if (rc < 0)
		return rc;
	const char *visible = find_visible(r, m, row, there);
	if (!visible) {
		rc = make_name(r, row, m, there, err);
		if (rc < 0)
			return rc;
		visible = m->names.items[m->names.nr - 1].path;
	}
	return open_named(r, item, there, visible, err);
}

/* The descriptor that O_TMPFILE gave; NULL: none, or its paths are on several mounts. */
static struct file_item *find_tmpfile(struct restore *r, const struct remap_row *row, int mnt_id)
{
	struct file_item *found = NULL;
	for (size_t i = 0; i < r->files->remaps.nr; i++) {
		const struct remap_row *at = &r->files->remaps.items[i];
		struct file_item *item = file_set_find(r->files, at->orig_id);
		if (!is_same(at, row))
			continue;
		if (!item || item->entry->type != FD_TYPES__REG ||
		    reg_mnt_id(item->entry->reg) != mnt_id)
			return NULL;
		if (!found && (item->entry->reg->flags & O_TMPFILE) == O_TMPFILE)
			found = item;
	}
	return found;
}

static int fill_tmpfile(struct restore *r, uint32_t ghost_id, int fd, const char *dir,
			struct error *err)
{
	auto_image_reader in = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	int rc = open_image(r, ghost_id, &in, &msg, err);
	if (rc < 0)
		return rc;
	const GhostFileEntry *e = (const GhostFileEntry *)msg;
	auto_fd out = procfs_reopen(fd, O_WRONLY); /* the other may append, whatever the offset */
	if (out < 0)
		rc = error_sys(err, "open a file without a name in %s", dir);
	else if (!S_ISREG(e->mode))
		rc = error_set(err, EBADMSG, "mode 0%o is no regular file, as O_TMPFILE makes",
			       e->mode);
	else
		rc = fill_file(in, out, e, err);
	if (rc == 0)
		rc = set_attributes(r, e, fd, dir, err);
	return rc < 0 ? error_wrap(err, rc, "ghost-file-%x.img", ghost_id) : 0;
}

/* Another description of a file that never had a name. */
static int open_unnamed(struct restore *r, const struct remap_row *row, int fd, struct error *err)
{
	struct file_item *item = file_set_find(r->files, row->orig_id);
	auto_fd base = procfs_reopen(fd, O_PATH);
	if (base < 0)
		return error_sys(err, "%s: open it again", item->entry->reg->name);
	item->base = window_take(r->files, take_fd(base), err);
	if (item->base < 0 || item->early >= 0)
		return item->base < 0 ? item->base : 0;
	auto_fd early = reg_open_path(r, item->entry->reg, item->entry->reg->flags, err);
	item->early = early < 0 ? early : window_take(r->files, take_fd(early), err);
	return item->early < 0 ? item->early : 0;
}

/*
 * What O_TMPFILE made may be given a name, but no inode may that has lost its last one.
 * @return 1: all is done; 0: it is no such file, or the file system knows none; -errno
 */
static int open_as_tmpfile(struct restore *r, const struct remap_row *row, struct moment *m,
			   struct error *err)
{
	struct file_item *first = find_tmpfile(r, row, m->mnt_id);
	struct file_set *set = r->files;
	if (!first || first->base >= 0)
		return 0;
	const RegFileEntry *reg = first->entry->reg;
	auto_free char *dir = strndup(reg->name, (size_t)(strrchr(reg->name, '/') - reg->name) + 1);
	int rc = dir ? passing_parents(&m->names, reg->name, err)
		     : error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	auto_fd fd = open(dir, (int)reg_flags_again(reg->flags) | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EOPNOTSUPP
			   ? 0
			   : error_sys(err, "make a file without a name in %s", dir);
	rc = fill_tmpfile(r, row->remap_id, fd, dir, err);
	if (rc < 0)
		return rc;
	first->early = window_take(set, fcntl(fd, F_DUPFD_CLOEXEC, 3), err);
	rc = first->early < 0 ? first->early : 0;
	for (struct remap_row *at = set->remaps.items;
	     rc == 0 && at < set->remaps.items + set->remaps.nr; at++)
		if (is_same(at, row)) {
			at->done = true;
			rc = open_unnamed(r, at, fd, err);
		}
	return rc < 0 ? rc : 1;
}

/* All names at once: an inode that has lost its last one never gets another. */
static int open_rows(struct restore *r, const struct remap_row *row, struct moment *m,
		     struct error *err)
{
	struct file_set *set = r->files;
	struct remap_row *end = set->remaps.items + set->remaps.nr;
	int rc = m->first ? 0 : open_as_tmpfile(r, row, m, err);
	for (struct remap_row *at = set->remaps.items; rc == 0 && at < end; at++) {
		if (!is_same(at, row))
			continue;
		at->done = true;
		rc = open_row(r, at, m, err);
	}
	for (struct remap_row *at = set->remaps.items; at < end; at++)
		if (is_same(at, row))
			file_set_find(set, at->orig_id)->visible = NULL;
	int gone = passing_remove(&m->names, rc < 0 ? NULL : err);
	return rc < 0 ? rc : gone;
}

/* @param by  whose mount names are made on; @param first  one that is there; NULL: none */
static int open_rows_there(struct restore *r, const struct remap_row *row, const RegFileEntry *by,
			   const char *first, struct error *err)
{
	struct moment m = { .mnt_id = reg_mnt_id(by), .first = first };
	struct mnt_standing before;
	int rc = mntns_stand(r, m.mnt_id, by->name, &before, err);
	if (rc < 0)
		return rc;
	rc = open_rows(r, row, &m, err);
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

static bool has_all_names(struct restore *r, const struct remap_row *row, int mnt_id)
{
	char there[PATH_MAX];
	const struct moment m = { .mnt_id = mnt_id };
	for (size_t i = 0; i < r->files->remaps.nr; i++) {
		const struct remap_row *at = &r->files->remaps.items[i];
		const struct file_item *item = file_set_find(r->files, at->orig_id);
		if (is_same(at, row) && find_there(r, &m, item->entry->reg, there, NULL) < 0)
			return false;
	}
	return true;
}

/* Any mount will do from which there is a way to all of its names. */
int ghost_restore(struct restore *r, const struct remap_row *row, struct error *err)
{
	const struct file_item *item = remap_item(r, row, err);
	if (!item)
		return -EBADMSG;
	char there[PATH_MAX];
	RegFileEntry by = *item->entry->reg;
	int own = reg_mnt_id(&by), id = own;
	for (size_t at = 0; id >= 0 && !has_all_names(r, row, id);)
		id = mntns_of_same(r, own, &at);
	if (id >= 0 && id != own && mntns_translate(r, own, by.name, id, there)) {
		by.name = there;
		by.mnt_id = id;
	}
	return open_rows_there(r, row, &by, NULL, err);
}

/* The name the dump made has to be there, and is to go in the end, when paths mean something else.
 */
static int find_link(struct restore *r, const struct remap_row *row, const RegFileEntry *to,
		     struct error *err)
{
	auto_free char *dir = strndup(to->name, (size_t)(strrchr(to->name, '/') - to->name) + 1);
	struct remap_row *own = &r->files->remaps.items[row - r->files->remaps.items];
	struct stat st;
	if (!dir)
		return error_set(err, ENOMEM, "out of memory");
	struct mnt_standing before;
	int rc = mntns_stand(r, reg_mnt_id(to), to->name, &before, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || lstat(to->name, &st) < 0)
		rc = error_sys(err,
			       "%s, which the dump has made to keep the deleted file %s: was this "
			       "set restored before? Then dump again",
			       to->name, file_set_find(r->files, row->orig_id)->entry->reg->name);
	if (rc == 0)
		rc = own->dir = window_take(r->files, take_fd(fd), err);
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int link_remap_restore(struct restore *r, const struct remap_row *row, struct error *err)
{
	const struct file_item *to = file_set_find(r->files, row->remap_id);
	if (!to || to->entry->type != FD_TYPES__REG)
		return error_set(err, EBADMSG,
				 "remap-fpath.img: file id %u is to be found as file id %u, which "
				 "is %s",
				 row->orig_id, row->remap_id,
				 to ? "no file with a path" : "not in files.img");
	int rc = find_link(r, row, to->entry->reg, err);
	return rc < 0 ? rc : open_rows_there(r, row, to->entry->reg, to->entry->reg->name, err);
}
