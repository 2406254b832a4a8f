/* SPDX-License-Identifier: MIT
 * Which kind of source a path is. Apart from the rest, so that a program that only reads
 * directories does not link the archive reader.
 */
#include "images/backend.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/spool.h"

static int open_any(const char *path, struct error *damage, struct progress *progress,
		    struct source **out, struct error *err)
{
	if (!strcmp(path, "-"))
		return error_set(err, EINVAL,
				 "a set is not taken from standard input here: "
				 "give the path of a directory or an archive");
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", path);
	if (S_ISDIR(st.st_mode))
		return source_dir_open(take_fd(fd), path, out, err);
	if (S_ISREG(st.st_mode))
		return source_archive_open(take_fd(fd), path, damage, progress, out, err);
	return error_set(err, EINVAL, "%s: neither a directory nor an archive", path);
}

int source_open_stream(int fd, const char *name, struct progress *progress, struct source **out,
		       struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s", name);
	int copy = S_ISREG(st.st_mode) ? fcntl(fd, F_DUPFD_CLOEXEC, 0)
				       : spool_open(fd, name, NULL, 0, err);
	if (copy < 0)
		return S_ISREG(st.st_mode) ? error_sys(err, "%s", name) : copy;
	return source_archive_open(copy, name, NULL, progress, out, err);
}

int source_open(const char *path, struct source **out, struct error *err)
{
	return open_any(path, NULL, NULL, out, err);
}

int source_open_watched(const char *path, struct progress *progress, struct source **out,
			struct error *err)
{
	return open_any(path, NULL, progress, out, err);
}

int source_open_damaged(const char *path, struct source **out, struct error *damage,
			struct error *err)
{
	damage->code = 0;
	return open_any(path, damage, NULL, out, err);
}
