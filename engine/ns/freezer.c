/* SPDX-License-Identifier: MIT
 * The freezer of either kind of cgroup.
 * Source: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst; cgroup-v2.rst, cgroup.freeze.
 */
#include "engine/ns/freezer.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"

static int write_state(const struct freezer *f, bool frozen)
{
	const char *word = f->unified ? (frozen ? "1" : "0") : frozen ? "FROZEN" : "THAWED";
	return fd_pwrite_full(f->fd, word, strlen(word), 0);
}

/* FREEZING is frozen, too: nobody else will thaw it before we ask. */
static int read_state(const struct freezer *f, bool *frozen)
{
	char text[16];
	ssize_t n = fd_pread_full(f->fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	*frozen = f->unified ? text[0] == '1' : text[0] == 'F';
	return 0;
}

int freezer_thaw(const char *path, struct freezer *out, struct error *err)
{
	*out = (struct freezer){ .fd = -1 };
	if (!path)
		return 0;
	auto_fd dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "--freeze-cgroup %s", path);
	struct freezer f = { .fd = openat(dir, "freezer.state", O_RDWR | O_CLOEXEC) };
	if (f.fd < 0) {
		f.unified = true;
		f.fd = openat(dir, "cgroup.freeze", O_RDWR | O_CLOEXEC);
	}
	if (f.fd < 0)
		return error_sys(err, "--freeze-cgroup %s: neither freezer.state nor cgroup.freeze",
				 path);
	int rc = read_state(&f, &f.was_frozen);
	if (rc == 0 && f.was_frozen)
		rc = write_state(&f, false);
	if (rc < 0) {
		fd_close(f.fd);
		return error_code(err, rc, "--freeze-cgroup %s: thaw it", path);
	}
	*out = f;
	return 0;
}

void freezer_restore(struct freezer *f, bool tasks_live)
{
	if (f->fd >= 0 && f->was_frozen && tasks_live && write_state(f, true) < 0)
		log_warn(
		    "--freeze-cgroup: it was frozen before the dump and cannot be frozen again");
	fd_close(f->fd);
	f->fd = -1;
}
