/* SPDX-License-Identifier: MIT
 * tmpfs, mqueue, binfmt_misc, devpts.
 */
#include "engine/ns/mnt-content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-reach.h"
#include "engine/ns/ns.h"
#include "images/reader.h"
#include "images/tree-archive.h"
#include "images/writer.h"

#define TMPFS_NAME  "tmpfs-dev-%u.tar.gz.img"
#define BINFMT_NAME "binfmt-misc.img"

struct archiving {
	int dir, fd, users;
	const char *name;
};

/* There owners have the numbers that they have in the tree. */
static int archive_as_user(void *ctx, struct error *err)
{
	const struct archiving *a = ctx;
	if (a->users >= 0 && setns(a->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace of the tree");
	return tree_archive_write(a->dir, a->fd, a->name, err);
}

/* Its root may have no right in the directory of images: the file is made by this process. */
int mnt_tmpfs_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err)
{
	char name[48];
	auto_image_writer w = NULL;
	struct stat here, images;
	struct archiving a = { .dir = dir, .users = users, .name = name };
	if (fstat(dir, &here) == 0 && fstat(d->images_fd, &images) == 0 &&
	    here.st_dev == images.st_dev)
		return error_set(err, EINVAL,
				 "its files are to be in the images, which are in it: give -D a "
				 "directory on another file system");
	snprintf(name, sizeof(name), TMPFS_NAME, m->e->root_dev);
	int rc = image_create(d->images_fd, IMG_TMPFS_DEV, m->e->root_dev, &w, err);
	a.fd = rc < 0 ? rc : image_writer_fd(w, err);
	rc = a.fd;
	if (rc >= 0)
		rc = users >= 0 ? ns_aside(archive_as_user, &a, err) : archive_as_user(&a, err);
	return rc < 0 ? rc : image_finish(w, err);
}

/* By the number of its device; by that of the mount in old images. */
int mnt_tmpfs_open(struct restore *r, const struct mnt *m, struct istream **out, struct error *err)
{
	char name[48], older[48];
	snprintf(name, sizeof(name), TMPFS_NAME, m->e->root_dev);
	int rc = source_open_member(r->images, name, out, err);
	if (rc != -ENOENT)
		return rc;
	snprintf(older, sizeof(older), "tmpfs-%u.tar.gz.img", m->e->mnt_id);
	return source_open_member(r->images, older, out, NULL) == 0 ? 0 : rc;
}

int mnt_tmpfs_fill(struct istream *in, const struct mnt *m, int dir, struct error *err)
{
	char name[48];
	snprintf(name, sizeof(name), TMPFS_NAME, m->e->root_dev);
	int rc = tree_archive_extract(in, dir, name, err);
	istream_close(in);
	return rc;
}

/* @return 1 with a name; 0: there is none */
static int any_file(int dir, char *out, size_t size, struct error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir list = copy < 0 ? NULL : fdopendir(copy);
	if (!list)
		return error_sys(err, "read a directory");
	struct dirent *de;
	while ((de = readdir(list)) != NULL) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(out, size, "%s", de->d_name);
		return 1;
	}
	return 0;
}

int mnt_mqueue_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err)
{
	char name[256];
	(void)users;
	if (m->e->has_ipc_ns || ns_is_apart(d, NS_IPC)) /* mqueue.h has them */
		return 0;
	int rc = any_file(dir, name, sizeof(name), err);
	if (rc <= 0)
		return rc;
	return error_set(err, ENOTSUP,
			 "%s/%s: POSIX message queues are carried only with an IPC namespace of "
			 "the tree's own: remove it before the dump",
			 m->e->mountpoint, name);
}

/* "616263" as the kernel shows it is \x61\x62\x63 to it. */
static int add_bytes(struct strbuf *sb, const char *hex)
{
	int rc = 0;
	for (; rc == 0 && hex && hex[0] && hex[1]; hex += 2)
		rc = strbuf_printf(sb, "\\x%c%c", hex[0], hex[1]);
	return rc;
}

/* ":name:type:offset:magic:mask:interpreter:flags" */
static int describe_format(const BinfmtMiscEntry *e, struct strbuf *sb)
{
	int rc = strbuf_printf(sb, ":%s:%c:", e->name, e->magic ? 'M' : 'E');
	if (rc == 0 && e->magic)
		rc = strbuf_printf(sb, "%d:", e->offset);
	else if (rc == 0)
		rc = strbuf_printf(sb, ":%s", e->extension ? e->extension : "");
	if (rc == 0 && e->magic)
		rc = add_bytes(sb, e->magic);
	if (rc == 0)
		rc = strbuf_char(sb, ':');
	if (rc == 0 && e->magic)
		rc = add_bytes(sb, e->mask);
	return rc < 0 ? rc : strbuf_printf(sb, ":%s:%s", e->interpreter, e->flags ? e->flags : "");
}

static int write_file(int dir, const char *name, const char *text, struct error *err)
{
	auto_fd fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_sys(err, "binfmt_misc: open %s", name);
	int rc = fd_write_full(fd, text, strlen(text));
	return rc < 0 ? error_code(err, rc, "binfmt_misc: write %s to %s", text, name) : 0;
}

static int add_format(int dir, const BinfmtMiscEntry *e, struct error *err)
{
	auto_strbuf line = { 0 };
	struct stat st;
	if (!*e->name || strchr(e->name, '/'))
		return error_set(err, EBADMSG, "a binary format is named \"%.100s\"", e->name);
	if (fstatat(dir, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* one for all: the machine's own */
	if (describe_format(e, &line) < 0)
		return error_set(err, ENOMEM, "out of memory");
	int rc = write_file(dir, "register", line.data, err);
	return rc < 0 || e->enabled ? rc : write_file(dir, e->name, "0", err);
}

int mnt_binfmt_open(struct restore *r, const struct mnt *m, struct istream **out, struct error *err)
{
	char older[48];
	int rc = source_open_member(r->images, BINFMT_NAME, out, err);
	if (rc != -ENOENT)
		return rc;
	snprintf(older, sizeof(older), "binfmt-misc-%u.img", m->e->root_dev);
	rc = source_open_member(r->images, older, out, err);
	return rc == -ENOENT ? 0 : rc;
}

int mnt_binfmt_fill(struct istream *in, const struct mnt *m, int dir, struct error *err)
{
	auto_image_reader reader = NULL;
	(void)m;
	int rc = image_open_stream(in, BINFMT_NAME, &reader, err);
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(reader, &msg, err);
		if (rc <= 0)
			break;
		rc = add_format(dir, (const BinfmtMiscEntry *)msg, err);
	}
	return rc;
}

#define HOST_DEVPTS "/dev/pts"

/* The instance of the host, if it was that one: its mounts alone have not been made as new. */
int mnt_devpts_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		     struct error *err)
{
	struct statfs fs;
	(void)r;
	if (!strstr(m->e->options, "newinstance") && statfs(HOST_DEVPTS, &fs) == 0 &&
	    fs.f_type == DEVPTS_SUPER_MAGIC) {
		if (mount(HOST_DEVPTS, name, NULL, MS_BIND, NULL) < 0)
			return error_sys(err, "mount %s of the host", HOST_DEVPTS);
		return 0;
	}
	if (mount(m->e->source, name, "devpts", flags, m->e->options) < 0)
		return error_sys(err, "mount a devpts (%s)", m->e->options);
	return 0;
}

static bool is_dumped(const struct mnt_source *s, uint32_t ns)
{
	return s->kind == MNT_FROM_NEW && s->of->ns == ns && s->of->fs->dump;
}

int mnt_source_open(const struct mnt_tree *tree, const struct mnt_source *s, int users,
		    struct error *err)
{
	int fd = -ENOENT;
	for (size_t i = 0; fd == -ENOENT && i < tree->nr; i++) {
		const struct mnt *m = tree->items[i];
		if (m->ns == s->of->ns && m->source == s && mnt_is_fs_root(m))
			fd = mnt_reach(m, err);
	}
	return fd == -ENOENT ? mnt_reach_hidden(tree, s->of, users, err) : fd;
}

int mnt_contents_open(const struct mnt_tree *tree, uint32_t ns, int users, struct error *err)
{
	for (size_t i = 0; i < tree->sources.nr; i++) {
		struct mnt_source *s = tree->sources.items[i];
		if (!is_dumped(s, ns))
			continue;
		s->fd = mnt_source_open(tree, s, users, err);
		if (s->fd < 0)
			return s->fd;
	}
	return 0;
}

int mnt_contents_dump(struct dump *d, const struct mnt_tree *tree, uint32_t ns, int users,
		      struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < tree->sources.nr; i++) {
		const struct mnt_source *s = tree->sources.items[i];
		if (!is_dumped(s, ns))
			continue;
		int rc = s->of->fs->dump(d, s->of, s->fd, users, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(s->of, name));
	}
	return 0;
}
