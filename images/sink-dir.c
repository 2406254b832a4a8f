/* SPDX-License-Identifier: MIT
 * Staged members into directories: a new one, or one that is there.
 */
#include "images/sink-dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/new-dir.h"
#include "base/replace.h"
#include "images/seekable.h"

#define DEPTH_MAX 32 /* of folders; two descriptors each */

static int make_folder(int dir, const char *path)
{
	return mkdirat(dir, path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

/* "volumes/a/b.tar": the folders volumes and volumes/a. */
static int make_folders(int dir, const char *name)
{
	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		auto_free char *folder = strndup(name, (size_t)(slash - name));
		if (!folder)
			return -ENOMEM;
		int rc = make_folder(dir, folder);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sink_dir_create(struct sink_stage *stage, const char *path, const char *target,
		    struct error *err)
{
	char file[24];
	const mode_t of_files = mode_of_new(0666);
	for (size_t i = 0; i < stage->members.nr; i++) {
		const struct sink_member *m = &stage->members.items[i];
		if (m->removed)
			continue;
		int rc = make_folders(stage->dir, m->path);
		if (rc == 0 && m->folder)
			rc = make_folder(stage->dir, m->path);
		if (rc == 0 && !m->link && !m->folder)
			fchmodat(stage->dir, sink_member_file(m, file), m->mode ?: of_files, 0);
		if (rc == 0 && !m->folder &&
		    renameat2(stage->dir, sink_member_file(m, file), stage->dir, m->path,
			      RENAME_NOREPLACE) < 0)
			rc = -errno;
		if (rc < 0)
			return error_code(err, rc, "%s: name %s", target, m->path);
	}
	if (fchmod(stage->dir, mode_of_new(0777)) < 0 || rename(path, target) < 0)
		return error_sys(err, "create %s", target);
	return 0;
}

/* A staged file gets owner and permissions of the one whose place it takes; a link has none. */
static void take_looks(const struct sink_stage *stage, const struct sink_member *m,
		       const struct stat *old)
{
	char file[24];
	sink_member_file(m, file);
	if (m->link)
		return;
	fchmodat(stage->dir, file, S_ISLNK(old->st_mode) ? mode_of_new(0666) : old->st_mode & 07777,
		 0);
	(void)!fchownat(stage->dir, file, old->st_uid, old->st_gid, 0);
}

static const struct sink_member *find(const struct sink_stage *stage, const char *path)
{
	for (size_t i = 0; i < stage->members.nr; i++) {
		if (!strcmp(stage->members.items[i].path, path))
			return &stage->members.items[i];
	}
	return NULL;
}

/* What pages are called that are compressed now, or not any more. @return owned; NULL: no memory */
static char *other_form(const char *path)
{
	char *other;
	size_t plain = seekable_name(path);
	int len = plain ? asprintf(&other, "%.*s", (int)plain, path)
			: asprintf(&other, "%s" SEEKABLE_SUFFIX, path);
	return len < 0 ? NULL : other;
}

/* Of what a new file takes the place of under another name. */
static bool stat_other_form(const struct sink_stage *stage, int dir, const char *path,
			    struct stat *st)
{
	char old[32];
	auto_free char *other = other_form(path);
	const struct sink_member *m = other ? find(stage, other) : NULL;
	if (!m || !m->removed)
		return false;
	snprintf(old, sizeof(old), "o%u", m->number);
	return fstatat(dir, other, st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       fstatat(stage->dir, old, st, AT_SYMLINK_NOFOLLOW) == 0;
}

struct step {
	bool moved;  /* what was there is in the stage, as "oN" */
	bool placed; /* the new one is there */
};

/* One step of a commit in place, which can be taken back. */
static int replace_one(const struct sink_stage *stage, int dir, const struct sink_member *m,
		       struct step *step)
{
	char file[24], old[32];
	struct stat st;
	snprintf(old, sizeof(old), "o%u", m->number);
	bool had = fstatat(dir, m->path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (had && renameat(dir, m->path, stage->dir, old) < 0)
		return -errno;
	step->moved = had;
	if (m->removed)
		return 0;
	if (had || stat_other_form(stage, dir, m->path, &st))
		take_looks(stage, m, &st);
	if (renameat(stage->dir, sink_member_file(m, file), dir, m->path) < 0)
		return -errno;
	step->placed = true;
	return 0;
}

/* @return false: something of what was there could not be put back and is still in the stage */
static bool take_back(const struct sink_stage *stage, int dir, const struct step *steps, size_t nr)
{
	bool whole = true;
	char old[32];
	while (nr-- > 0) {
		const struct sink_member *m = &stage->members.items[nr];
		snprintf(old, sizeof(old), "o%u", m->number);
		if (steps[nr].moved)
			whole = renameat(stage->dir, old, dir, m->path) == 0 && whole;
		else if (steps[nr].placed)
			unlinkat(dir, m->path, 0);
	}
	return whole;
}

/* The only copies of what was in the target stay where they are, under their own names. */
static int keep_stage(struct sink_stage *stage, const struct step *steps, size_t failed,
		      const char *path, const char *target, int rc, struct error *err)
{
	char old[32];
	const struct sink_member *items = stage->members.items;
	for (size_t i = 0; i <= failed; i++) {
		snprintf(old, sizeof(old), "o%u", items[i].number);
		if (steps[i].moved)
			renameat(stage->dir, old, stage->dir, items[i].name);
	}
	stage->keep = true;
	return error_code(err, rc,
			  "%s: replace %s, and put back what was there: it is left in %s: move it "
			  "from there",
			  target, items[failed].name, path);
}

static int replace_each(struct sink_stage *stage, int dir, const char *path, const char *target,
			struct error *err)
{
	size_t nr = stage->members.nr;
	auto_free struct step *steps = calloc(nr + 1, sizeof(*steps));
	if (!steps)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		int rc = replace_one(stage, dir, &stage->members.items[i], &steps[i]);
		if (rc < 0 && !take_back(stage, dir, steps, i + 1))
			return keep_stage(stage, steps, i, path, target, rc, err);
		if (rc < 0)
			return error_code(err, rc, "%s: replace %s", target,
					  stage->members.items[i].name);
	}
	return 0;
}

/* Whoever works there would be left in a directory without a name. */
static bool is_working_dir(const struct stat *st)
{
	struct stat here;
	return stat(".", &here) < 0 || (st->st_dev == here.st_dev && st->st_ino == here.st_ino);
}

/* A copy of the directory would lack them. */
static bool has_acl(int dir)
{
	return fgetxattr(dir, "system.posix_acl_access", NULL, 0) > 0 ||
	       fgetxattr(dir, "system.posix_acl_default", NULL, 0) > 0;
}

/* A directory of what is replaced, and the one that will stand for it. */
struct twin {
	int from, to;
	const char *path; /* "", "checkpoint/" */
	unsigned depth;
};

static bool link_rest(const struct sink_stage *stage, const struct twin *twin);

static bool link_folder(const struct sink_stage *stage, const struct twin *above, const char *name,
			const char *path, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	auto_fd from = openat(above->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || mkdirat(above->to, name, 0700) < 0)
		return false;
	auto_fd to = openat(above->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *inside = NULL;
	if (to < 0 || asprintf(&inside, "%s/", path) < 0) {
		inside = NULL;
		return false;
	}
	const struct twin twin = { from, to, inside, above->depth + 1 };
	if (!link_rest(stage, &twin))
		return false;
	return fchown(to, st->st_uid, st->st_gid) == 0 && fchmod(to, st->st_mode & 07777) == 0 &&
	       futimens(to, times) == 0;
}

static bool link_one(const struct sink_stage *stage, const struct twin *twin, const char *name)
{
	struct stat st, own;
	auto_free char *path = NULL;
	if (asprintf(&path, "%s%s", twin->path, name) < 0) {
		path = NULL;
		return false;
	}
	if (fstatat(twin->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || fstat(stage->dir, &own) < 0)
		return false;
	if (st.st_dev == own.st_dev && st.st_ino == own.st_ino)
		return true;
	const struct sink_member *m = find(stage, path);
	auto_free char *other = m && m->removed ? other_form(path) : NULL;
	const struct sink_member *heir = other ? find(stage, other) : m;
	if (heir)
		take_looks(stage, heir, &st);
	if (m)
		return true;
	if (S_ISDIR(st.st_mode))
		return link_folder(stage, twin, name, path, &st);
	else
		return linkat(twin->from, name, twin->to, name, 0) == 0;
	return true;
}

/*
 * What stays is linked into the new directory, folder by folder. @return false when a directory of
 * its own cannot be made of it: something is mounted in it or in use, or the file system has no
 * hard links
 */
static bool link_rest(const struct sink_stage *stage, const struct twin *twin)
{
	struct stat st;
	auto_fd fd = openat(twin->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return false;
	take_fd(fd);
	if (twin->depth > DEPTH_MAX || fstat(twin->from, &st) < 0 || is_working_dir(&st) ||
	    has_acl(twin->from))
		return false;
	const struct dirent *de;
	while ((de = readdir(d))) {
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..") &&
		    !link_one(stage, twin, de->d_name))
			return false;
	}
	return true;
}

/* From the staging directory, or back to it. @return 0 or -errno */
static int move_staged(const struct sink_stage *stage, int dir, bool back)
{
	char file[24];
	int rc = 0;
	for (size_t i = 0; i < stage->members.nr; i++) {
		const struct sink_member *m = &stage->members.items[i];
		if (m->removed)
			continue;
		sink_member_file(m, file);
		if ((back ? renameat(dir, m->path, stage->dir, file)
			  : renameat(stage->dir, file, dir, m->path)) < 0)
			rc = -errno;
	}
	return rc;
}

/* All at once. @return 1 done; 0 it cannot be done here, and nothing is changed; -errno */
static int swap(struct sink_stage *stage, int dir, const char *target, struct error *err)
{
	auto_new_dir new = { .fd = -1 };
	struct error why;
	if (new_dir_open(target, true, &new, NULL) < 0)
		return 0;
	const struct twin twin = { dir, new.fd, "", 0 };
	if (!link_rest(stage, &twin))
		return 0;
	int rc = move_staged(stage, new.fd, false);
	if (rc == 0)
		rc = new_dir_commit(&new, &why);
	if (rc == 0)
		return 1;
	if (!new.temp)
		return error_set(err, rc, "%s", why.text);
	move_staged(stage, new.fd, true);
	return 0;
}

/* What is around a single file does not matter then: it takes its place in one step. */
static bool is_one_file(const struct sink_stage *stage)
{
	const struct sink_member *m = stage->members.items;
	return stage->members.nr == 1 && !m->removed && !m->folder;
}

static int replace_file(const struct sink_stage *stage, int dir, const char *target,
			struct error *err)
{
	char file[24];
	struct stat st;
	const struct sink_member *m = stage->members.items;
	if (fstatat(dir, m->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		take_looks(stage, m, &st);
	return renameat(stage->dir, sink_member_file(m, file), dir, m->path) < 0
		   ? error_sys(err, "%s: replace %s", target, m->name)
		   : 0;
}

int sink_dir_replace(struct sink_stage *stage, const char *path, const char *target,
		     struct error *err)
{
	auto_fd dir = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "open %s", target);
	if (is_one_file(stage))
		return replace_file(stage, dir, target, err);
	int rc = swap(stage, dir, target, err);
	return rc ? (rc < 0 ? rc : 0) : replace_each(stage, dir, path, target, err);
}
