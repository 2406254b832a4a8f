/* SPDX-License-Identifier: MIT
 * inotify(7) and fanotify(7): what is watched. The kernel tells inodes and handles in fdinfo; the
 * watches are set again last of all, as the restore itself opens and closes files.
 */
#include "engine/files/fsnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/keeper.h"
#include "base/kernel-dev.h"
#include "base/log.h"
#include "engine/context/shortage.h"
#include "engine/files/anon.h"
#include "engine/files/inode-path.h"
#include "engine/ns/mnt.h"
#include "engine/files/remap.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "images/reader.h"

#ifndef INOTIFY_IOC_SETNEXTWD
#define INOTIFY_IOC_SETNEXTWD _IOW('I', 0, int32_t)
#endif

#define HANDLE_WORDS 16 /* as many as readers of the images expect */
#define PASSED_OVER  1000
#define OVERFLOW_MAX 100000 /* pairs of events; a queue has room for 16384 unless it was set */
#define IN_TAKEN     ((uint32_t)(IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT))
#define FAN_PERM     ((uint32_t)(FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM))

static bool inotify_match(const struct open_file *f)
{
	return !strcmp(f->path, "anon_inode:inotify") || anon_is(f, "inotify");
}

static bool fanotify_match(const struct open_file *f)
{
	return anon_is(f, "fanotify");
}

static bool warn_of_events(const struct open_file *f, const char *remark)
{
	int waiting = 0;
	char holder[96];
	if (ioctl(f->fd, FIONREAD, &waiting) < 0 || waiting == 0)
		return false;
	log_warn("%s: %d bytes of events nobody has read are lost%s",
		 file_holder(f, holder, sizeof(holder)), waiting, remark);
	return true;
}

/* "fhandle-bytes:8 fhandle-type:1 f_handle:7e9e0000640d1b6d"; not all file systems have them */
static FhEntry *parse_handle(const char *line)
{
	FhEntry *fh = malloc(sizeof(*fh));
	if (!fh)
		return NULL;
	fh_entry__init(fh);
	fh->handle = calloc(HANDLE_WORDS, sizeof(uint64_t));
	if (!fh->handle) {
		free(fh);
		return NULL;
	}
	fh->n_handle = HANDLE_WORDS;
	uint64_t bytes = 0, type = 0;
	const char *end = strchr(line, '\n'), *hex = strstr(line, "f_handle:");
	if (!hex || (end && hex > end) || !anon_number(line, "fhandle-bytes:", 16, &bytes) ||
	    !anon_number(line, "fhandle-type:", 16, &type) ||
	    bytes > HANDLE_WORDS * sizeof(uint64_t))
		return fh;
	hex += strlen("f_handle:");
	for (size_t i = 0; i < bytes; i++, hex += 2) {
		unsigned int byte;
		if (sscanf(hex, "%2x", &byte) != 1)
			return fh;
		((uint8_t *)fh->handle)[i] = (uint8_t)byte;
	}
	fh->bytes = (uint32_t)bytes;
	fh->type = (uint32_t)type;
	return fh;
}

/* A deleted file has to be among those the tree has open: known when all of them are. */
static int note_deleted(struct dump *d, const struct open_file *f, const struct stat *st,
			struct error *err)
{
	struct watched_seen *seen = array_add(&d->files->watched);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = (struct watched_seen){ .dev = st->st_dev, .ino = st->st_ino };
	file_holder(f, seen->holder, sizeof(seen->holder));
	return 0;
}

static int find_path(struct dump *d, const struct open_file *f, const struct inode_sought *what,
		     struct error *err)
{
	struct stat st;
	int rc = inode_path_find(d, f, what, &st, err);
	if (rc == 1)
		rc = st.st_nlink ? 0 : note_deleted(d, f, &st, err);
	return rc;
}

int watches_settle(struct dump *d, struct error *err)
{
	const struct file_table *t = d->files;
	for (size_t i = 0; i < t->watched.nr; i++) {
		const struct watched_seen *w = &t->watched.items[i];
		bool known = false;
		for (size_t k = 0; k < t->ghosts.nr && !known; k++)
			known =
			    t->ghosts.items[k].dev == w->dev && t->ghosts.items[k].ino == w->ino;
		if (!known)
			return error_set(err, ENOTSUP,
					 "%s watches a deleted file (inode %" PRIu64
					 ") that no task "
					 "of the tree has open: remove that watch before the dump",
					 w->holder, (uint64_t)w->ino);
	}
	return 0;
}

/* Room for one more pointer in a repeated field. */
static int grow(void *list, size_t *cap, size_t nr)
{
	void **items = array_grow_(*(void ***)list, cap, nr + 1, sizeof(void *));
	if (!items)
		return -ENOMEM;
	*(void ***)list = items;
	return 0;
}

static int add_wd(struct dump *d, const struct open_file *f, const char *line, size_t *cap,
		  InotifyFileEntry *ify, struct error *err)
{
	InotifyWdEntry *wd = malloc(sizeof(*wd));
	if (!wd || grow(&ify->wd, cap, ify->n_wd) < 0) {
		free(wd);
		return error_set(err, ENOMEM, "out of memory");
	}
	inotify_wd_entry__init(wd);
	ify->wd[ify->n_wd++] = wd;
	wd->f_handle = parse_handle(line);
	if (!wd->f_handle)
		return error_set(err, ENOMEM, "out of memory");
	if (sscanf(line,
		   "inotify wd:%" SCNx32 " ino:%" SCNx64 " sdev:%" SCNx32 " mask:%" SCNx32
		   " ignored_mask:%" SCNx32,
		   &wd->wd, &wd->i_ino, &wd->s_dev, &wd->mask, &wd->ignored_mask) != 5)
		return anon_odd(f, "watches", err);
	return find_path(d, f, &(struct inode_sought){ wd->s_dev, wd->i_ino, wd->f_handle }, err);
}

/*
 * Only giving a number out tells which one is next: numbers are not used twice, as who reads may
 * still have to do with the watch that had one. What that leaves to be read is read at once, when
 * it is all there is.
 */
__attribute__((noreturn)) static void take_number(int fd, int target, int answer)
{
	char path[32];
	struct inotify_event event;
	int waiting = 0;
	keeper_become("stasis-keeper");
	snprintf(path, sizeof(path), "self/fd/%d", target);
	int32_t wd = procfs_enter(NULL) < 0 ? -1 : inotify_add_watch(fd, path, IN_DELETE_SELF);
	bool ended = wd > 0 && inotify_rm_watch(fd, wd) == 0 &&
		     ioctl(fd, FIONREAD, &waiting) == 0 && waiting == sizeof(event) &&
		     read(fd, &event, sizeof(event)) == sizeof(event) &&
		     ioctl(fd, INOTIFY_IOC_SETNEXTWD, wd) == 0;
	_exit(ended && write(answer, &wd, sizeof(wd)) == sizeof(wd) ? 0 : 1);
}

/* Numbers that may have been used lately. */
static void pass_over(InotifyFileEntry *ify)
{
	for (size_t i = 0; i < ify->n_wd; i++)
		if (ify->wd[i]->wd >= ify->next_wd)
			ify->next_wd = ify->wd[i]->wd;
	ify->next_wd += PASSED_OVER;
	ify->has_next_wd = ify->next_wd <= INT32_MAX;
}

/* @return the number; 0: it cannot be told, as with as many watches as a user may have; -errno */
static int32_t ask_number(int fd, struct error *err)
{
	int status = 0, fds[2];
	int32_t wd = 0;
	auto_fd target = memfd_create("stasis", MFD_CLOEXEC);
	if (target < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "ask for the next number of a watch%s",
				 shortage_of_files(errno));
	pid_t pid = fork();
	if (pid == 0)
		take_number(fd, target, fds[1]);
	int rc = pid < 0 ? error_sys(err, "create a process%s", shortage_of_tasks(errno)) : 0;
	close(fds[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bool told = rc == 0 && read(fds[0], &wd, sizeof(wd)) == sizeof(wd);
	close(fds[0]);
	return told ? wd : rc;
}

/* Not where it would be seen: unread events would come before it, a signal would tell of it. */
static int next_number(const struct open_file *f, InotifyFileEntry *ify, struct error *err)
{
	int waiting = 0;
	bool seen = ioctl(f->fd, FIONREAD, &waiting) < 0 || waiting || f->flags & O_ASYNC;
	int32_t wd = seen ? 0 : ask_number(f->fd, err);
	if (wd < 0)
		return wd;
	ify->has_next_wd = wd > 0;
	ify->next_wd = (uint32_t)wd;
	if (!wd)
		pass_over(ify);
	return 0;
}

static int inotify_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	size_t cap = 0;
	InotifyFileEntry *ify = malloc(sizeof(*ify));
	if (!ify)
		return error_set(err, ENOMEM, "out of memory");
	inotify_file_entry__init(ify);
	e->ify = ify;
	ify->id = e->id;
	ify->flags = f->flags;
	ify->has_lost = ify->lost = warn_of_events(f, ": it is told that some are (IN_Q_OVERFLOW)");
	int rc = owner_dump(d, f, &ify->fown, err);
	if (rc == 0)
		rc = anon_fdinfo_text(f, &text, err);
	const char *at = rc == 0 ? strstr(text.data, "\ninotify ") : NULL;
	for (; rc == 0 && at; at = strstr(at + 1, "\ninotify "))
		rc = add_wd(d, f, at + 1, &cap, ify, err);
	return rc < 0 ? rc : next_number(f, ify, err);
}

static int fill_inode_mark(struct dump *d, const struct open_file *f, const char *line,
			   FanotifyMarkEntry *m, struct error *err)
{
	m->type = MARK_TYPE__INODE;
	m->ie = malloc(sizeof(*m->ie));
	if (!m->ie)
		return error_set(err, ENOMEM, "out of memory");
	fanotify_inode_mark_entry__init(m->ie);
	m->ie->f_handle = parse_handle(line);
	if (!m->ie->f_handle)
		return error_set(err, ENOMEM, "out of memory");
	if (sscanf(line,
		   "fanotify ino:%" SCNx64 " sdev:%" SCNx32 " mflags: %" SCNx32 " mask:%" SCNx32
		   " ignored_mask:%" SCNx32,
		   &m->ie->i_ino, &m->s_dev, &m->mflags, &m->mask, &m->ignored_mask) != 5)
		return anon_odd(f, "marks", err);
	return find_path(d, f, &(struct inode_sought){ m->s_dev, m->ie->i_ino, m->ie->f_handle },
			 err);
}

static int find_mount(const struct open_file *f, FanotifyMarkEntry *m, struct error *err)
{
	struct proc_mounts mounts;
	char holder[96];
	int rc = proc_mounts_read(f->task->proc_fd, &mounts, err);
	if (rc < 0)
		return rc;
	const struct proc_mount *found = NULL;
	for (size_t i = 0; i < mounts.nr && !found; i++)
		if (mounts.items[i].id == (int)m->me->mnt_id)
			found = &mounts.items[i];
	if (found) {
		m->s_dev = kernel_dev_encode(found->dev);
		m->me->path = strdup(found->path);
	}
	proc_mounts_fini(&mounts);
	if (found)
		return m->me->path ? 0 : error_set(err, ENOMEM, "out of memory");
	return error_set(
	    err, ENOTSUP,
	    "%s marks mount %u, which is not among those of the task: remove that mark "
	    "before the dump",
	    file_holder(f, holder, sizeof(holder)), m->me->mnt_id);
}

static int fill_mount_mark(const struct open_file *f, const char *line, FanotifyMarkEntry *m,
			   struct error *err)
{
	m->type = MARK_TYPE__MOUNT;
	m->me = malloc(sizeof(*m->me));
	if (!m->me)
		return error_set(err, ENOMEM, "out of memory");
	fanotify_mount_mark_entry__init(m->me);
	if (sscanf(line,
		   "fanotify mnt_id:%" SCNx32 " mflags: %" SCNx32 " mask:%" SCNx32
		   " ignored_mask:%" SCNx32,
		   &m->me->mnt_id, &m->mflags, &m->mask, &m->ignored_mask) != 4)
		return anon_odd(f, "marks", err);
	return find_mount(f, m, err);
}

static int add_mark(struct dump *d, const struct open_file *f, const char *line, size_t *cap,
		    FanotifyFileEntry *ffy, struct error *err)
{
	char holder[96];
	FanotifyMarkEntry *m = malloc(sizeof(*m));
	if (!m || grow(&ffy->mark, cap, ffy->n_mark) < 0) {
		free(m);
		return error_set(err, ENOMEM, "out of memory");
	}
	fanotify_mark_entry__init(m);
	ffy->mark[ffy->n_mark++] = m;
	const char *what = line + strlen("fanotify ");
	int rc = 1;
	if (!strncmp(what, "ino:", 4))
		rc = fill_inode_mark(d, f, line, m, err);
	else if (!strncmp(what, "mnt_id:", 7))
		rc = fill_mount_mark(f, line, m, err);
	if (rc == 1)
		return error_set(err, ENOTSUP,
				 "%s marks a whole file system (\"%.*s\"), which images cannot "
				 "express: remove that mark before the dump",
				 file_holder(f, holder, sizeof(holder)), (int)strcspn(what, "\n"),
				 what);
	if (rc == 0 && (m->mask & FAN_PERM))
		return error_set(err, ENOTSUP,
				 "%s is asked for permission when files are opened: nobody would "
				 "answer while it is dumped; remove that mark before the dump",
				 file_holder(f, holder, sizeof(holder)));
	return rc;
}

static int fanotify_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	size_t cap = 0;
	FanotifyFileEntry *ffy = malloc(sizeof(*ffy));
	if (!ffy)
		return error_set(err, ENOMEM, "out of memory");
	fanotify_file_entry__init(ffy);
	e->ffy = ffy;
	ffy->id = e->id;
	ffy->flags = f->flags;
	warn_of_events(f, "");
	int rc = owner_dump(d, f, &ffy->fown, err);
	if (rc == 0)
		rc = anon_fdinfo_text(f, &text, err);
	const char *at = rc == 0 ? strstr(text.data, "\nfanotify flags:") : NULL;
	if (rc == 0 && (!at || sscanf(at + 1, "fanotify flags:%" SCNx32 " event-flags:%" SCNx32,
				      &ffy->faflags, &ffy->evflags) != 2))
		rc = anon_odd(f, "flags", err);
	while (rc == 0 && (at = strstr(at + 1, "\nfanotify ")) != NULL)
		rc = add_mark(d, f, at + 1, &cap, ffy, err);
	return rc;
}

/* Restore. */

static int check_handle(const FhEntry *fh, struct error *err)
{
	if (!fh)
		return error_set(err, EBADMSG, "a watch without its handle");
	if (fh->path && fh->path[0] != '/')
		return error_set(err, EBADMSG, "watched path \"%.200s\" is not absolute", fh->path);
	return 0;
}

static int compare_wds(const void *left, const void *right)
{
	const InotifyWdEntry *const *a = left, *const *b = right;
	return (*a)->wd < (*b)->wd ? -1 : (*a)->wd > (*b)->wd;
}

static int inotify_check(const FileEntry *e, struct error *err)
{
	InotifyFileEntry *ify = e->ify;
	int rc =
	    anon_check(e, ify, ify ? ify->id : 0, ify ? ify->fown : NULL, "inotify instance", err);
	for (size_t i = 0; rc == 0 && i < ify->n_wd; i++) {
		rc = check_handle(ify->wd[i]->f_handle, err);
		if (rc == 0 && (ify->wd[i]->wd == 0 || ify->wd[i]->wd > INT32_MAX))
			rc = error_set(err, EBADMSG, "watch number %u", ify->wd[i]->wd);
	}
	if (rc == 0 && ify->has_next_wd && (ify->next_wd == 0 || ify->next_wd > INT32_MAX))
		rc = error_set(err, EBADMSG, "next watch number %u", ify->next_wd);
	/* numbers are given out in this order */
	if (rc == 0 && ify->n_wd)
		qsort(ify->wd, ify->n_wd, sizeof(*ify->wd), compare_wds);
	return rc;
}

/* Of what a user may have. Source: inotify(7), EMFILE and ENOSPC. */
static const char *shortage_of_inotify(int code)
{
	switch (code) {
	case EMFILE:
		return " (raise the limit of instances, fs.inotify.max_user_instances by sysctl, "
		       "or "
		       "that of open files, ulimit -n)";
	case ENOSPC:
		return " (raise the limit of watches: fs.inotify.max_user_watches by sysctl)";
	default:
		return "";
	}
}

static int inotify_open(struct restore *r, const FileEntry *e, struct error *err)
{
	(void)r;
	auto_fd fd = inotify_init1(IN_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make an inotify instance%s", shortage_of_inotify(errno));
	int rc = file_set_flags(fd, e->ify->flags, e->ify->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

/* The deleted file with that inode number at the dump, as it is open now. */
static int find_ghost(struct restore *r, uint32_t s_dev, uint64_t ino)
{
	const struct file_set *set = r->files;
	for (size_t i = 0; i < set->remaps.nr; i++) {
		const struct remap_row *row = &set->remaps.items[i];
		auto_image_reader in = NULL;
		auto_message ProtobufCMessage *msg = NULL;
		if (row->type != REMAP_TYPE__GHOST ||
		    image_open_typed(r->images, IMG_GHOST_FILE, row->remap_id, &in, NULL) < 0 ||
		    image_next(in, &msg, NULL) <= 0)
			continue;
		const GhostFileEntry *g = (const GhostFileEntry *)msg;
		const struct file_item *item = file_set_find(r->files, row->orig_id);
		if (g->has_dev && g->has_ino && g->dev == s_dev && g->ino == ino && item)
			return item->fd >= 0 ? fcntl(item->fd, F_DUPFD_CLOEXEC, 3)
					     : fcntl(item->base, F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

static int open_path(struct restore *r, const FhEntry *fh, struct error *err)
{
	struct mnt_standing before;
	int rc = mntns_stand(r, fh->has_mnt_id ? (int)fh->mnt_id : -1, fh->path, &before, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open(fh->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	rc = fd < 0 ? error_sys(err, "watched file %s", fh->path) : 0;
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back < 0 ? back : take_fd(fd);
}

/* An O_PATH descriptor, or any other, of what is to be watched. */
static int open_watched(struct restore *r, uint32_t s_dev, uint64_t ino, const FhEntry *fh,
			struct error *err)
{
	if (fh->path)
		return open_path(r, fh, err);
	int fd = find_ghost(r, s_dev, ino);
	if (fd < 0)
		fd = handle_open(s_dev, fh);
	return fd < 0 ? error_set(err, ESTALE,
				  "the watched inode %" PRIu64 " has no path, and its handle leads "
				  "nowhere: dump again with --irmap-scan-path and --force-irmap",
				  ino)
		      : fd;
}

static int watch_again(struct restore *r, int fd, const InotifyWdEntry *wd, struct error *err)
{
	char path[32];
	int32_t next = (int32_t)wd->wd;
	auto_fd target = open_watched(r, wd->s_dev, wd->i_ino, wd->f_handle, err);
	if (target < 0)
		return target;
	snprintf(path, sizeof(path), "self/fd/%d", target);
	if (ioctl(fd, INOTIFY_IOC_SETNEXTWD, next) < 0)
		return error_sys(err, "choose watch number %d (CONFIG_CHECKPOINT_RESTORE)", next);
	int back = procfs_enter(err);
	if (back < 0)
		return back;
	int got = inotify_add_watch(fd, path, wd->mask & IN_TAKEN), errno_ = errno;
	procfs_leave(back);
	errno = errno_;
	if (got < 0)
		return error_sys(err, "watch %.800s%s",
				 wd->f_handle->path ? wd->f_handle->path : "a deleted file",
				 shortage_of_inotify(errno_));
	if (got != next)
		return error_set(err, EEXIST, "watch %u of %s became %d: it is watched twice",
				 wd->wd, wd->f_handle->path ? wd->f_handle->path : "a deleted file",
				 got);
	return 0;
}

/* As many of a file of our own as there is room for, and one more: unless there is very much. */
static bool overflow(int fd, const char *path)
{
	int before = -1, waiting = 0;
	for (int i = 0; i < OVERFLOW_MAX; i++) {
		if (ioctl(fd, FIONREAD, &waiting) < 0 || waiting <= before)
			return waiting == before;
		before = waiting;
		close(open(path, O_RDONLY | O_CLOEXEC)); /* IN_OPEN, IN_CLOSE_NOWRITE */
	}
	return false;
}

/* Events that nobody can put back are lost for who reads, too: the kernel has an event for that. */
static int tell_of_loss(int fd, struct error *err)
{
	struct inotify_event events[64];
	char path[32];
	int kept = 0, waiting = 0;
	auto_fd target = memfd_create("stasis", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "self/fd/%d", target);
	int back = procfs_enter(err);
	if (back < 0)
		return back;
	int wd = inotify_add_watch(fd, path, IN_OPEN | IN_CLOSE);
	if (wd > 0) {
		kept = overflow(fd, path) ? sizeof(*events) : 0;
		inotify_rm_watch(fd, wd); /* that finds no room to be told any more */
	}
	procfs_leave(back);
	while (ioctl(fd, FIONREAD, &waiting) == 0 && waiting > kept) {
		size_t len = (size_t)(waiting - kept);
		if (read(fd, events, len < sizeof(events) ? len : sizeof(events)) <= 0)
			break;
	}
	if (!kept)
		log_warn("a reader of inotify is not told that events are lost");
	return waiting == kept ? 0 : error_sys(err, "tell of lost events");
}

static int inotify_watch(struct restore *r, const FileEntry *e, int fd, struct error *err)
{
	int rc = e->ify->lost ? tell_of_loss(fd, err) : 0;
	for (size_t i = 0; rc == 0 && i < e->ify->n_wd; i++)
		rc = watch_again(r, fd, e->ify->wd[i], err);
	if (rc == 0 && e->ify->has_next_wd &&
	    ioctl(fd, INOTIFY_IOC_SETNEXTWD, (int32_t)e->ify->next_wd) < 0)
		rc = error_sys(err, "choose watch number %u (CONFIG_CHECKPOINT_RESTORE)",
			       e->ify->next_wd);
	return rc;
}

static const FownEntry *inotify_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->ify->flags;
	return e->ify->fown;
}

static int fanotify_check(const FileEntry *e, struct error *err)
{
	const FanotifyFileEntry *ffy = e->ffy;
	int rc =
	    anon_check(e, ffy, ffy ? ffy->id : 0, ffy ? ffy->fown : NULL, "fanotify group", err);
	for (size_t i = 0; rc == 0 && i < ffy->n_mark; i++) {
		const FanotifyMarkEntry *m = ffy->mark[i];
		if (m->type == MARK_TYPE__INODE && m->ie)
			rc = check_handle(m->ie->f_handle, err);
		else if (m->type != MARK_TYPE__MOUNT || !m->me || !m->me->path)
			rc = error_set(err, EBADMSG, "a mark of type %d without its fields",
				       m->type);
	}
	return rc;
}

static int fanotify_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const FanotifyFileEntry *ffy = e->ffy;
	(void)r;
	/* fdinfo tells of close-on-exec as of a flag of the group: no more than it had */
	auto_fd fd = fanotify_init(ffy->faflags, ffy->evflags);
	if (fd < 0)
		return error_sys(err, "make a fanotify group of flags %#x, %#x (CAP_SYS_ADMIN)",
				 ffy->faflags, ffy->evflags);
	int rc = file_set_flags(fd, ffy->flags, ffy->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static int mark(int fd, const FanotifyMarkEntry *m, const char *path, const char *name,
		struct error *err)
{
	unsigned int flags =
	    FAN_MARK_ADD | m->mflags | (m->type == MARK_TYPE__MOUNT ? FAN_MARK_MOUNT : 0);
	/* FAN_MARK_IGNORE would be a second way to say so, and the two exclude each other */
	unsigned int ignore = m->mflags & FAN_MARK_IGNORE ? 0 : FAN_MARK_IGNORED_MASK;
	unsigned int plain =
	    flags & ~(unsigned int)(FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY);
	if (m->mask && fanotify_mark(fd, plain, m->mask, procfs_fd(), path) < 0)
		return error_sys(err, "mark %s", name);
	if (m->ignored_mask &&
	    fanotify_mark(fd, flags | ignore, m->ignored_mask, procfs_fd(), path) < 0)
		return error_sys(err, "mark %s to be ignored", name);
	return 0;
}

static int mark_again(struct restore *r, int fd, const FanotifyMarkEntry *m, struct error *err)
{
	char path[32];
	if (m->type == MARK_TYPE__MOUNT)
		return mark(fd, m, m->me->path, m->me->path, err);
	auto_fd target = open_watched(r, m->s_dev, m->ie->i_ino, m->ie->f_handle, err);
	if (target < 0)
		return target;
	snprintf(path, sizeof(path), "self/fd/%d", target);
	return mark(fd, m, path, m->ie->f_handle->path ? m->ie->f_handle->path : "a deleted file",
		    err);
}

static int fanotify_watch(struct restore *r, const FileEntry *e, int fd, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->ffy->n_mark; i++)
		rc = mark_again(r, fd, e->ffy->mark[i], err);
	return rc;
}

static const FownEntry *fanotify_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->ffy->flags;
	return e->ffy->fown;
}

const struct file_type file_inotify = {
	.name = "inotify",
	.type = FD_TYPES__INOTIFY,
	.match = inotify_match,
	.dump = inotify_dump,
	.check = inotify_check,
	.open = inotify_open,
	.watch = inotify_watch,
	.owner = inotify_owner,
};

const struct file_type file_fanotify = {
	.name = "fanotify",
	.type = FD_TYPES__FANOTIFY,
	.match = fanotify_match,
	.dump = fanotify_dump,
	.check = fanotify_check,
	.open = fanotify_open,
	.watch = fanotify_watch,
	.owner = fanotify_owner,
};
