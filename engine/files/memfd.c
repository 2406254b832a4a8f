/* SPDX-License-Identifier: MIT
 * memfd_create(2): memfd.img has each file once, with its seals; its contents are pages of a
 * shared segment, and descriptors and mappings refer to it.
 */
#include "engine/files/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/mem/fill.h"
#include "engine/mem/huge.h"
#include "engine/mem/shmem.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "engine/ns/user.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

#define PREFIX   "/memfd:"
#define DELETED  " (deleted)"
#define NAME_LEN 249 /* bytes memfd_create(2) takes */
#define SEALS                                                                                      \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE |          \
	 F_SEAL_EXEC)
#define OPEN_ONCE ((uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY))

/* Shared anonymous memory, opened through /proc/PID/map_files. */
static bool is_anonymous(const char *path)
{
	return !strcmp(path, "/dev/zero" DELETED) || !strcmp(path, "/anon_hugepage" DELETED);
}

static bool memfd_match(const struct open_file *f)
{
	return S_ISREG(f->st.st_mode) && f->st.st_nlink == 0 &&
	       (!strncmp(f->path, PREFIX, strlen(PREFIX)) || is_anonymous(f->path));
}

static char *dup_name(const struct open_file *f)
{
	const char *name = is_anonymous(f->path) ? f->path : f->path + strlen(PREFIX);
	size_t len = strlen(name), tail = strlen(DELETED);
	return strndup(name, len >= tail && !strcmp(name + len - tail, DELETED) ? len - tail : len);
}

/* Our own descriptor to read it through: the task's may be for writing only, or O_PATH. */
static int open_to_read(const struct open_file *f, struct error *err)
{
	char holder[96];
	int fd = procfs_reopen(f->fd, O_RDONLY);
	return fd < 0
		   ? error_sys(err, "%s: open %s", file_holder(f, holder, sizeof(holder)), f->path)
		   : fd;
}

static int fill_inode(const struct dump *d, const struct open_file *f, int fd, MemfdInodeEntry *e,
		      struct error *err)
{
	char holder[96];
	struct statfs fs;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 && errno == EINVAL)
		seals = F_SEAL_SEAL; /* huge pages before Linux 4.16 */
	if (seals < 0 || fstatfs(fd, &fs) < 0)
		return error_sys(err, "%s: seals of %s", file_holder(f, holder, sizeof(holder)),
				 f->path);
	e->seals = (uint32_t)seals;
	e->uid = id_inside(d->users, ID_USER, f->st.st_uid);
	e->gid = id_inside(d->users, ID_GROUP, f->st.st_gid);
	e->size = (uint64_t)f->st.st_size;
	e->has_mode = true;
	e->mode = f->st.st_mode;
	e->has_hugetlb_flag = fs.f_type == HUGETLBFS_MAGIC;
	if (e->has_hugetlb_flag)
		e->hugetlb_flag = MFD_HUGETLB | huge_flag((uint64_t)fs.f_bsize);
	return 0;
}

static int write_inode(struct dump *d, const MemfdInodeEntry *e, struct error *err)
{
	struct file_table *t = d->files;
	int rc = t->memfd_image
		     ? 0
		     : image_create(d->images_fd, IMG_MEMFD_INODE, 0, &t->memfd_image, err);
	return rc < 0 ? rc : image_write(t->memfd_image, &e->base, err);
}

static int dump_inode(struct dump *d, const struct open_file *f, uint32_t id, struct error *err)
{
	uint64_t shmid;
	MemfdInodeEntry e = MEMFD_INODE_ENTRY__INIT;
	auto_fd fd = open_to_read(f, err);
	if (fd < 0)
		return fd;
	auto_free char *name = dup_name(f);
	if (!name)
		return error_set(err, ENOMEM, "out of memory");
	int rc = fill_inode(d, f, fd, &e, err);
	if (rc < 0)
		return rc;
	rc = shmem_note_file(d, &f->st, take_fd(fd),
			     e.has_hugetlb_flag ? huge_size(e.hugetlb_flag) : 0, &shmid, err);
	if (rc < 0)
		return rc;
	e.name = name;
	e.inode_id = id;
	e.shmid = (uint32_t)shmid;
	return write_inode(d, &e, err);
}

bool memfd_is_held(const struct dump *d, dev_t dev, ino_t ino)
{
	const struct file_table *t = d->files;
	for (size_t i = 0; i < t->memfds.nr; i++)
		if (t->memfds.items[i].dev == dev && t->memfds.items[i].ino == ino)
			return true;
	return false;
}

static int inode_id(struct dump *d, const struct open_file *f, uint32_t *out, struct error *err)
{
	struct file_table *t = d->files;
	for (size_t i = 0; i < t->memfds.nr; i++)
		if (t->memfds.items[i].dev == f->st.st_dev &&
		    t->memfds.items[i].ino == f->st.st_ino) {
			*out = (uint32_t)i + 1;
			return 0;
		}
	struct memfd_seen *seen = array_add(&t->memfds);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = (struct memfd_seen){ f->st.st_dev, f->st.st_ino };
	*out = (uint32_t)t->memfds.nr;
	return dump_inode(d, f, *out, err);
}

static int memfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	MemfdFileEntry *m = malloc(sizeof(*m));
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	memfd_file_entry__init(m);
	e->memfd = m;
	m->id = e->id;
	m->flags = f->flags;
	m->pos = f->pos;
	int rc = owner_dump(d, f, &m->fown, err);
	return rc < 0 ? rc : inode_id(d, f, &m->inode_id, err);
}

/* Restore. */

static struct memfd_item *item_find(struct file_set *set, uint64_t inode)
{
	for (size_t i = 0; i < set->memfds.nr; i++)
		if (set->memfds.items[i].entry->inode_id == inode)
			return &set->memfds.items[i];
	return NULL;
}

static int check_inode(const struct file_set *set, const MemfdInodeEntry *e, struct error *err)
{
	uint32_t huge = e->has_hugetlb_flag ? e->hugetlb_flag : 0;
	for (size_t i = 0; i + 1 < set->memfds.nr; i++)
		if (set->memfds.items[i].entry->inode_id == e->inode_id)
			return error_set(err, EBADMSG, "inode %" PRIu64 " stands twice",
					 e->inode_id);
	if (strlen(e->name) > NAME_LEN)
		return error_set(err, EBADMSG, "a name of %zu bytes", strlen(e->name));
	if (e->size > INT64_MAX - HUGE_MAX || (huge && e->size % huge_size(huge)))
		return error_set(err, EBADMSG, "\"%s\": a size of %" PRIu64 " bytes", e->name,
				 e->size);
	if (e->seals & ~(uint32_t)SEALS)
		return error_set(err, ENOTSUP, "\"%s\": unknown seals %#x", e->name, e->seals);
	if (huge & ~(uint32_t)(MFD_HUGETLB | HUGE_MASK))
		return error_set(err, EBADMSG, "\"%s\": odd flag %#x", e->name, huge);
	return 0;
}

static int load_inode(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	struct file_set *set = ctx;
	struct memfd_item *item = array_add(&set->memfds);
	(void)in;
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	*item = (struct memfd_item){ .entry = (MemfdInodeEntry *)take_ptr(*msg), .fd = -1 };
	int rc = check_inode(set, item->entry, err);
	return rc < 0 ? error_wrap(err, rc, "memfd.img") : 0;
}

int memfds_load(struct restore *r, struct error *err)
{
	return image_each(r->images, IMG_MEMFD_INODE, 0, load_inode, r->files, err);
}

void memfds_free(struct file_set *set)
{
	for (size_t i = 0; i < set->memfds.nr; i++) {
		fd_close(set->memfds.items[i].fd);
		memfd_inode_entry__free_unpacked(set->memfds.items[i].entry, NULL);
	}
	free(set->memfds.items);
}

static int memfd_check(const FileEntry *e, struct error *err)
{
	const MemfdFileEntry *m = e->memfd;
	int rc = anon_check(e, m, m ? m->id : 0, m ? m->fown : NULL, "memfd", err);
	if (rc == 0 && m->pos > INT64_MAX)
		rc = error_set(err, EBADMSG, "memfd with an offset of %#" PRIx64, m->pos);
	return rc;
}

static int set_identity(const struct restore *r, int fd, const MemfdInodeEntry *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	uid_t uid = id_outside(r->users, ID_USER, e->uid);
	gid_t gid = id_outside(r->users, ID_GROUP, e->gid);
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return -1;
	return e->has_mode && e->mode != st.st_mode ? fchmod(fd, e->mode & 07777) : 0;
}

/* Whole pages are filled: what lies behind the end goes again when the size is set. */
static int fill_inode_pages(struct restore *r, int fd, const MemfdInodeEntry *e, struct error *err)
{
	uint64_t page = e->has_hugetlb_flag ? huge_size(e->hugetlb_flag) : PAGE;
	uint64_t size = (e->size + page - 1) / page * page;
	if (size == 0)
		return 0;
	if (ftruncate(fd, (off_t)size) < 0)
		return error_sys(err, "make it %" PRIu64 " bytes", size);
	int rc = fill_segment(r->images, e->shmid, fd, size, page != PAGE, err);
	if (rc == 0 && ftruncate(fd, (off_t)e->size) < 0)
		rc = error_sys(err, "make it %" PRIu64 " bytes", e->size);
	return rc;
}

static int make_inode(struct restore *r, const MemfdInodeEntry *e, struct error *err)
{
	uint32_t flags = MFD_CLOEXEC | (e->has_hugetlb_flag ? e->hugetlb_flag : 0);
	if (e->seals != F_SEAL_SEAL)
		flags |= MFD_ALLOW_SEALING;
	auto_fd fd = memfd_create(e->name, flags);
	if (fd < 0)
		return error_sys(err, "memfd \"%s\": make it", e->name);
	int rc = fill_inode_pages(r, fd, e, err);
	if (rc < 0)
		return error_wrap(err, rc, "memfd \"%s\"", e->name);
	if (set_identity(r, fd, e) < 0)
		return error_sys(err, "memfd \"%s\": set owner and mode", e->name);
	return take_fd(fd);
}

static struct memfd_item *need_inode(struct restore *r, const MemfdFileEntry *m, struct error *err)
{
	struct memfd_item *item = item_find(r->files, m->inode_id);
	if (!item) {
		error_set(err, EBADMSG, "memfd.img has no inode %u", m->inode_id);
		return NULL;
	}
	if (item->fd >= 0)
		return item;
	/* a mapping has made it already when it is shared anonymous memory */
	int fd = item->entry->name[0] == '/' ? shmem_fd(r->shmem, item->entry->shmid) : -1;
	fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : make_inode(r, item->entry, err);
	if (fd >= 0)
		fd = window_take(r->files, fd, err);
	item->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? NULL : item;
}

static int open_again(const struct memfd_item *item, uint32_t flags, struct error *err)
{
	int fd = procfs_reopen(item->fd, (int)(flags & ~OPEN_ONCE & ~(uint32_t)O_ASYNC));
	return fd < 0 ? error_sys(err, "memfd \"%s\": open it again", item->entry->name) : fd;
}

/*
 * The description that memfd_create(2) made goes to the first that reads and writes: the kernel
 * executes a file only while nobody else has it open for writing.
 */
static int memfd_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const MemfdFileEntry *m = e->memfd;
	struct memfd_item *item = need_inode(r, m, err);
	if (!item)
		return err->code;
	bool first = !item->taken && (m->flags & (O_ACCMODE | O_PATH)) == O_RDWR;
	auto_fd fd = first ? fcntl(item->fd, F_DUPFD_CLOEXEC, 3) : open_again(item, m->flags, err);
	if (fd < 0)
		return first ? error_sys(err, "duplicate a memfd") : fd;
	item->taken |= first;
	int rc = file_set_flags(fd, m->flags, m->fown, err);
	if (rc < 0)
		return error_wrap(err, rc, "memfd \"%s\"", item->entry->name);
	if (m->pos && !(m->flags & O_PATH) && lseek(fd, (off_t)m->pos, SEEK_SET) < 0)
		return error_sys(err, "memfd \"%s\": seek to %" PRIu64, item->entry->name, m->pos);
	return take_fd(fd);
}

/* What is sealed against writing cannot be sealed again while it is mapped as if writable. */
static int memfd_open_mapped(struct restore *r, const FileEntry *e, uint32_t flags,
			     struct error *err)
{
	struct memfd_item *item = need_inode(r, e->memfd, err);
	if (!item)
		return err->code;
	if (item->entry->seals & F_SEAL_WRITE)
		flags = (flags & ~(uint32_t)O_ACCMODE) | O_RDONLY;
	if ((flags & O_ACCMODE) == O_RDWR)
		return fcntl(item->fd, F_DUPFD_CLOEXEC, 3);
	return open_again(item, flags, err);
}

/* When all tasks have it mapped: some seals only forbid what comes later. */
int memfds_seal(struct restore *r, struct error *err)
{
	for (size_t i = 0; i < r->files->memfds.nr; i++) {
		const struct memfd_item *item = &r->files->memfds.items[i];
		uint32_t seals = item->entry->seals;
		if (item->fd < 0 || seals == 0 || seals == F_SEAL_SEAL)
			continue;
		if (fcntl(item->fd, F_ADD_SEALS, seals) < 0)
			return error_sys(err, "memfd \"%s\": add seals %#x", item->entry->name,
					 seals);
	}
	return 0;
}

static const FownEntry *memfd_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->memfd->flags;
	return e->memfd->fown;
}

const struct file_type file_memfd = {
	.name = "memfd",
	.type = FD_TYPES__MEMFD,
	.match = memfd_match,
	.dump = memfd_dump,
	.check = memfd_check,
	.open = memfd_open,
	.open_mapped = memfd_open_mapped,
	.owner = memfd_owner,
};
