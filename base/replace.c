/* SPDX-License-Identifier: MIT
 * A file that appears under its name only when it is complete: written beside it, then renamed.
 */
#include "base/replace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_in_place(const char *path, struct replace *out, struct error *err)
{
	out->fd = open(path, O_WRONLY | O_CLOEXEC);
	return out->fd < 0 ? error_sys(err, "open %s", path) : 0;
}

int replace_names(const char *path, char **target, char **temp, struct error *err)
{
	char *real = realpath(path, NULL);
	if (!real && errno == ENOENT)
		real = strdup(path);
	if (!real)
		return error_sys(err, "open %s", path);
	if (asprintf(temp, "%s.XXXXXX", real) < 0) {
		free(real);
		*temp = NULL;
		return error_set(err, ENOMEM, "%s: out of memory", path);
	}
	*target = real;
	return 0;
}

mode_t mode_of_new(mode_t most)
{
	mode_t mask = umask(0);
	umask(mask);
	return most & ~mask;
}

int replace_open(const char *path, struct replace *out, struct error *err)
{
	*out = (struct replace){ .fd = -1 };
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (exists && S_ISDIR(st.st_mode))
		return error_code(err, EISDIR, "open %s", path);
	if (exists && !S_ISREG(st.st_mode))
		return open_in_place(path, out, err);

	auto_free char *target = NULL, *temp = NULL;
	int rc = replace_names(path, &target, &temp, err);
	if (rc < 0)
		return rc;
	out->fd = mkostemp(temp, O_CLOEXEC);
	if (out->fd < 0)
		return error_sys(err, "create %s", path);
	if (fchmod(out->fd, exists ? st.st_mode & 07777 : mode_of_new(0666)) < 0) {
		rc = error_sys(err, "permissions of %s", temp);
		unlink(temp);
		fd_close(out->fd);
		out->fd = -1;
		return rc;
	}
	out->path = take_ptr(target);
	out->temp = take_ptr(temp);
	return 0;
}

int replace_commit(struct replace *r, struct error *err)
{
	int fd = take_fd(r->fd);
	const char *path = r->path ? r->path : "output";
	if (close(fd) < 0 && errno != EINTR)
		return error_sys(err, "write %s", path);
	if (r->temp && rename(r->temp, r->path) < 0)
		return error_sys(err, "rename %s to %s", r->temp, path);
	free(r->temp);
	r->temp = NULL;
	return 0;
}

void replace_close(struct replace *r)
{
	int saved = errno;
	fd_close(r->fd);
	if (r->temp)
		unlink(r->temp);
	free(r->temp);
	free(r->path);
	*r = (struct replace){ .fd = -1 };
	errno = saved;
}
