/* SPDX-License-Identifier: MIT
 * File systems of autofs: what they are at a dump, and new ones without a daemon.
 */
#include "engine/ns/mnt-autofs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/auto_fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/files/file.h"
#include "engine/ns/mnt-names.h"
#include "engine/procfs/read.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"

static const char *const modes[] = { "direct", "indirect", "offset" }; /* as numbered in images */

/* The next word of options. @return false: no more */
static bool next_word(const char **options, const char **word, size_t *len)
{
	*word = *options;
	*len = strcspn(*word, ",");
	*options += *len + (*word)[*len] / ',';
	return *len > 0;
}

static bool option_number(const char *options, const char *name, int64_t *out)
{
	const char *word;
	size_t len, n = strlen(name);
	while (next_word(&options, &word, &len))
		if (len > n && !memcmp(word, name, n) && word[n] == '=')
			return sscanf(word + n + 1, "%" SCNd64, out) == 1;
	return false;
}

static int read_number(const struct mnt *m, const char *name, int64_t *out, struct error *err)
{
	if (option_number(m->e->options, name, out))
		return 0;
	return error_set(err, ENOTSUP,
			 "the kernel does not tell its %s (built without "
			 "CONFIG_CHECKPOINT_RESTORE?)",
			 name);
}

static int read_int(const struct mnt *m, const char *name, int32_t *out, struct error *err)
{
	int64_t n = 0;
	int rc = read_number(m, name, &n, err);
	*out = (int32_t)n;
	return rc;
}

static int32_t mode_of(const struct mnt *m)
{
	const char *options = m->e->options, *word;
	size_t len;
	int32_t mode = 0;
	while (next_word(&options, &word, &len))
		for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
			if (len == strlen(modes[i]) && !memcmp(word, modes[i], len))
				mode = (int32_t)i;
	return mode;
}

static int read_options(const struct mnt *m, AutofsEntry *e, struct error *err)
{
	int64_t id;
	int rc = read_int(m, "fd", &e->fd, err);
	if (rc == 0)
		rc = read_int(m, "pgrp", &e->pgrp, err);
	if (rc == 0)
		rc = read_int(m, "timeout", &e->timeout, err);
	if (rc == 0)
		rc = read_int(m, "minproto", &e->minproto, err);
	if (rc == 0)
		rc = read_int(m, "maxproto", &e->maxproto, err);
	e->mode = mode_of(m);
	e->has_uid = option_number(m->e->options, "uid", &id);
	e->uid = e->has_uid ? (int32_t)id : 0;
	e->has_gid = option_number(m->e->options, "gid", &id);
	e->gid = e->has_gid ? (int32_t)id : 0;
	return rc;
}

/* Is this descriptor that end of the pipe? */
static bool is_end(const struct task *t, int fd, ino_t pipe, uint32_t access)
{
	char name[32], is[64] = "", want[64];
	auto_strbuf text = { 0 };
	struct proc_fdinfo info;
	snprintf(want, sizeof(want), "pipe:[%lu]", (unsigned long)pipe);
	snprintf(name, sizeof(name), "fd/%d", fd);
	if (readlinkat(t->proc_fd, name, is, sizeof(is) - 1) < 0 || strcmp(is, want) != 0)
		return false;
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return file_read_at(t->proc_fd, name, &text, NULL) == 0 && text.len &&
	       proc_fdinfo_parse(text.data, text.len, &info, NULL) == 0 &&
	       (info.flags & O_ACCMODE) == access;
}

/* @return the descriptor; -1: it has none */
static int find_end(const struct task *t, ino_t pipe, uint32_t access)
{
	struct proc_ids fds = { 0 };
	int found = -1;
	if (t->proc_fd >= 0 && proc_ids_of_dir(t->proc_fd, "fd", &fds, NULL) == 0)
		for (size_t i = 0; found < 0 && i < fds.nr; i++)
			if (is_end(t, fds.items[i], pipe, access))
				found = fds.items[i];
	free(fds.items);
	return found;
}

/* Who reads the requests: of the group, its leader first. */
static const struct task *find_daemon(const struct dump *d, pid_t group, ino_t pipe, int *read_end)
{
	const struct task *found = NULL;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		int fd = t->stat.pgid == group ? find_end(t, pipe, O_RDONLY) : -1;
		if (fd < 0 || (found && t->pid != group))
			continue;
		*read_end = fd;
		found = t;
	}
	return found;
}

static int check_requests(const struct task *t, int read_end, struct error *err)
{
	char name[32];
	int waiting = 0;
	snprintf(name, sizeof(name), "fd/%d", read_end);
	auto_fd fd = openat(t->proc_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FIONREAD, &waiting) < 0)
		return error_sys(err, "look into fd %d of pid %d", read_end, t->pid);
	if (waiting == 0)
		return 0;
	return error_set(err, EBUSY,
			 "somebody waits for pid %d to mount something there: try again later",
			 t->pid);
}

static int note_daemon(struct dump *d, const struct mnt *m, AutofsEntry *e, struct error *err)
{
	int64_t pipe;
	int read_end, rc = e->fd < 0 ? 0 : read_number(m, "pipe_ino", &pipe, err);
	if (rc < 0 || e->fd < 0)
		return rc;
	const struct task *t = find_daemon(d, e->pgrp, (ino_t)pipe, &read_end);
	if (!t && e->pgrp > 0 && kill(-e->pgrp, 0) < 0 && errno == ESRCH) {
		e->fd = -1; /* the kernel notes that when it asks next */
		return 0;
	}
	if (!t || t->pgid <= 0)
		return error_set(err, ENOTSUP,
				 "its daemon (process group %d) is no task of the tree: dump them "
				 "together, or make it external (--external mnt[%s]:NAME)",
				 e->pgrp, m->e->mountpoint);
	if (d->users)
		return error_set(err, ENOTSUP, "no user namespace can mount it again");
	e->pgrp = t->pgid;
	e->has_read_fd = !is_end(t, e->fd, (ino_t)pipe, O_WRONLY);
	e->read_fd = read_end;
	if (e->has_read_fd)
		pipe_note_writer(d, (ino_t)pipe); /* the kernel itself */
	return check_requests(t, read_end, err);
}

int mnt_autofs_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err)
{
	auto_message AutofsEntry *e = message_new(&autofs_entry__descriptor);
	(void)users; /* those are refused */
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	int rc = read_options(m, e, err);
	if (rc == 0)
		rc = note_daemon(d, m, e, err);
	if (rc == 0)
		rc = mnt_names_collect(dir, e, err);
	return rc < 0 ? rc
		      : image_write_one(d->images_fd, IMG_AUTOFS, m->e->root_dev, &e->base, err);
}

/* Restore. */

/* Options of mount(2): what the kernel tells, without the daemon. */
static int choose_options(const char *from, int pipe, struct strbuf *out)
{
	static const char *const not_to_set[] = { "fd=", "pgrp=", "pipe_ino=", "timeout=" };
	const char *word;
	size_t len;
	int rc = strbuf_printf(out, "fd=%d", pipe);
	while (rc == 0 && next_word(&from, &word, &len)) {
		bool set = true;
		for (size_t i = 0; i < ARRAY_SIZE(not_to_set); i++)
			set &= strncmp(word, not_to_set[i], strlen(not_to_set[i])) != 0;
		if (set)
			rc = strbuf_printf(out, ",%.*s", (int)len, word);
	}
	return rc;
}

/* It has to be made before there is no daemon, which this process plays. */
static int fill(struct restore *r, const struct autofs *a, struct error *err)
{
	unsigned long timeout = (unsigned long)a->e->timeout;
	int rc = mnt_names_make(r->mounts, a->source, a->e, a->dir, err);
	if (rc < 0)
		return rc;
	if (ioctl(a->dir, AUTOFS_IOC_SETTIMEOUT, &timeout) < 0)
		return error_sys(err, "set its timeout (%lu)", timeout);
	if (ioctl(a->dir, AUTOFS_IOC_CATATONIC, 0) < 0)
		return error_sys(err, "leave it without a daemon for the moment");
	return 0;
}

static struct autofs *find(struct autofs_set *set, const struct mnt_source *s)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->items[i].source == s)
			return &set->items[i];
	return NULL;
}

int mnt_autofs_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		     struct error *err)
{
	auto_strbuf options = { 0 };
	struct autofs *a = find(r->mounts->autofs, m->source);
	int ends[2];
	if (!a)
		return error_set(err, EINVAL, "no autofs");
	if (setpgid(0, 0) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "play the daemon of an autofs");
	auto_fd in = ends[0], out = ends[1];
	if (in < 0 || choose_options(m->e->options, out, &options) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (mount(m->e->source, name, "autofs", flags, options.data) < 0)
		return error_sys(err, "mount an autofs (%s)", options.data);
	a->dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir < 0)
		return error_sys(err, "open the new autofs");
	r->mounts->autofs->numbers[a - r->mounts->autofs->items] = a->dir;
	return fill(r, a, err);
}
