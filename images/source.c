/* SPDX-License-Identifier: MIT
 * Sources: the calls that are the same for all kinds.
 */
#include "images/backend.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/image-type.h"
#include "images/seekable.h"

static void shown_free(struct source *src)
{
	for (size_t i = 0; i < src->shown.nr; i++)
		free(src->shown.items[i]);
	free(src->shown.items);
	memset(&src->shown, 0, sizeof(src->shown));
}

int source_open_dirfd(int dirfd, const char *name, struct source **out, struct error *err)
{
	int fd = dirfd == AT_FDCWD ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				   : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_sys(err, "open %s", name);
	return source_dir_open(fd, name, out, err);
}

int source_open_parent(struct source *src, struct source **out, struct error *err)
{
	*out = NULL;
	int rc = src->ops->open_parent(src, out, err);
	if (rc >= 0 && *out)
		(*out)->pids = src->pids;
	return rc;
}

void source_set_pids(struct source *src, const struct pid_map *map)
{
	src->pids = map;
}

const struct pid_map *source_pids(const struct source *src)
{
	return src->pids;
}

void source_close(struct source *src)
{
	if (!src)
		return;
	shown_free(src);
	free(src->name);
	src->name = NULL;
	src->ops->close(src);
}

const char *source_name(const struct source *src)
{
	return src->name;
}

const char *source_choice(const struct source *src)
{
	return src->ops->choice ? src->ops->choice(src) : NULL;
}

bool source_is_archive(const struct source *src)
{
	return src->ops->is_archive;
}

/* A compressed page image is listed as what it holds; `path` says what it is. */
static int show_plain(struct source *src, struct source_member *m, struct error *err)
{
	char **slot = array_add(&src->shown);
	if (slot)
		*slot = strndup(m->name, seekable_name(m->name));
	if (!slot || !*slot)
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	auto_istream in = NULL;
	m->name = *slot;
	m->packed = true;
	/* One that is broken is listed all the same: opening it says what is wrong. */
	if (source_open_member(src, m->name, &in, NULL) == 0 && istream_size(in) >= 0)
		m->size = (uint64_t)istream_size(in);
	return 0;
}

ssize_t source_list(struct source *src, const struct source_member **out, struct error *err)
{
	if (src->listed) {
		*out = src->listed;
		return src->nr_listed;
	}
	struct source_member *members;
	ssize_t nr = src->ops->list(src, &members, err);
	shown_free(src);
	for (ssize_t i = 0; i < nr; i++) {
		if (seekable_name(members[i].name) && show_plain(src, &members[i], err) < 0)
			return -ENOMEM;
	}
	if (nr < 0)
		return nr;
	*out = src->listed = members;
	src->nr_listed = nr;
	return nr;
}

const char *member_bare_path(const char *path)
{
	while (!strncmp(path, "./", 2))
		path += 2 + strspn(path + 2, "/");
	return path;
}

const char *source_member_name(struct source *src, const char *path)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, NULL);
	for (ssize_t i = 0; i < nr; i++) {
		if (!strcmp(member_bare_path(members[i].path), member_bare_path(path)))
			return members[i].name;
	}
	return path;
}

int source_empty_folders(struct source *src, source_folder_fn found, void *arg, struct error *err)
{
	return src->ops->empty_folders ? src->ops->empty_folders(src, found, arg, err) : 0;
}

int source_lacks_nothing(struct source *src, bool folders, struct error *err)
{
	return src->ops->lacks_nothing(src, folders, err);
}

int source_doubles(struct source *src, source_folder_fn found, void *arg, struct error *err)
{
	return src->ops->doubles ? src->ops->doubles(src, found, arg, err) : 0;
}

char *dup_member_file(const struct source_member *m)
{
	char *file;
	return asprintf(&file, "%s%s", m->name, m->packed ? SEEKABLE_SUFFIX : "") < 0 ? NULL : file;
}

static bool is_pages(const char *name)
{
	const struct image_type *type = image_type_by_filename(name);
	return type && type->id == IMG_PAGES;
}

int source_open_member(struct source *src, const char *name, struct istream **out,
		       struct error *err)
{
	int rc = src->ops->open_member(src, name, out, err);
	if (rc != -ENOENT || !is_pages(name))
		return rc;
	auto_free char *packed = NULL;
	if (asprintf(&packed, "%s" SEEKABLE_SUFFIX, name) < 0) {
		packed = NULL;
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	struct istream *in;
	int found = src->ops->open_member(src, packed, &in, NULL);
	if (found == -ENOENT)
		return rc; /* with the message about the plain one */
	if (found < 0)
		return src->ops->open_member(src, packed, &in, err);
	return istream_open_seekable(in, packed, out, err);
}
