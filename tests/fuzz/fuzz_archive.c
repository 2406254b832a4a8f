/* SPDX-License-Identifier: MIT
 * The input is an archive: every member is listed, opened, skipped in and read to its end, and its
 * empty folders are listed, in the set and in its parents.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READ_MAX (1 << 20) /* of one member: sparse ones may claim exabytes */

static void read_member(struct source *src, const struct source_member *m, struct error *err)
{
	auto_istream in = NULL;
	char buf[4096];
	if (source_open_member(src, m->path, &in, err) < 0)
		return;
	uint64_t done = 0;
	if (istream_size(in) < 0)
		abort();
	if (istream_skip(in, 3, err) == 0)
		done = 3;
	ssize_t n;
	while (done < READ_MAX && (n = istream_read(in, buf, sizeof(buf), err)) > 0)
		done += (uint64_t)n;
	if (done > (uint64_t)istream_size(in))
		abort();
	if (istream_seekable(in))
		istream_pread(in, buf, sizeof(buf), (uint64_t)istream_size(in) - 1, err);
}

static int check_folder(void *arg, const char *path, struct error *err)
{
	(void)arg;
	(void)err;
	if (!*path || !strcmp(path, ".") || path[strlen(path) - 1] == '/')
		abort();
	return 0;
}

static void read_set(struct source *src, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	for (ssize_t i = 0; i < nr && i < 50; i++)
		read_member(src, &members[i], err);
	source_empty_folders(src, check_folder, NULL, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	auto_source src = NULL;
	int fd = memfd_create("archive", MFD_CLOEXEC);
	if (fd < 0 || fd_write_full(fd, data, size) < 0)
		abort();
	if (source_archive_open(fd, "input", NULL, NULL, &src, &err) < 0)
		return 0;
	for (int depth = 0; src && depth < 4; depth++) {
		read_set(src, &err);
		struct source *parent = NULL;
		if (source_open_parent(src, &parent, &err) < 0)
			parent = NULL;
		source_close(src);
		src = parent;
	}
	return 0;
}
