/* SPDX-License-Identifier: MIT
 * The descriptors of a frozen task: duplicated one by one with pidfd_getfd(2), looked at, put
 * into fdinfo-N.img and files.img.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/files/locks.h"
#include "engine/files/table.h"
#include "engine/net/sock-label.h"
#include "engine/ns/ns.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"

/* @param dir  /proc/PID/fdinfo */
static int read_fdinfo(int dir, struct open_file *f, bool *cloexec, struct error *err)
{
	char buf[8192], name[16];
	snprintf(name, sizeof(name), "%d", f->task_fd);
	int len = proc_record_read(dir, name, buf, sizeof(buf), err);
	if (len < 0)
		return error_wrap(err, len, "/proc/%d/fdinfo", f->task->pid);
	struct proc_fdinfo info = { 0 };
	int rc = proc_fdinfo_parse(buf, (size_t)len, &info, err);
	if (rc < 0)
		return error_wrap(err, rc, "/proc/%d/fdinfo/%s", f->task->pid, name);
	*cloexec = info.flags & O_CLOEXEC;
	f->locked = strstr(buf, "\nlock:") != NULL;
	f->flags = info.flags & ~(uint32_t)O_CLOEXEC;
	f->pos = info.pos;
	return 0;
}

/* What is known of a descriptor without its file in /proc. */
struct glance {
	bool told;    /* the task's inside told of it, and its file has no lock */
	bool cloexec; /* if so */
};

/* Asking for the offset changes nothing: elsewhere it may. */
static bool has_plain_offset(const struct open_file *f)
{
	bool plain = f->fs_type == TMPFS_MAGIC || f->fs_type == EXT4_SUPER_MAGIC ||
		     f->fs_type == XFS_SUPER_MAGIC;
	return plain && S_ISREG(f->st.st_mode) && !(f->flags & O_PATH);
}

/* Two quick calls instead of a file in /proc that is made for us, read and forgotten.
 * @return 1: done; 0: /proc has to tell; -errno */
static int read_quickly(struct open_file *f, struct error *err)
{
	char holder[96];
	int flags = fcntl(f->fd, F_GETFL);
	if (flags < 0)
		return error_sys(err, "%s: flags", file_holder(f, holder, sizeof(holder)));
	f->flags = (uint32_t)(flags & ~O_CLOEXEC);
	if (f->fs_type == SOCKFS_MAGIC || f->fs_type == PIPEFS_MAGIC)
		return 1; /* they have none */
	off_t pos = has_plain_offset(f) ? lseek(f->fd, 0, SEEK_CUR) : -1;
	if (pos < 0)
		return 0;
	f->pos = (uint64_t)pos;
	return 1;
}

static int read_path(int dirfd, const char *name, struct open_file *f, struct error *err)
{
	char holder[96];
	ssize_t len = readlinkat(dirfd, name, f->path, sizeof(f->path));
	if (len >= (ssize_t)sizeof(f->path) || (len < 0 && errno == ENAMETOOLONG))
		return error_set(err, ENAMETOOLONG,
				 "%s is a file whose path is longer than the %zu bytes that the "
				 "kernel tells: close it, or leave that directory, before the dump",
				 file_holder(f, holder, sizeof(holder)), sizeof(f->path) - 1);
	if (len < 0)
		return error_sys(err, "%s: read link", file_holder(f, holder, sizeof(holder)));
	f->path[len] = 0;
	return 0;
}

/* This process, as one more holder of descriptors. */
static int find_self(struct file_table *t, struct error *err)
{
	if (t->self.pid)
		return 0;
	t->self.proc_fd = procfs_open("self", O_PATH | O_DIRECTORY);
	t->self_fds = procfs_open("self/fd", O_PATH | O_DIRECTORY);
	if (t->self.proc_fd < 0 || t->self_fds < 0)
		return error_sys(err, "open /proc/self");
	t->self.pid = t->self.vpid = getpid();
	t->self.pidfd = t->self.mem_fd = -1;
	snprintf(t->self.stat.comm, sizeof(t->self.stat.comm), "in flight");
	return 0;
}

/* Of our duplicate: it has the same number most times, which saves the kernel a file in /proc. */
static int link_path(struct dump *d, struct open_file *f, struct error *err)
{
	char name[32];
	int rc = find_self(d->files, err);
	if (rc < 0)
		return rc;
	snprintf(name, sizeof(name), "%d", f->fd);
	return read_path(d->files->self_fds, name, f, err);
}

static int dump_new(struct dump *d, struct open_file *f, uint32_t *id, FdTypes *type,
		    struct error *err)
{
	int rc = link_path(d, f, err);
	if (rc < 0)
		return rc;
	*id = d->files->next_id++;
	rc = file_table_add(d, f, *id, type, err);
	if (rc == 0)
		log_debug("pid %d: fd %d is file id %u: %s", f->task->pid, f->task_fd, *id,
			  f->path);
	return rc;
}

/* What a descriptor is: its id, and its close-on-exec flag. f->fd, st, task and task_fd are set. */
static int identify(struct dump *d, struct open_file *f, int dir, const struct glance *at,
		    FdinfoEntry *out, struct error *err)
{
	uint32_t *id;
	FdTypes *type;
	bool cloexec = at->cloexec;
	int rc = at->told ? read_quickly(f, err) : 0;
	if (rc == 0)
		rc = read_fdinfo(dir, f, &cloexec, err);
	if (rc >= 0)
		rc = file_table_identify(d->files, f, &id, &type, err);
	if (rc > 0)
		rc = dump_new(d, f, id, type, err);
	if (rc == 0 && f->locked)
		rc = link_path(d, f, err);
	if (rc == 0 && f->locked)
		rc = locks_note(d, f, *id, err);
	if (rc < 0)
		return rc;
	out->id = *id;
	out->type = *type;
	out->fd = (uint32_t)f->task_fd;
	out->flags = cloexec ? FD_CLOEXEC : 0;
	return 0;
}

/* An open table, and where its entries go. */
struct table_visit {
	struct dump *d;
	struct task *task;
	int dir;     /* its fdinfo in /proc */
	bool inside; /* the parasite has told which numbers are open */
	struct image_writer *w;
};

static bool bit_of(uint64_t bits, int nr)
{
	return bits >> nr % 64 & 1;
}

static int dump_descriptor(const struct table_visit *v, int number, struct error *err)
{
	struct dump *d = v->d;
	struct task *t = v->task;
	struct open_file f = { .task = t, .task_fd = number };
	FdinfoEntry e = FDINFO_ENTRY__INIT;
	auto_fd fd = (int)syscall(SYS_pidfd_getfd, t->pidfd, number, 0);
	if (fd < 0 || fstat(fd, &f.st) < 0)
		return error_sys(err, "pid %d (%s): duplicate fd %d", t->pid, t->stat.comm, number);
	f.fd = fd;
	f.fs_type = file_table_fs_type(d->files, &f);
	struct glance at = { 0 };
	if (v->inside && !locks_may_be_on(d, &f))
		at = (struct glance){ true, bit_of(t->fds[number / 64].cloexec, number) };
	int rc = identify(d, &f, v->dir, &at, &e, err);
	if (rc == 0 && S_ISSOCK(f.st.st_mode) && !(f.flags & O_PATH))
		rc = sock_label_dump(fd, &e, err);
	if (rc == 0)
		rc = image_write(v->w, &e.base, err);
	free(e.xattr_security_selinux);
	return rc;
}

int files_dump_received(struct dump *d, int fd, uint32_t *id, struct error *err)
{
	int rc = find_self(d->files, err);
	if (rc < 0)
		return rc;
	/* a copy that stays open: other descriptions are compared with this one later on */
	int *kept = array_add(&d->files->received);
	if (!kept)
		return error_set(err, ENOMEM, "out of memory");
	*kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (*kept < 0)
		return error_sys(err, "duplicate a received descriptor");
	struct open_file f = { .task = &d->files->self, .task_fd = *kept, .fd = *kept };
	FdinfoEntry e = FDINFO_ENTRY__INIT;
	const struct glance none = { 0 };
	auto_fd dir = openat(f.task->proc_fd, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(f.fd, &f.st) < 0)
		return error_sys(err, "look at a received descriptor");
	rc = identify(d, &f, dir, &none, &e, err);
	*id = e.id;
	return rc;
}

/* What another task has opened in a table they share may have been its parasite's socket. */
static bool is_told_from_inside(const struct dump *d, const struct task *t)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i] != t && d->tasks[i]->files_id == t->files_id)
			return false;
	return t->inside.nr_fds > 0;
}

static int dump_told(const struct table_visit *v, struct error *err)
{
	const struct task *t = v->task;
	int rc = 0;
	for (int i = 0; rc == 0 && i < (int)t->inside.nr_fds; i++)
		rc = bit_of(t->fds[i / 64].open, i) ? dump_descriptor(v, i, err) : 0;
	return rc;
}

static int dump_listed(const struct table_visit *v, struct error *err)
{
	struct proc_ids numbers = { 0 };
	int rc = proc_ids_of_dir(v->dir, ".", &numbers, err);
	for (size_t i = 0; rc == 0 && i < numbers.nr; i++)
		rc = dump_descriptor(v, numbers.items[i], err);
	free(numbers.items);
	return rc;
}

static int dump_table(struct dump *d, struct task *t, struct error *err)
{
	auto_image_writer w = NULL;
	auto_fd dir = openat(t->proc_fd, "fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "open /proc/%d/fdinfo", t->pid);
	int rc = image_create(d->images_fd, IMG_FDINFO, t->files_id, &w, err);
	if (rc < 0)
		return rc;
	const struct table_visit v = { d, t, dir, is_told_from_inside(d, t), w };
	rc = v.inside ? dump_told(&v, err) : dump_listed(&v, err);
	return rc < 0 ? rc : image_finish(w, err);
}

static const struct dumped_table *table_done(const struct file_table *t, uint32_t files_id)
{
	for (size_t i = t->dumped.nr; i-- > 0;)
		if (t->dumped.items[i].files_id == files_id)
			return &t->dumped.items[i];
	return NULL;
}

int files_dump_task(struct dump *d, struct task *t, struct error *err)
{
	if (t->proc_fd < 0 || t->state == TASK_ZOMBIE)
		return 0; /* nothing is open in a zombie */
	if (!table_done(d->files, t->files_id)) {
		struct dumped_table *done = array_add(&d->files->dumped);
		if (!done)
			return error_set(err, ENOMEM, "out of memory");
		done->files_id = t->files_id;
		done->pid = t->pid;
		int rc = dump_table(d, t, err);
		if (rc < 0)
			return rc;
	}
	return fs_dump(d, t, err);
}

/* A file that is no descriptor of the task: its flags and offset are nobody's. */
static int dump_special(struct dump *d, struct open_file *f, uint32_t *id, struct error *err)
{
	uint32_t *known;
	FdTypes type;
	struct special_key key = { f->st.st_dev, f->st.st_ino, false, ns_id(f->task, NS_MNT),
				   f->path };
	int rc = file_table_special(d->files, &key, &known, err);
	if (rc < 0)
		return rc;
	if (*known == 0) {
		uint32_t fresh = d->files->next_id++;
		rc = file_table_add(d, f, fresh, &type, err);
		if (rc < 0)
			return rc;
		*known = fresh;
	}
	*id = *known;
	return 0;
}

int files_dump_link(struct dump *d, struct task *t, const char *link, int what, uint64_t addr,
		    uint32_t *id, struct error *err)
{
	struct open_file f = { .task = t, .task_fd = what, .addr = addr };
	int rc = read_path(t->proc_fd, link, &f, err);
	if (rc < 0)
		return rc;
	auto_fd fd = openat(t->proc_fd, link, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &f.st) < 0)
		return error_sys(err, "open /proc/%d/%s", t->pid, link);
	f.fd = fd;
	return dump_special(d, &f, id, err);
}

/* From where the task stands. */
static int dump_link_inside(struct dump *d, struct task *t, const char *link, int what,
			    uint64_t addr, uint32_t *id, struct error *err)
{
	struct ns_mount_place back;
	struct error late;
	int rc = ns_mount_enter(t, &back, err);
	if (rc < 0)
		return rc;
	rc = files_dump_link(d, t, link, what, addr, id, err);
	int left = ns_mount_leave(&back, rc < 0 ? &late : err);
	return rc < 0 ? rc : left;
}

int files_dump_exe(struct dump *d, struct task *t, uint32_t *id, struct error *err)
{
	return dump_link_inside(d, t, "exe", FILE_EXE, 0, id, err);
}

int files_dump_mapped(struct dump *d, struct task *t, const struct vma *vma, uint32_t *id,
		      struct error *err)
{
	uint32_t *known;
	char link[64];
	struct special_key key = { vma->dev, vma->ino, true, ns_id(t, NS_MNT),
				   vma->path ? vma->path : "" };
	int rc = file_table_special(d->files, &key, &known, err);
	if (rc < 0)
		return rc;
	if (*known == 0) {
		snprintf(link, sizeof(link), "map_files/%lx-%lx", (unsigned long)vma->start,
			 (unsigned long)vma->end);
		rc = dump_link_inside(d, t, link, FILE_MAPPED, vma->start, known, err);
		if (rc < 0)
			return rc;
	}
	*id = *known;
	return 0;
}
