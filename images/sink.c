/* SPDX-License-Identifier: MIT
 * Sinks: members are staged in a directory beside the target, then everything moves at once.
 */
#include "images/sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/replace.h"
#include "images/sink-archive.h"

struct sink {
	char *target;       /* directory or archive */
	char *stage_path;   /* NULL once it is gone */
	struct source *src; /* whose other members are kept; NULL: new */
	char *old;          /* the archive it is; NULL: the target */
	bool archive;
	struct sink_stage stage;
	int fd; /* of the member at hand, or -1 */
};

static int make_stage(struct sink *sink, const char *where, struct error *err)
{
	if (asprintf(&sink->stage_path, "%s.stasis-XXXXXX", where) < 0) {
		sink->stage_path = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	if (!mkdtemp(sink->stage_path)) {
		int rc = error_sys(err, "make a directory beside %s", sink->target);
		free(take_ptr(sink->stage_path));
		return rc;
	}
	sink->stage.dir = open(sink->stage_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sink->stage.dir < 0 ? error_sys(err, "open %s", sink->stage_path) : 0;
}

static bool is_empty_dir(const char *path)
{
	auto_dir dir = opendir(path);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	}
	return dir != NULL;
}

static int sink_new(const char *path, struct source *src, bool archive, const char *where,
		    struct sink **out, struct error *err)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_set(err, ENOMEM, "out of memory");
	sink->fd = sink->stage.dir = -1;
	sink->src = src;
	sink->archive = archive;
	sink->target = strdup(path);
	/* "dir/" is called as "dir" */
	for (size_t len = sink->target ? strlen(sink->target) : 0;
	     len > 1 && sink->target[len - 1] == '/';)
		sink->target[--len] = 0;
	int rc = sink->target ? make_stage(sink, where ? where : sink->target, err)
			      : error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		sink_close(sink);
	else
		*out = sink;
	return rc;
}

int sink_create(const char *path, struct sink **out, struct error *err)
{
	struct stat st;
	bool archive = sink_names_archive(path);
	if (lstat(path, &st) == 0 && !archive && !(S_ISDIR(st.st_mode) && is_empty_dir(path)))
		return error_set(err, EEXIST,
				 "%s exists: want a new or empty directory, or a name "
				 "that ends in .tar, .tar.gz or .tar.zst",
				 path);
	return sink_new(path, NULL, archive, NULL, out, err);
}

int sink_in_place(struct source *src, const char *path, struct sink **out, struct error *err)
{
	bool archive = source_is_archive(src);
	auto_free char *inside = NULL;
	if (!archive && asprintf(&inside, "%s/", path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return sink_new(path, src, archive, inside, out, err);
}

int sink_create_from(struct source *src, const char *path, const char *out_path, struct sink **out,
		     struct error *err)
{
	auto_free char *old = strdup(path);
	if (!old)
		return error_set(err, ENOMEM, "out of memory");
	int rc = sink_new(out_path, src, true, NULL, out, err);
	if (rc == 0)
		(*out)->old = take_ptr(old);
	return rc;
}

bool sink_keeps_rest(const struct sink *sink)
{
	return sink->src != NULL;
}

static struct sink_member *find(struct sink *sink, const char *name)
{
	for (size_t i = 0; i < sink->stage.members.nr; i++)
		if (!strcmp(sink->stage.members.items[i].name, name))
			return &sink->stage.members.items[i];
	return NULL;
}

/* Where a member is in the archive; a new one goes to the images. */
static char *path_in_archive(struct sink *sink, const char *name)
{
	const struct source_member *members;
	ssize_t nr = sink->src ? source_list(sink->src, &members, NULL) : 0;
	size_t prefix = 0;
	const char *with_prefix = NULL;
	for (ssize_t i = 0; i < nr; i++) {
		if (!strcmp(members[i].name, name))
			return strdup(members[i].path);
		if (!strcmp(members[i].name, "inventory.img") ||
		    !strcmp(members[i].name, "pstree.img")) {
			with_prefix = members[i].path;
			prefix = strlen(members[i].path) - strlen(members[i].name);
		}
	}
	char *path;
	return asprintf(&path, "%.*s%s", (int)prefix, with_prefix ? with_prefix : "", name) < 0
		   ? NULL
		   : path;
}

bool sink_has(struct sink *sink, const char *name)
{
	return find(sink, name) != NULL;
}

static bool is_plain(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

static int add_member(struct sink *sink, const char *name, struct sink_member **out,
		      struct error *err)
{
	if (!sink->archive && !is_plain(name))
		return error_set(err, EINVAL, "%s: no name for a file in %s", name, sink->target);
	if (find(sink, name))
		return error_set(err, EEXIST, "%s: %s is written twice", sink->target, name);
	struct sink_member *m = array_add(&sink->stage.members);
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	m->number = (unsigned)sink->stage.members.nr;
	m->name = strdup(name);
	m->path = sink->archive ? path_in_archive(sink, name) : strdup(name);
	if (!m->name || !m->path) {
		free(m->name);
		free(m->path);
		sink->stage.members.nr--;
		return error_set(err, ENOMEM, "out of memory");
	}
	*out = m;
	return 0;
}

int sink_begin(struct sink *sink, const char *name, struct error *err)
{
	struct sink_member *m;
	char file[24];
	int rc = add_member(sink, name, &m, err);
	if (rc < 0)
		return rc;
	sink->fd = openat(sink->stage.dir, sink_member_file(m, file),
			  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return sink->fd < 0 ? error_sys(err, "%s: create %s", sink->target, name) : sink->fd;
}

int sink_end(struct sink *sink, struct error *err)
{
	int fd = take_fd(sink->fd);
	return close(fd) < 0 && errno != EINTR ? error_sys(err, "%s: write", sink->target) : 0;
}

int sink_copy(struct sink *sink, struct source *src, const char *name, struct error *err)
{
	auto_istream in = NULL;
	int rc = source_open_member(src, name, &in, err);
	int fd = rc < 0 ? rc : sink_begin(sink, name, err);
	if (fd < 0)
		return fd;
	rc = istream_copy(in, fd, name, err);
	return rc < 0 ? rc : sink_end(sink, err);
}

int sink_link(struct sink *sink, const char *name, const char *target, struct error *err)
{
	struct sink_member *m;
	char file[24];
	int rc = add_member(sink, name, &m, err);
	if (rc < 0)
		return rc;
	m->link = strdup(target);
	if (!m->link)
		return error_set(err, ENOMEM, "out of memory");
	return symlinkat(target, sink->stage.dir, sink_member_file(m, file)) < 0
		   ? error_sys(err, "%s: link %s", sink->target, name)
		   : 0;
}

int sink_remove(struct sink *sink, const char *name, struct error *err)
{
	struct sink_member *m;
	int rc = add_member(sink, name, &m, err);
	if (rc == 0)
		m->removed = true;
	return rc;
}

/* The staging directory itself becomes the new one. */
static int commit_new_dir(struct sink *sink, struct error *err)
{
	char file[24];
	for (size_t i = 0; i < sink->stage.members.nr; i++) {
		const struct sink_member *m = &sink->stage.members.items[i];
		if (!m->removed && renameat2(sink->stage.dir, sink_member_file(m, file),
					     sink->stage.dir, m->name, RENAME_NOREPLACE) < 0)
			return error_sys(err, "%s: name %s", sink->target, m->name);
	}
	mode_t mask = umask(0);
	umask(mask);
	if (fchmod(sink->stage.dir, 0777 & ~mask) < 0 || rename(sink->stage_path, sink->target) < 0)
		return error_sys(err, "create %s", sink->target);
	free(take_ptr(sink->stage_path));
	return 0;
}

struct step {
	bool moved;  /* what was there is in the stage, as "oN" */
	bool placed; /* the new one is there */
};

/* One step of a commit in place, which can be taken back. */
static int replace_one(const struct sink *sink, int dir, const struct sink_member *m,
		       struct step *step)
{
	char file[24], old[32];
	struct stat st;
	snprintf(old, sizeof(old), "o%u", m->number);
	bool had = fstatat(dir, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (had && renameat(dir, m->name, sink->stage.dir, old) < 0)
		return -errno;
	step->moved = had;
	if (m->removed)
		return 0;
	if (had && !m->link) {
		fchmodat(sink->stage.dir, sink_member_file(m, file), st.st_mode & 07777, 0);
		(void)!fchownat(sink->stage.dir, file, st.st_uid, st.st_gid, 0);
	}
	if (renameat(sink->stage.dir, sink_member_file(m, file), dir, m->name) < 0)
		return -errno;
	step->placed = true;
	return 0;
}

/* @return false: something of what was there could not be put back and is still in the stage */
static bool take_back(const struct sink *sink, int dir, const struct step *steps, size_t nr)
{
	bool whole = true;
	char old[32];
	while (nr-- > 0) {
		const struct sink_member *m = &sink->stage.members.items[nr];
		snprintf(old, sizeof(old), "o%u", m->number);
		if (steps[nr].moved)
			whole = renameat(sink->stage.dir, old, dir, m->name) == 0 && whole;
		else if (steps[nr].placed)
			unlinkat(dir, m->name, 0);
	}
	return whole;
}

/* The only copies of what was in the target stay where they are, under their own names. */
static int keep_stage(struct sink *sink, const struct step *steps, size_t failed, int rc,
		      struct error *err)
{
	char old[32];
	const struct sink_member *items = sink->stage.members.items;
	for (size_t i = 0; i <= failed; i++) {
		snprintf(old, sizeof(old), "o%u", items[i].number);
		if (steps[i].moved)
			renameat(sink->stage.dir, old, sink->stage.dir, items[i].name);
	}
	error_code(err, rc,
		   "%s: replace %s, and put back what was there: it is left in %s: move it from "
		   "there",
		   sink->target, items[failed].name, sink->stage_path);
	free(take_ptr(sink->stage_path));
	return rc;
}

static int commit_in_dir(struct sink *sink, struct error *err)
{
	size_t nr = sink->stage.members.nr;
	auto_fd dir = open(sink->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free struct step *steps = calloc(nr + 1, sizeof(*steps));
	if (dir < 0)
		return error_sys(err, "open %s", sink->target);
	if (!steps)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		const char *name = sink->stage.members.items[i].name;
		int rc = replace_one(sink, dir, &sink->stage.members.items[i], &steps[i]);
		if (rc < 0 && !take_back(sink, dir, steps, i + 1))
			return keep_stage(sink, steps, i, rc, err);
		if (rc < 0)
			return error_code(err, rc, "%s: replace %s", sink->target, name);
	}
	return 0;
}

static int commit_archive(struct sink *sink, struct error *err)
{
	auto_replace file = { .fd = -1 };
	int rc = replace_open(sink->target, &file, err);
	if (rc == 0)
		rc = sink->src ? sink_archive_rewrite(&sink->stage, sink->old ?: sink->target,
						      sink->old ? sink->target : NULL, file.fd, err)
			       : sink_archive_write(&sink->stage, file.fd, sink->target, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}

int sink_commit(struct sink *sink, struct error *err)
{
	if (sink->fd >= 0)
		return error_set(err, EINVAL, "%s: a member is not complete", sink->target);
	if (sink->archive)
		return commit_archive(sink, err);
	return sink->src ? commit_in_dir(sink, err) : commit_new_dir(sink, err);
}

static void remove_stage(struct sink *sink)
{
	char file[32];
	for (size_t i = 0; i < sink->stage.members.nr; i++) {
		const struct sink_member *m = &sink->stage.members.items[i];
		unlinkat(sink->stage.dir, sink_member_file(m, file), 0);
		unlinkat(sink->stage.dir, m->name, 0); /* a commit that failed half way */
		snprintf(file, sizeof(file), "o%u", m->number);
		unlinkat(sink->stage.dir, file, 0);
	}
	rmdir(sink->stage_path);
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	fd_close(sink->fd);
	if (sink->stage_path && sink->stage.dir >= 0)
		remove_stage(sink);
	for (size_t i = 0; i < sink->stage.members.nr; i++) {
		struct sink_member *m = &sink->stage.members.items[i];
		free(m->name);
		free(m->path);
		free(m->link);
	}
	free(sink->stage.members.items);
	fd_close(sink->stage.dir);
	free(sink->stage_path);
	free(sink->target);
	free(sink->old);
	free(sink);
}
