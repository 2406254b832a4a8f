/* SPDX-License-Identifier: MIT
 * Rings of io_uring with no request under way: made again with what waits in them. In images they
 * are files of a strange name with a field of ours, so that who does not know it finds no such
 * file.
 */
#include "engine/files/io-uring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/files/uring.h"

#define NAME          "/anon_inode:[io_uring]"
#define REGISTER_NAPI 27u /* Linux 6.9 */
#define PBUF_STATUS   26u /* Linux 6.8 */
#define BUFFER_GROUPS 65536u
#define SHAPE         (IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_NO_SQARRAY)
#define SETUP_KNOWN   (SHAPE | IORING_SETUP_IOPOLL | IORING_SETUP_R_DISABLED)
#define NOBODY_READS  ((void *)1)
#define NOT_CARRIED   "not supported; close it before the dump"
#define MANY          100000000u /* requests; some seconds of counting at the restore */

static bool io_uring_match(const struct open_file *f)
{
	return anon_is(f, "io_uring");
}

static int refuse_code(int code, const struct open_file *f, const char *why, struct error *err)
{
	char holder[96];
	return error_set(err, code, "%s is an io_uring ring that %s",
			 file_holder(f, holder, sizeof(holder)), why);
}

static int refuse(const struct open_file *f, const char *why, struct error *err)
{
	return refuse_code(ENOTSUP, f, why, err);
}

/* Lines between one that says `from` and the next one that is not indented. */
static bool has_lines(const char *text, const char *from)
{
	const char *at = strstr(text, from);
	at = at ? strchr(at, '\n') : NULL;
	return at && at[1] == ' ';
}

static int check_fdinfo(const struct open_file *f, const char *text, struct error *err)
{
	uint64_t n;
	const char *thread = strstr(text, "SqThread:");
	if (thread && !strstr(thread, "SqThread:\t-1"))
		return refuse(f, "a thread of the kernel polls (IORING_SETUP_SQPOLL): " NOT_CARRIED,
			      err);
	if (anon_number(text, "UserFiles:", 10, &n) && n)
		return refuse(f, "has registered files: unregister them before the dump", err);
	if (anon_number(text, "UserBufs:", 10, &n) && n)
		return refuse(f, "has registered buffers: unregister them before the dump", err);
	if (has_lines(text, "Personalities:"))
		return refuse(f, "has registered personalities: unregister them before the dump",
			      err);
	if (has_lines(text, "PollList:"))
		return refuse(f,
			      "has requests under way (waiting for files to become ready): "
			      "cancel them or let them complete before the dump",
			      err);
	if (has_lines(text, "CqOverflowList:"))
		return refuse_code(
		    EBUSY, f, "has completions that did not fit: take them before the dump", err);
	if (strstr(text, "NAPI:") && !strstr(text, "NAPI:\tdisabled"))
		return refuse(f, "polls network devices: unregister that before the dump", err);
	return 0;
}

/* Groups of provided buffers, of either kind: of one that is not there the kernel says so. */
static bool has_buffer_groups(int fd)
{
	struct {
		uint32_t group, head, reserved[8];
	} status = { 0 };
	for (uint32_t i = 0; i < BUFFER_GROUPS; i++) {
		status.group = i;
		if (uring_register(fd, PBUF_STATUS, &status, 1) != -ENOENT)
			return true;
	}
	return false;
}

/*
 * What no file of /proc shows, calls complain of before they look at their argument. What a call
 * says of a ring without anything tells whether this kernel knows it.
 * @param plain  such a ring; @param flags  what was found of IORING_SETUP_*
 */
static int check_calls(const struct open_file *f, int plain, uint32_t *flags, struct error *err)
{
	int rc = uring_register(f->fd, IORING_REGISTER_EVENTFD, NOBODY_READS, 1);
	if (rc == -EEXIST)
		return refuse(
		    f, "only one thread may use (IORING_SETUP_SINGLE_ISSUER): " NOT_CARRIED, err);
	if (rc == -EBUSY)
		return refuse(f, "has a registered eventfd: unregister it before the dump", err);
	int restricted = uring_register(f->fd, IORING_REGISTER_RESTRICTIONS, NOBODY_READS, 1);
	if (rc == -EACCES || restricted == -EBUSY || restricted == -EACCES)
		return refuse(f, "has restrictions (IORING_REGISTER_RESTRICTIONS): " NOT_CARRIED,
			      err);
	if (restricted != -EBADFD)
		*flags |= IORING_SETUP_R_DISABLED;
	if (uring_register(plain, REGISTER_NAPI, NOBODY_READS, 1) == -EFAULT &&
	    uring_register(f->fd, REGISTER_NAPI, NOBODY_READS, 1) == -EINVAL)
		*flags |= IORING_SETUP_IOPOLL;
	if (uring_register(plain, PBUF_STATUS, NOBODY_READS, 1) == -EFAULT &&
	    has_buffer_groups(f->fd))
		return refuse(f, "has groups of provided buffers: unregister them before the dump",
			      err);
	return 0;
}

static int check_under_way(const struct open_file *f, const struct uring_view *v, uint32_t shape,
			   struct error *err)
{
	char why[160];
	int64_t nr = uring_under_way(v, shape);
	if (nr == 0)
		return 0;
	if (nr > 0)
		snprintf(why, sizeof(why),
			 "has %" PRId64 " requests under way (or that were told to be silent): "
			 "cancel them or let them complete before the dump",
			 nr);
	else
		snprintf(why, sizeof(why),
			 "had multishot requests: whether they have ended cannot be told; close it "
			 "before the dump");
	return refuse_code(nr > 0 ? EBUSY : ENOTSUP, f, why, err);
}

static int copy_bytes(ProtobufCBinaryData *to, const void *from, size_t len)
{
	to->data = malloc(len);
	if (!to->data)
		return -ENOMEM;
	memcpy(to->data, from, len);
	to->len = len;
	return 0;
}

static int fill_entry(const struct uring_view *v, uint32_t flags, IoUringEntry *e)
{
	size_t rings = uring_rings_len(flags, v->offsets, v->sq_entries, v->cq_entries);
	size_t sqes = uring_sqes_len(flags, v->sq_entries);
	e->setup_flags = flags;
	e->sq_entries = v->sq_entries;
	e->cq_entries = v->cq_entries;
	e->sq_head = uring_value(v, URING_SQ_HEAD);
	e->cq_tail = uring_value(v, URING_CQ_TAIL);
	e->offsets = malloc(URING_NR_WORDS * sizeof(*e->offsets));
	if (!e->offsets || rings > v->rings_len || sqes > v->sqes_len)
		return e->offsets ? -EPROTO : -ENOMEM;
	memcpy(e->offsets, v->offsets, URING_NR_WORDS * sizeof(*e->offsets));
	e->n_offsets = URING_NR_WORDS;
	int rc = copy_bytes(&e->rings, v->rings, rings);
	return rc < 0 ? rc : copy_bytes(&e->sqes, v->sqes, sqes);
}

static int dump_ring(const struct open_file *f, const struct uring *plain, IoUringEntry *e,
		     struct error *err)
{
	auto_strbuf rings = { 0 }, sqes = { 0 }, text = { 0 };
	struct uring_view v;
	uint32_t flags = 0;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc == 0)
		rc = check_fdinfo(f, text.data, err);
	if (rc == 0)
		rc = check_calls(f, plain->fd, &flags, err);
	if (rc < 0)
		return rc;
	rc = uring_read(f->fd, plain->offsets, &rings, &sqes, &v, err);
	if (rc == -EINVAL)
		return refuse(
		    f, "lies in memory of the program (IORING_SETUP_NO_MMAP): " NOT_CARRIED, err);
	if (rc < 0)
		return rc;
	uint32_t shape = uring_guess_shape(&v);
	if ((shape & IORING_SETUP_NO_SQARRAY) && !uring_is_known(IORING_SETUP_NO_SQARRAY))
		shape &= ~IORING_SETUP_NO_SQARRAY;
	rc = check_under_way(f, &v, shape, err);
	if (rc < 0)
		return rc;
	rc = fill_entry(&v, flags | shape, e);
	if (rc < 0)
		return error_code(err, rc, "read a ring");
	if (e->sq_head > MANY)
		log_warn("pid %d: fd %d is a ring that has had %u requests: as many are counted at "
			 "the restore, which takes a while",
			 f->task->pid, f->task_fd, e->sq_head);
	return 0;
}

static int note(struct dump *d, const struct open_file *f, uint32_t id, struct error *err)
{
	struct uring_seen *seen = array_add(&d->files->urings);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = (struct uring_seen){ .dev = f->st.st_dev, .ino = f->st.st_ino, .id = id };
	return 0;
}

static int io_uring_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	struct uring plain;
	RegFileEntry *reg = malloc(sizeof(*reg));
	IoUringEntry *ring = malloc(sizeof(*ring));
	if (!reg || !ring) {
		free(reg);
		free(ring);
		return error_set(err, ENOMEM, "out of memory");
	}
	reg_file_entry__init(reg);
	io_uring_entry__init(ring);
	e->reg = reg;
	e->io_uring = ring;
	reg->id = e->id;
	reg->flags = f->flags;
	reg->pos = f->pos;
	reg->name = strdup(NAME);
	int rc =
	    reg->name ? owner_dump(d, f, &reg->fown, err) : error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		rc = uring_new(0, 1, 2, &plain, err);
	if (rc < 0)
		return rc;
	rc = dump_ring(f, &plain, ring, err);
	uring_close(&plain);
	return rc < 0 ? rc : note(d, f, e->id, err);
}

int io_uring_mapped_id(const struct dump *d, dev_t dev, ino_t ino, uint32_t *id)
{
	size_t found = 0;
	for (size_t i = 0; d->files && i < d->files->urings.nr; i++) {
		const struct uring_seen *seen = &d->files->urings.items[i];
		if (seen->dev != dev || seen->ino != ino)
			continue;
		*id = seen->id;
		found++;
	}
	return found == 1 ? 0 : found ? -ENOTUNIQ : -ENOENT;
}

bool io_uring_is_mapped(const struct vma *v)
{
	return v->path && !strcmp(v->path, &NAME[1]);
}

/* Restore. */

static bool io_uring_is_entry(const FileEntry *e)
{
	return e->io_uring != NULL;
}

static bool is_size(uint32_t entries, uint32_t most)
{
	return entries && entries <= most && !(entries & (entries - 1));
}

static int io_uring_check(const FileEntry *e, struct error *err)
{
	const IoUringEntry *u = e->io_uring;
	const RegFileEntry *reg = e->reg;
	int rc = anon_check(e, reg, reg ? reg->id : 0, reg ? reg->fown : NULL, "ring", err);
	if (rc < 0)
		return rc;
	if (u->setup_flags & ~(uint32_t)SETUP_KNOWN)
		return error_set(err, EBADMSG, "ring with flags %#x", u->setup_flags);
	if (!is_size(u->sq_entries, URING_ENTRIES_MAX) ||
	    !is_size(u->cq_entries, 2 * URING_ENTRIES_MAX) || u->cq_entries < u->sq_entries ||
	    u->n_offsets != URING_NR_WORDS)
		return error_set(err, EBADMSG, "ring of %u requests, %u completions, %zu offsets",
				 u->sq_entries, u->cq_entries, u->n_offsets);
	if ((u->setup_flags & IORING_SETUP_R_DISABLED) && (u->sq_head || u->cq_tail))
		return error_set(err, EBADMSG, "a ring not enabled yet, with %u requests",
				 u->sq_head);
	return 0;
}

/* The kernel keeps the same numbers for itself, by now. */
static int put_back(struct uring *ring, const IoUringEntry *u, struct error *err)
{
	if (memcmp(ring->offsets, u->offsets, sizeof(ring->offsets)) ||
	    u->rings.len != ring->rings_len || u->sqes.len != ring->sqes_len)
		return error_set(err, ENOTSUP,
				 "a ring of io_uring: this kernel lays it out otherwise than that "
				 "of the dump");
	int rc = uring_advance(ring, u->sq_head, u->cq_tail, err);
	if (rc < 0)
		return error_wrap(err, rc, "a ring of io_uring");
	memcpy(ring->rings, u->rings.data, u->rings.len);
	memcpy(ring->sqes, u->sqes.data, u->sqes.len);
	return 0;
}

static int io_uring_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const IoUringEntry *u = e->io_uring;
	struct uring ring;
	(void)r;
	int rc = uring_new(u->setup_flags, u->sq_entries, u->cq_entries, &ring, err);
	if (rc < 0)
		return rc;
	rc = put_back(&ring, u, err);
	if (rc == 0)
		rc = file_set_flags(ring.fd, e->reg->flags, e->reg->fown, err);
	if (rc == 0)
		rc = uring_take_fd(&ring);
	uring_close(&ring);
	return rc;
}

bool files_is_unmovable(const struct restore *r, uint32_t id)
{
	const struct file_item *item = file_set_find(r->files, id);
	return item && item->type == &file_io_uring;
}

static int io_uring_open_mapped(struct restore *r, const FileEntry *e, uint32_t flags,
				struct error *err)
{
	(void)flags;
	int fd = files_get(r, e->id, err);
	if (fd < 0)
		return fd;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? error_sys(err, "duplicate a ring") : copy;
}

const struct file_type file_io_uring = {
	.name = "io_uring ring",
	.type = FD_TYPES__REG,
	.is_entry = io_uring_is_entry,
	.match = io_uring_match,
	.dump = io_uring_dump,
	.check = io_uring_check,
	.open = io_uring_open,
	.open_mapped = io_uring_open_mapped,
	.owner = reg_owner,
};
