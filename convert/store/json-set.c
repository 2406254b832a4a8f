/* SPDX-License-Identifier: MIT
 * A set as a directory of JSON and back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/new-dir.h"
#include "convert/codec/image.h"
#include "convert/store/forms.h"

#define SUFFIX ".json"

enum { FOLDERS_MAX = 16 }; /* of an archive: "checkpoint/", "volumes/"; more is a mistake */

static int decode_member(const struct set_job *job, const struct source_member *m, const char *name,
			 struct error *err)
{
	auto_image_reader r = NULL;
	auto_free char *out_name = NULL;
	if (asprintf(&out_name, "%s" SUFFIX, name) < 0) {
		out_name = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	int rc = image_open(job->src, m->name, &r, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, out_name, err);
	if (fd < 0)
		return fd;
	auto_json_out out = { .fd = -1 };
	const struct image_json how = { 0 };
	rc = json_out_init(&out, fd, out_name, true, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &out, err);
	if (rc == 0)
		json_raw(&out, "\n", 1);
	if (rc == 0)
		rc = json_out_flush(&out, err);
	return rc < 0 ? rc : sink_end(job->sink, err);
}

/* As it is stored, under another name. */
static int copy_member(const struct set_job *job, const struct source_member *m, const char *name,
		       struct error *err)
{
	struct source_member copy = *m;
	copy.name = name;
	copy.packed = false; /* the name has its suffix */
	return sink_copy(job->sink, job->src, &copy, err);
}

int set_to_json(const struct set_job *job, struct error *err)
{
	const struct source_member *members;
	int rc = source_confine(job->src, err);
	if (rc == 0)
		rc = source_lacks_nothing(job->src, false, err);
	ssize_t nr = rc < 0 ? rc : source_list(job->src, &members, err);
	rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct source_member *m = &members[i];
		const char *name = member_bare_path(m->path);
		if (sink_has(job->sink, name)) /* a file that leads to the parent */
			continue;
		bool decoded = m->own && m->size && image_type_of_messages(m->name);
		rc = decoded ? decode_member(job, m, name, err) : copy_member(job, m, name, err);
	}
	return rc < 0 ? rc : sink_copy_folders(job->sink, job->src, err);
}

/* The image a file of JSON stands for. @return false: it is none */
static bool image_name(const char *name, char *out, size_t size)
{
	size_t len = strlen(name), tail = strlen(SUFFIX);
	if (len <= tail || strcmp(name + len - tail, SUFFIX) != 0)
		return false;
	snprintf(out, size, "%.*s", (int)(len - tail), name);
	return image_type_of_messages(out) != NULL;
}

static int encode_member(const struct set_job *job, const char *name, const char *image,
			 struct error *err)
{
	auto_istream in = NULL;
	int rc = source_open_member(job->src, name, &in, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, image, err);
	if (fd < 0)
		return fd;
	auto_fd text = istream_fd(in) < 0 ? -1 : dup(istream_fd(in));
	if (text < 0)
		return error_set(err, ENOTSUP, "%s: JSON is read from a directory", name);
	auto_json_in json;
	rc = json_in_init(&json, text, name, err);
	if (rc == 0)
		rc = image_from_json(&json, fd, image, err);
	return rc < 0 ? rc : sink_end(job->sink, err);
}

/* The files of one folder. @param prefix  "", or where it is in the set: "checkpoint/" */
static int encode_files(const struct set_job *job, const char *prefix, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct source_member *m = &members[i];
		auto_free char *name = NULL;
		char image[512];
		bool encoded = image_name(m->path, image, sizeof(image));
		if (asprintf(&name, "%s%s", prefix, encoded ? image : m->path) < 0) {
			name = NULL;
			return error_set(err, ENOMEM, "out of memory");
		}
		if (sink_has(job->sink, name))
			continue;
		rc = encoded ? encode_member(job, m->path, name, err)
			     : copy_member(job, m, name, err);
	}
	return rc;
}

/* The folder of JSON, and what becomes of it. */
struct tree {
	const char *path;
	struct sink *sink;
};

static int encode_folder(const struct tree *tree, int fd, const char *prefix, unsigned depth,
			 struct error *err);

/* @param fd  of the folder it is in */
static int encode_below(const struct tree *tree, int fd, const char *prefix, const char *name,
			unsigned depth, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return error_sys(err, "open %s/%s%s", tree->path, prefix, name);
	if (depth == FOLDERS_MAX)
		return error_set(err, ELOOP, "%s/%s%s: more than %d folders in each other",
				 tree->path, prefix, name, FOLDERS_MAX);
	if (asprintf(&path, "%s%s/", prefix, name) < 0) {
		path = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	if (dir_is_empty(fd, name) > 0) {
		path[strlen(path) - 1] = '\0';
		return sink_folder(tree->sink, path, err);
	}
	return encode_folder(tree, below, path, depth + 1, err);
}

/* Not every file system says of what type entries are. */
static bool is_folder(int fd, const struct dirent *entry)
{
	struct stat st;
	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int encode_folder(const struct tree *tree, int fd, const char *prefix, unsigned depth,
			 struct error *err)
{
	auto_source src = NULL;
	auto_free char *path = NULL;
	auto_fd listed = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = listed < 0 ? NULL : fdopendir(listed);
	size_t len = strlen(prefix);
	if (asprintf(&path, "%s%s%.*s", tree->path, len ? "/" : "", len ? (int)len - 1 : 0,
		     prefix) < 0) {
		path = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	if (!dir)
		return error_sys(err, "read %s", path);
	take_fd(listed);
	int rc = source_open_dirfd(fd, path, &src, err);
	if (rc == 0)
		rc = source_confine(src, err);
	if (rc == 0)
		rc = source_lacks_nothing(src, true, err);
	if (rc == 0)
		rc = encode_files(&(struct set_job){ .src = src, .sink = tree->sink }, prefix, err);
	const struct dirent *entry;
	while (rc == 0 && (errno = 0, entry = readdir(dir))) {
		if (is_folder(fd, entry))
			rc = encode_below(tree, fd, prefix, entry->d_name, depth, err);
	}
	return rc == 0 && errno ? error_sys(err, "read %s", path) : rc;
}

int set_from_json(const char *path, struct sink *sink, struct error *err)
{
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tree tree = { path, sink };
	return fd < 0 ? error_sys(err, "open %s", path) : encode_folder(&tree, fd, "", 0, err);
}
