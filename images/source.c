/* SPDX-License-Identifier: MIT
 * Sources: the calls that are the same for all kinds.
 */
#include "images/backend.h"

#include <fcntl.h>

#include "base/cleanup.h"

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
	return src->ops->open_parent(src, out, err);
}

void source_close(struct source *src)
{
	if (!src)
		return;
	free(src->name);
	src->name = NULL;
	src->ops->close(src);
}

const char *source_name(const struct source *src)
{
	return src->name;
}

bool source_is_archive(const struct source *src)
{
	return src->ops->is_archive;
}

ssize_t source_list(struct source *src, const struct source_member **out, struct error *err)
{
	return src->ops->list(src, out, err);
}

int source_open_member(struct source *src, const char *name, struct istream **out,
		       struct error *err)
{
	return src->ops->open_member(src, name, out, err);
}
