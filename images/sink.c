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
#include "base/new-dir.h"
#include "base/replace.h"
#include "images/seekable.h"
#include "images/sink-archive.h"
#include "images/sink-dir.h"

#define IMAGES "checkpoint/"

struct sink {
	char *target;       /* directory or archive */
	char *stage_path;   /* NULL once it is gone */
	struct source *src; /* whose other members are kept; NULL: new */
	char *old;          /* the archive it is; NULL: the target */
	bool archive;
	struct {              /* sink_take_layout() */
		char **items; /* names of what is not in the folder */
		size_t nr, cap;
	} beside;
	const char *folder; /* of images in a new set: "checkpoint/", or "" */
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
		bool inside = sink->src && !sink->archive;
		int rc = error_sys(err, "make a directory %s %s", inside ? "in" : "beside",
				   sink->target);
		free(take_ptr(sink->stage_path));
		return rc;
	}
	sink->stage.dir = open(sink->stage_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sink->stage.dir < 0 ? error_sys(err, "open %s", sink->stage_path) : 0;
}

static int sink_new(const char *path, struct source *src, bool archive, const char *where,
		    struct sink **out, struct error *err)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_set(err, ENOMEM, "out of memory");
	sink->fd = sink->stage.dir = -1;
	sink->src = src;
	sink->folder = "";
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
	bool archive = archive_form_of(path) != NULL;
	if (lstat(path, &st) == 0 && !archive &&
	    !(S_ISDIR(st.st_mode) && dir_is_empty(AT_FDCWD, path) > 0))
		return error_set(err, EEXIST,
				 "%s exists: want a new or empty directory, or " ARCHIVE_NAMES,
				 path);
	return sink_new(path, NULL, archive, NULL, out, err);
}

int sink_in_place(struct source *src, const char *path, struct sink **out, struct error *err)
{
	bool archive = source_is_archive(src);
	auto_free char *inside = NULL;
	if (!archive && asprintf(&inside, "%s/", path) < 0) {
		inside = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	int rc = source_confine(src, err);
	return rc < 0 ? rc : sink_new(path, src, archive, inside, out, err);
}

int sink_create_from(struct source *src, const char *path, const char *out_path, struct sink **out,
		     struct error *err)
{
	auto_free char *old = strdup(path);
	if (!old)
		return error_set(err, ENOMEM, "out of memory");
	int rc = source_confine(src, err);
	if (rc == 0)
		rc = sink_new(out_path, src, true, NULL, out, err);
	if (rc == 0)
		(*out)->old = take_ptr(old);
	return rc;
}

static bool is_container(const struct source_member *members, ssize_t nr)
{
	for (ssize_t i = 0; i < nr; i++) {
		const char *bare = member_bare_path(members[i].path);
		if (members[i].own)
			return !strncmp(bare, IMAGES, strlen(IMAGES)) &&
			       !strchr(bare + strlen(IMAGES), '/');
	}
	return false;
}

int sink_take_layout(struct sink *sink, struct source *src, struct error *err)
{
	const struct source_member *members;
	int rc = source_confine(src, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	if (nr < 0)
		return (int)nr;
	bool container = is_container(members, nr);
	sink->folder = container ? IMAGES : "";
	for (ssize_t i = 0; container && i < nr; i++) {
		char **slot = members[i].own ? NULL : array_add(&sink->beside);
		if (slot)
			*slot = strdup(members[i].name);
		if (!members[i].own && (!slot || !*slot))
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
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

/* Does a member stand in its set under this name? */
static bool stands_as(const struct source_member *m, const char *file)
{
	size_t len = strlen(m->name);
	return !strncmp(m->name, file, len) &&
	       !strcmp(file + len, m->packed ? SEEKABLE_SUFFIX : "");
}

static char *path_in_new(const struct sink *sink, const char *name)
{
	const char *folder = strchr(name, '/') ? "" : sink->folder;
	for (size_t i = 0; i < sink->beside.nr; i++) {
		if (!strcmp(sink->beside.items[i], name))
			folder = "";
	}
	char *path;
	return asprintf(&path, "%s%s", folder, name) < 0 ? NULL : path;
}

/* Where a member is in what it replaces a part of; a new one goes to the images. */
static char *path_in_set(struct sink *sink, const char *name)
{
	if (!sink->src)
		return path_in_new(sink, name);
	if (!sink->archive)
		return source_dup_path(sink->src, name);
	const struct source_member *members;
	ssize_t nr = source_list(sink->src, &members, NULL);
	const char *folder = "";
	size_t len = 0;
	for (ssize_t i = 0; i < nr; i++) {
		if (stands_as(&members[i], name) || !strcmp(members[i].path, name))
			return strdup(members[i].path);
		const char *slash = strrchr(members[i].path, '/');
		if (members[i].own && slash) {
			folder = members[i].path;
			len = (size_t)(slash + 1 - folder);
		}
	}
	char *path;
	return asprintf(&path, "%.*s%s", (int)len, folder, name) < 0 ? NULL : path;
}

bool sink_has(struct sink *sink, const char *name)
{
	return find(sink, name) != NULL;
}

/* No part of it leads elsewhere. */
static bool is_plain(const char *name, bool folders)
{
	for (const char *part = name;; part += strcspn(part, "/") + 1) {
		size_t len = strcspn(part, "/");
		if (!len || (len == 1 && *part == '.') || (len == 2 && !strncmp(part, "..", 2)))
			return false;
		if (!part[len])
			return true;
		if (!folders)
			return false;
	}
}

/* @param path  where it is in the set; NULL: where a member of this name belongs */
static int add_member(struct sink *sink, const char *name, const char *path,
		      struct sink_member **out, struct error *err)
{
	if (!sink->archive && !is_plain(name, !sink->src))
		return error_set(err, EINVAL, "%s: no name for a file in %s", name, sink->target);
	if (find(sink, name))
		return error_set(err, EEXIST, "%s: %s is written twice", sink->target, name);
	struct sink_member *m = array_add(&sink->stage.members);
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	m->number = (unsigned)sink->stage.members.nr;
	m->name = strdup(name);
	m->path = path ? strdup(path) : path_in_set(sink, name);
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
	int rc = add_member(sink, name, NULL, &m, err);
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

int sink_copy(struct sink *sink, struct source *src, const struct source_member *m,
	      struct error *err)
{
	auto_istream in = NULL;
	auto_free char *file = dup_member_file(m);
	int rc = file ? source_confine(src, err) : error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		rc = source_open_member(src, m->path, &in, err);
	int fd = rc < 0 ? rc : sink_begin(sink, file, err);
	if (fd < 0)
		return fd;
	rc = istream_copy(in, fd, m->path, sink->stage.progress, err);
	if (rc < 0)
		return rc;
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = m->mtime_s } };
	futimens(fd, times);
	sink->stage.members.items[sink->stage.members.nr - 1].mode = m->mode;
	return sink_end(sink, err);
}

int sink_folder(struct sink *sink, const char *path, struct error *err)
{
	struct sink_member *m;
	int rc = add_member(sink, path, path, &m, err);
	if (rc == 0)
		m->folder = true;
	return rc;
}

static int copy_folder(void *arg, const char *path, struct error *err)
{
	struct sink *sink = arg;
	path = member_bare_path(path);
	return sink_has(sink, path) ? 0 : sink_folder(sink, path, err);
}

int sink_copy_folders(struct sink *sink, struct source *src, struct error *err)
{
	return source_empty_folders(src, copy_folder, sink, err);
}

int sink_link(struct sink *sink, const char *name, const char *target, struct error *err)
{
	struct sink_member *m;
	char file[24];
	int rc = add_member(sink, name, NULL, &m, err);
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
	int rc = add_member(sink, name, NULL, &m, err);
	if (rc == 0)
		m->removed = true;
	return rc;
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
	if (sink->src && !sink->old && !sink->stage.members.nr)
		return 0; /* in place, and nothing is another */
	if (sink->archive)
		return commit_archive(sink, err);
	if (sink->src)
		return sink_dir_replace(&sink->stage, sink->stage_path, sink->target, err);
	int rc = sink_dir_create(&sink->stage, sink->stage_path, sink->target, err);
	if (rc == 0)
		free(take_ptr(sink->stage_path));
	return rc;
}

void sink_watch(struct sink *sink, struct progress *progress)
{
	sink->stage.progress = progress;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	fd_close(sink->fd);
	if (sink->stage_path && !sink->stage.keep)
		remove_tree(sink->stage_path);
	for (size_t i = 0; i < sink->stage.members.nr; i++) {
		struct sink_member *m = &sink->stage.members.items[i];
		free(m->name);
		free(m->path);
		free(m->link);
	}
	free(sink->stage.members.items);
	for (size_t i = 0; i < sink->beside.nr; i++)
		free(sink->beside.items[i]);
	free(sink->beside.items);
	fd_close(sink->stage.dir);
	free(sink->stage_path);
	free(sink->target);
	free(sink->old);
	free(sink);
}

void sink_leave(struct sink *sink)
{
	if (sink)
		sink->stage.keep = true;
	sink_close(sink);
}
