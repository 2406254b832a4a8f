/* SPDX-License-Identifier: MIT
 * Sources, and mounts cut out of them.
 */
#include "engine/ns/mnt-make.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-deleted.h"
#include "engine/ns/mnt-external.h"
#include "engine/ns/mnt-owned.h"
#include "engine/ns/mnt-pids.h"
#include "engine/ns/mnt-shown.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#define MS_NOSYMFOLLOW_ 256
#define ST_NOSYMFOLLOW_ 0x2000
#define OF_MOUNTS       (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define CLONE_FLAGS     (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)

/* Clones of what the user named: still with the groups of the host's mounts. */
static int open_one(struct restore *r, struct mnt_source *s, struct error *err)
{
	const char *path = r->opts->root;
	int rc = s->kind == MNT_FROM_EXTERNAL ? mnt_external_path(r->opts, s->of, &path, err) : 0;
	if (rc < 0)
		return rc;
	/* what is relative begins at the root of the host, as with CRIU */
	auto_fd host =
	    s->kind == MNT_FROM_EXTERNAL ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	s->fd = open_tree(host < 0 ? AT_FDCWD : host, path, CLONE_FLAGS | AT_NO_AUTOMOUNT);
	if (s->fd < 0 && s->kind == MNT_FROM_ROOT)
		return error_sys(err, "--root %s", path);
	return s->fd < 0
		   ? error_sys(err, "%s, for the external mount %s", path, s->of->e->mountpoint)
		   : 0;
}

int mnt_yard_open(struct error *err)
{
	auto_fd fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_sys(err, "make a tmpfs to build mounts in");
	auto_fd yard = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (yard < 0 || move_mount(yard, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_sys(err, "mount a tmpfs to build mounts in");
	return take_fd(yard);
}

static bool is_dir(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_place(int yard, const char *name, bool dir, struct error *err)
{
	int rc = dir ? mkdirat(yard, name, 0700) : mknodat(yard, name, S_IFREG | 0600, 0);
	return rc < 0 ? error_sys(err, "make a place to mount on") : 0;
}

int mnt_place_outside(struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->sources.nr; i++) {
		const struct mnt_source *s = tree->sources.items[i];
		if (s->fd < 0)
			continue;
		rc = make_place(tree->yard, s->name, is_dir(s->fd), err);
		if (rc == 0 &&
		    move_mount(s->fd, "", tree->yard, s->name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			rc = error_sys(err, "mount what is to be %s", s->of->e->mountpoint);
	}
	return rc;
}

struct making {
	struct restore *r;
	struct mnt_source *s;
	int yard;
};

int mnt_mount(struct restore *r, const struct mnt_source *s, const char *name, struct error *err)
{
	const struct mnt *m = s->of;
	const char *device, *type = m->fs->name ? m->fs->name : m->e->fsname;
	unsigned long flags = m->e->sb_flags | (m->e->flags & OF_MOUNTS);
	int rc = mnt_device_path(r->opts, m, &device, err);
	if (rc < 0)
		return rc;
	if (m->fs->traits & FS_CONTENTS)
		flags &= ~(unsigned long)MS_RDONLY;
	if (m->fs->mount)
		return m->fs->mount(r, m, name, flags, err);
	if (mount(device, name, type, flags, m->e->options) == 0)
		return 0;
	bool lacks = errno == EINVAL && strstr(m->e->options, "context=") &&
		     access("/sys/fs/selinux/enforce", F_OK) < 0;
	return error_sys(err, "mount a %s (%s)%s", type, m->e->options,
			 lacks ? ", whose context needs SELinux, which does not run here" : "");
}

static int mount_new(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	if (fchdir(making->yard) < 0)
		return error_sys(err, "change to where mounts are built");
	return mnt_mount(making->r, making->s, making->s->name, err);
}

/* Mounted in a namespace that ends at once, and what is left is a clone of it. */
static int mount_for_users(void *ctx, struct error *err)
{
	struct making *making = ctx;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make a mount namespace");
	auto_fd yard = mnt_yard_open(err);
	if (yard < 0)
		return yard;
	making->yard = yard;
	int rc = make_place(yard, making->s->name, true, err);
	if (rc == 0)
		rc = mount_new(making, err);
	if (rc < 0)
		return rc;
	making->s->fd = open_tree(yard, making->s->name, CLONE_FLAGS);
	return making->s->fd < 0 ? error_sys(err, "clone a mount") : 0;
}

/* By who is master of it. */
static int mount_inside(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	int rc = mnt_owned_enter(making->r, making->s->of, err);
	return rc < 0 ? rc : mount_for_users(ctx, err);
}

static int fill_inside(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	struct mnt_source *s = making->s;
	int rc = mnt_owned_act(making->r, s->of, err);
	return rc < 0 ? rc : s->of->fs->fill(take_ptr(s->content), s->of, s->fd, err);
}

static int make_inside(struct making *making, struct error *err)
{
	struct mnt_source *s = making->s;
	int yard = making->yard, rc = ns_aside(mount_inside, making, err);
	if (rc == 0 && move_mount(s->fd, "", yard, s->name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		rc = error_sys(err, "mount it where mounts are made");
	return rc < 0 || !s->content ? rc : ns_aside(fill_inside, making, err);
}

int mnt_open_outside(struct restore *r, struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->sources.nr; i++) {
		struct mnt_source *s = tree->sources.items[i];
		const struct mnt_fs *fs = s->of->fs;
		snprintf(s->name, sizeof(s->name), "%zu", i);
		if (s->kind != MNT_FROM_NEW)
			rc = open_one(r, s, err);
		else if (r->users && (fs->traits & FS_HOST))
			rc = ns_aside(mount_for_users, &(struct making){ r, s, -1 }, err);
		else if (fs->open)
			rc = fs->open(r, s->of, &s->content, err);
	}
	return rc;
}

int mnt_make_source(struct restore *r, struct mnt_tree *tree, struct mnt_source *s,
		    struct error *err)
{
	char name[MNT_NAME_MAX];
	struct making making = { r, s, tree->yard };
	bool dir = !(s->of->fs->traits & FS_FILE);
	int rc = faccessat(tree->yard, s->name, F_OK, 0) == 0
		     ? 0
		     : make_place(tree->yard, s->name, dir, err);
	if (rc == 0 && s->of->e->has_user_ns) {
		rc = make_inside(&making, err);
		return rc < 0 ? error_wrap(err, rc, "%s", mnt_name(s->of, name)) : 0;
	}
	if (rc == 0)
		rc = s->of->fs->traits & FS_PIDS
			 ? mnt_pids_aside(tree, s, mount_new, &making, err)
			 : mnt_shown_aside(r, s->of, mount_new, &making, err);
	if (rc == 0) {
		s->fd = openat(tree->yard, s->name, O_PATH | O_CLOEXEC);
		rc = s->fd < 0 ? error_sys(err, "open the new mount") : 0;
	}
	if (rc == 0 && s->content)
		rc = s->of->fs->fill(take_ptr(s->content), s->of, s->fd, err);
	return rc < 0 ? error_wrap(err, rc, "%s", mnt_name(s->of, name)) : 0;
}

int mnt_make_sources(struct restore *r, struct mnt_tree *tree, bool late, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->sources.nr; i++) {
		struct mnt_source *s = tree->sources.items[i];
		if (s->kind == MNT_FROM_NEW && s->fd < 0 && s->late == late && !s->inside)
			rc = mnt_make_source(r, tree, s, err);
	}
	return rc;
}

static int open_part(const struct mnt_source *s, const char *path, struct error *err)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	if (!(s->of->fs->traits & FS_DEMAND))
		how.resolve |= RESOLVE_NO_XDEV;
	int part = (int)syscall(SYS_openat2, s->fd, path, &how, sizeof(how));
	return part < 0 ? error_sys(err, "open %s", path) : part;
}

int mnt_clone(const struct mnt_source *s, const char *root, struct error *err)
{
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	const char *rest = mnt_below(root, s->root);
	auto_fd part = *rest ? open_part(s, rest, err) : -1;
	if (*rest && part < 0)
		return part;
	auto_fd fd = open_tree(*rest ? part : s->fd, "", CLONE_FLAGS | AT_EMPTY_PATH);
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &alone, sizeof(alone)) < 0)
		return error_sys(err, "clone a mount");
	return take_fd(fd);
}

const struct mnt_flag mnt_flags[MNT_FLAGS] = {
	{ ST_RDONLY, MS_RDONLY, MOUNT_ATTR_RDONLY, .lockable = true },
	{ ST_NOSUID, MS_NOSUID, MOUNT_ATTR_NOSUID, .lockable = true },
	{ ST_NODEV, MS_NODEV, MOUNT_ATTR_NODEV, .lockable = true },
	{ ST_NOEXEC, MS_NOEXEC, MOUNT_ATTR_NOEXEC, .lockable = true },
	{ ST_NODIRATIME, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ ST_NOSYMFOLLOW_, MS_NOSYMFOLLOW_, MOUNT_ATTR_NOSYMFOLLOW },
};

static uint64_t atime_of(bool noatime, bool strict)
{
	return noatime ? MOUNT_ATTR_NOATIME : strict ? MOUNT_ATTR_STRICTATIME : MOUNT_ATTR_RELATIME;
}

/* Only what differs: some flags of mounts of a user namespace's outside are locked. */
int mnt_set_flags(int fd, uint32_t flags)
{
	struct statvfs now;
	struct mount_attr attr = { 0 };
	if (fstatvfs(fd, &now) < 0)
		return -errno;
	for (size_t i = 0; i < MNT_FLAGS; i++) {
		bool is = now.f_flag & mnt_flags[i].st, want = flags & mnt_flags[i].ms;
		/* a file system is read-only by itself as well, its mount may be or not */
		if (want && (!is || mnt_flags[i].ms == MS_RDONLY))
			attr.attr_set |= mnt_flags[i].attr;
		else if (is && !want)
			attr.attr_clr |= mnt_flags[i].attr;
	}
	uint64_t atime = atime_of(flags & MS_NOATIME, flags & MS_STRICTATIME);
	if (atime != atime_of(now.f_flag & ST_NOATIME, !(now.f_flag & ST_RELATIME))) {
		attr.attr_clr |= MOUNT_ATTR__ATIME;
		attr.attr_set |= atime;
	}
	attr.propagation = flags & (MS_UNBINDABLE | MS_PRIVATE);
	int rc = mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	if (rc < 0 && errno == EPERM && (attr.attr_clr & MOUNT_ATTR_RDONLY)) {
		attr.attr_clr &= ~(uint64_t)MOUNT_ATTR_RDONLY; /* locked: nobody can write there */
		rc = mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	}
	return rc < 0 ? -errno : 0;
}

static int cut_one(const struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	int rc = mnt_deleted_make(tree, m, err);
	if (rc < 0)
		return rc;
	m->fd = mnt_clone(m->source, m->e->root, err);
	if (m->fd < 0)
		return m->fd;
	/* files that are only there for a moment may have to be made in it */
	rc = mnt_set_flags(m->fd, m->e->flags & ~(uint32_t)MS_RDONLY);
	return rc < 0 ? error_code(err, rc, "set its flags (%#x)", m->e->flags) : 0;
}

int mnt_cut_of(struct mnt_tree *tree, const struct mnt_source *s, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *m = tree->order[i];
		if (m->source == s && m->fd < 0)
			rc = cut_one(tree, m, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(m, name));
	}
	return rc;
}

int mnt_cut(struct mnt_tree *tree, bool late, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *m = tree->order[i];
		if (m->late == late && m->fd < 0 && m->source->fd >= 0)
			rc = cut_one(tree, m, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(m, name));
	}
	return rc;
}

int mnt_close_sources(const struct mnt_tree *tree, struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < tree->sources.nr; i++) {
		const struct mnt_source *s = tree->sources.items[i];
		unsigned long flags = s->of->e->sb_flags;
		if (s->kind != MNT_FROM_NEW || !(s->of->fs->traits & FS_CONTENTS) ||
		    !(flags & MS_RDONLY))
			continue;
		if (fchdir(tree->yard) < 0 ||
		    mount(NULL, s->name, NULL, MS_REMOUNT | flags, NULL) < 0)
			return error_sys(err, "%s: make its file system read-only",
					 mnt_name(s->of, name));
	}
	return 0;
}
