/* SPDX-License-Identifier: MIT
 * File locks and leases: flock(2), POSIX and open file description locks, fcntl(F_SETLEASE).
 * The kernel tells them in fdinfo of the descriptors they were made through.
 */
#include "engine/files/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/mem/arena.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"

/* file_lock_entry.flag, and what is added to the type of a lease somebody waits for. */
enum {
	LOCK_POSIX = 1,
	LOCK_FLOCK = 2,
	LOCK_OFD = 4,
	LOCK_LEASE = 8,
	LEASE_BREAKING = 4,
};

struct lock_text { /* a line of fdinfo */
	char kind[16], state[16], type[16], end[32];
	int64_t start;
};

static const struct {
	const char *name;
	uint32_t flag;
} kinds[] = {
	{ "POSIX", LOCK_POSIX },
	{ "FLOCK", LOCK_FLOCK },
	{ "OFDLCK", LOCK_OFD },
	{ "LEASE", LOCK_LEASE },
};

/* "lock:	1: POSIX  ADVISORY  WRITE 1234 fe:01:333 0 EOF" */
static bool parse_line(const char *line, struct lock_text *out)
{
	return sscanf(line, "lock: %*d: %15s %15s %15s %*d %*x:%*x:%*u %" SCNd64 " %31s", out->kind,
		      out->state, out->type, &out->start, out->end) == 5;
}

static uint32_t kind_flag(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].flag;
	return 0;
}

static int64_t lock_len(const struct lock_text *l)
{
	return strcmp(l->end, "EOF") ? strtoll(l->end, NULL, 10) + 1 - l->start : 0;
}

/* The kernel prints what a lease that is being broken was, or what it becomes, by its version. */
static int lease_type(const struct open_file *f, const struct lock_text *l, uint32_t *type)
{
	if (strcmp(l->state, "BREAKING"))
		return 0;
	int target = fcntl(f->fd, F_GETLEASE);
	if (target < 0)
		return -errno;
	*type = (uint32_t)target | LEASE_BREAKING;
	return 0;
}

static bool is_known(const struct file_table *t, const struct lock_seen *seen)
{
	for (size_t i = 0; i < t->locks.nr; i++) {
		const struct lock_seen *s = &t->locks.items[i];
		/* only of POSIX locks has each descriptor table its own */
		if (s->id == seen->id && s->flag == seen->flag && s->start == seen->start &&
		    s->len == seen->len && (s->flag != LOCK_POSIX || s->files_id == seen->files_id))
			return true;
	}
	return false;
}

static int note_line(struct dump *d, const struct open_file *f, uint32_t id, const char *line,
		     struct error *err)
{
	struct lock_text text;
	char holder[96];
	if (!parse_line(line, &text))
		return anon_odd(f, "locks", err);
	struct lock_seen seen = {
		.id = id,
		.files_id = f->task->files_id,
		.flag = kind_flag(text.kind),
		.type = !strcmp(text.type, "WRITE")  ? F_WRLCK
			: !strcmp(text.type, "READ") ? F_RDLCK
						     : F_UNLCK,
		.pid = f->task->vpid,
		.fd = f->task_fd,
		.start = text.start,
		.len = lock_len(&text),
	};
	if (!seen.flag)
		return error_set(err, ENOTSUP,
				 "%s (%.800s) holds a lock of kind %s: not supported; release it "
				 "before the dump",
				 file_holder(f, holder, sizeof(holder)), f->path, text.kind);
	int rc = seen.flag == LOCK_LEASE ? lease_type(f, &text, &seen.type) : 0;
	if (rc < 0)
		return error_code(err, rc, "%s: lease", file_holder(f, holder, sizeof(holder)));
	if (is_known(d->files, &seen))
		return 0;
	struct lock_seen *slot = array_add(&d->files->locks);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = seen;
	return 0;
}

int locks_note(struct dump *d, const struct open_file *f, uint32_t id, struct error *err)
{
	char holder[96];
	auto_strbuf text = { 0 };
	if (!d->opts->file_locks || f->task == &d->files->self)
		return error_set(err, ENOTSUP, "%s (%.800s) holds a file lock or lease: %s",
				 file_holder(f, holder, sizeof(holder)), f->path,
				 f->task == &d->files->self
				     ? "not supported; receive it, or unlock it, before the dump"
				     : "dump with --file-locks");
	int rc = anon_fdinfo_text(f, &text, err);
	const char *at = rc == 0 ? strstr(text.data, "\nlock:") : NULL;
	for (; rc == 0 && at; at = strstr(at + 1, "\nlock:"))
		rc = note_line(d, f, id, at + 1, err);
	return rc;
}

int locks_write(struct dump *d, struct error *err)
{
	const struct file_table *t = d->files;
	auto_image_writer w = NULL;
	int rc = t->locks.nr ? image_create(d->images_fd, IMG_FILE_LOCKS, 0, &w, err) : 0;
	for (size_t i = 0; rc == 0 && i < t->locks.nr; i++) {
		const struct lock_seen *s = &t->locks.items[i];
		FileLockEntry e = FILE_LOCK_ENTRY__INIT;
		e.flag = s->flag;
		e.type = s->type;
		e.pid = s->pid;
		e.fd = s->fd;
		e.start = s->start;
		e.len = s->len;
		rc = image_write(w, &e.base, err);
	}
	return rc == 0 && w ? image_finish(w, err) : rc;
}

/* Restore. */

static const struct fd_row *row_of(struct restore *r, const FileLockEntry *e)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		const struct fd_rows *rows =
		    t->pid == e->pid && t->ids ? file_set_rows(r->files, t->ids->files_id) : NULL;
		if (rows)
			return fd_rows_find(rows, (uint32_t)e->fd);
	}
	return NULL;
}

static int check_lock(struct restore *r, const FileLockEntry *e, struct error *err)
{
	int64_t end;
	uint32_t highest = e->flag == LOCK_LEASE ? (uint32_t)F_UNLCK | LEASE_BREAKING : F_WRLCK;
	if (!row_of(r, e))
		return error_set(err, EBADMSG, "pid %d has no fd %d", e->pid, e->fd);
	if (e->flag != LOCK_POSIX && e->flag != LOCK_FLOCK && e->flag != LOCK_OFD &&
	    e->flag != LOCK_LEASE)
		return error_set(err, ENOTSUP, "pid %d, fd %d: unknown kind %#x", e->pid, e->fd,
				 e->flag);
	if (e->type > highest || (e->type & ~(uint32_t)LEASE_BREAKING) > F_UNLCK)
		return error_set(err, EBADMSG, "pid %d, fd %d: type %u", e->pid, e->fd, e->type);
	if (e->start < 0 || e->len < 0 || __builtin_add_overflow(e->start, e->len, &end))
		return error_set(err, EBADMSG, "pid %d, fd %d: %" PRId64 " bytes from %" PRId64,
				 e->pid, e->fd, e->len, e->start);
	return 0;
}

static int load_lock(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	struct restore *r = ctx;
	const FileLockEntry *e = (const FileLockEntry *)*msg;
	(void)in;
	int rc = check_lock(r, e, err);
	if (rc < 0)
		return error_wrap(err, rc, "filelocks.img");
	struct lock_row *row = array_add(&r->files->locks);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	*row = (struct lock_row){ .pid = e->pid,
				  .fd = e->fd,
				  .flag = e->flag,
				  .type = e->type,
				  .start = e->start,
				  .len = e->len };
	return 0;
}

int locks_load(struct restore *r, struct error *err)
{
	return image_each(r->images, IMG_FILE_LOCKS, 0, load_lock, r, err);
}

static struct flock range_of(const struct lock_row *l)
{
	return (struct flock){ .l_type = (short)l->type, .l_start = l->start, .l_len = l->len };
}

/* Somebody else has it now: who? */
static int conflict(const struct lock_row *l, int code, struct error *err)
{
	struct flock now = range_of(l);
	if (code != EAGAIN && code != EACCES)
		return error_code(err, code, "fd %d: lock it again", l->fd);
	if (l->flag == LOCK_POSIX && fcntl(l->fd, F_GETLK, &now) == 0 && now.l_type != F_UNLCK &&
	    now.l_pid > 0)
		return error_set(err, EAGAIN,
				 "fd %d: its lock is held by pid %d now: end that program and "
				 "restore again",
				 l->fd, now.l_pid);
	return error_set(
	    err, EAGAIN,
	    "fd %d: its lock or lease is held by another program now (lslocks tells "
	    "which), or the file is open elsewhere: end that program and restore again",
	    l->fd);
}

/* Without CAP_LEASE only the owner of the file may have one. */
static int set_lease(int fd, int type)
{
	struct stat st;
	if (fcntl(fd, F_SETLEASE, type) == 0)
		return 0;
	if (errno != EACCES || fstat(fd, &st) < 0)
		return -errno;
	int before = setfsuid(st.st_uid);
	int rc = fcntl(fd, F_SETLEASE, type) < 0 ? -errno : 0;
	setfsuid((uid_t)before);
	return rc;
}

/* The opener that waited is gone or will ask again. Its first signal has been sent long ago. */
static int break_lease(const struct lock_row *l, int target)
{
	sigset_t set;
	int signo = fcntl(l->fd, F_GETSIG), flags = fcntl(l->fd, F_GETFL);
	int type = (flags & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK;
	int rc = signo < 0 || flags < 0 ? -errno : set_lease(l->fd, type);
	if (rc < 0)
		return rc;
	auto_fd fd = procfs_reopen(l->fd, (target == F_RDLCK ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
	if (fd >= 0 || errno != EWOULDBLOCK)
		return fd >= 0 ? -EBUSY : -errno;
	sigemptyset(&set);
	sigaddset(&set, signo ? signo : SIGIO);
	sigtimedwait(&set, NULL, &(struct timespec){ 0 });
	return 0;
}

static int set_lock(const struct lock_row *l)
{
	struct flock range = range_of(l);
	switch (l->flag) {
	case LOCK_FLOCK:
		return flock(l->fd, (l->type == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 ? -errno
											    : 0;
	case LOCK_OFD:
		return fcntl(l->fd, F_OFD_SETLK, &range) < 0 ? -errno : 0;
	case LOCK_LEASE:
		if (l->type & LEASE_BREAKING)
			return break_lease(l, (int)(l->type & ~(uint32_t)LEASE_BREAKING));
		return set_lease(l->fd, (int)l->type);
	}
	/* POSIX: the restorer sets it, when nothing is closed any more; could it? */
	if (fcntl(l->fd, F_GETLK, &range) < 0)
		return -errno;
	return range.l_type == F_UNLCK ? 0 : -EAGAIN;
}

int locks_install(struct restore *r, const struct rtask *t, struct error *err)
{
	const struct file_set *set = r->files;
	for (size_t i = 0; i < set->locks.nr; i++) {
		const struct lock_row *l = &set->locks.items[i];
		int rc = l->pid == t->pid ? set_lock(l) : 0;
		if (rc < 0) {
			rc = conflict(l, -rc, err);
			return error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t));
		}
	}
	return 0;
}

static uint32_t count_posix(const struct restore *r, const struct rtask *t)
{
	uint32_t nr = 0;
	for (size_t i = 0; i < r->files->locks.nr; i++)
		nr += r->files->locks.items[i].pid == t->pid &&
		      r->files->locks.items[i].flag == LOCK_POSIX;
	return nr;
}

size_t files_args_size(const struct restore *r, const struct rtask *t)
{
	return count_posix(r, t) * sizeof(struct restorer_lock);
}

int files_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args,
		    struct error *err)
{
	uint32_t nr = count_posix(r, t);
	if (!nr)
		return 0;
	args->locks = arena_alloc(t->arena, nr * sizeof(*args->locks), 8);
	if (!args->locks)
		return error_set(err, ENOMEM, "pid %d: no room for %u locks in the arena", t->pid,
				 nr);
	for (size_t i = 0; i < r->files->locks.nr; i++) {
		const struct lock_row *l = &r->files->locks.items[i];
		if (l->pid == t->pid && l->flag == LOCK_POSIX)
			args->locks[args->nr_locks++] =
			    (struct restorer_lock){ l->start, l->len, l->fd, (int16_t)l->type };
	}
	return 0;
}
