/* SPDX-License-Identifier: MIT
 */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#define PIECE ((size_t)1 << 20)

static const char *spool_dir(void)
{
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/tmp";
}

static int spool_new(struct error *err)
{
	const char *dir = spool_dir();
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	auto_free char *path = NULL; /* not every file system has files without a name */
	if (asprintf(&path, "%s/spool.XXXXXX", dir) < 0) {
		path = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make a temporary file in %s", dir);
	unlink(path);
	return fd;
}

static int spool_pour(int spool, int to, const char *name, struct error *err)
{
	auto_free char *piece = malloc(PIECE);
	if (!piece)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	ssize_t n;
	for (off_t at = 0; (n = fd_pread_full(spool, piece, PIECE, at)) > 0; at += n) {
		int rc = fd_write_full(to, piece, (size_t)n);
		if (rc < 0)
			return error_code(err, rc, "%s", name);
	}
	return n < 0 ? error_code(err, (int)n, "read what was made for %s", name) : 0;
}

int spool_whole(spool_fn *make, void *arg, int to, const char *name, struct error *err)
{
	auto_free char *where = NULL;
	if (asprintf(&where, "a temporary file in %s", spool_dir()) < 0) {
		where = NULL;
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	auto_fd spool = spool_new(err);
	int rc = spool < 0 ? spool : make(arg, spool, where, err);
	return rc < 0 ? rc : spool_pour(spool, to, name, err);
}

int spool_open(int from, const char *name, const void *head, size_t len, struct error *err)
{
	auto_fd to = spool_new(err);
	if (to < 0)
		return to;
	auto_free char *piece = malloc(PIECE);
	if (!piece)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	int rc = fd_write_full(to, head, len);
	ssize_t n = 1;
	while (rc == 0 && n > 0) {
		n = fd_read_full(from, piece, PIECE);
		if (n < 0)
			return error_code(err, (int)n, "read %s", name);
		rc = fd_write_full(to, piece, (size_t)n);
	}
	if (rc < 0)
		return error_code(err, rc,
				  "%s: write it to a temporary file (TMPDIR chooses where)", name);
	if (lseek(to, 0, SEEK_SET) < 0)
		return error_sys(err, "%s: seek in its temporary file", name);
	return take_fd(to);
}
