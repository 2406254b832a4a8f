/* SPDX-License-Identifier: MIT
 * A byte and an archive, which is rewritten under another name: one member gets other bytes, one
 * goes away, or neither. What comes out is an archive with what was meant in it, or nothing does.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/new-dir.h"
#include "images/archive.h"
#include "images/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLACE = 1, REMOVE = 2, PACKED = 4 }; /* bits of the byte */

static const char *const written = "core-1.img", *const removed = "pages-1.img";
static const char bytes[32768] = { [0] = 'a', [5000] = 'b', [32767] = 'c' };

static void must(bool condition)
{
	if (!condition)
		abort();
}

static int change(struct sink *sink, unsigned what)
{
	if (what & REPLACE) {
		int fd = sink_begin(sink, written, NULL);
		must(fd >= 0 && fd_write_full(fd, bytes, sizeof(bytes)) == 0);
		must(sink_end(sink, NULL) == 0);
	}
	if (what & REMOVE)
		must(sink_remove(sink, removed, NULL) == 0);
	return sink_commit(sink, NULL);
}

/* Where the archive has it, as another folder may be the set once this one has lost an image. */
static char *dup_stored_path(struct source *src, const char *name)
{
	const struct source_member *list;
	ssize_t nr = source_list(src, &list, NULL);
	for (ssize_t i = 0; i < nr; i++)
		if (list[i].own && !strcmp(list[i].name, name))
			return strdup(list[i].path);
	return NULL;
}

static bool has_bytes(struct archive_index *index, const struct archive_member *m)
{
	auto_istream in = NULL;
	char got[sizeof(bytes) + 1];
	return archive_index_stream(index, m, written, &in, NULL) == 0 &&
	       istream_read(in, got, sizeof(got), NULL) == sizeof(bytes) &&
	       !memcmp(got, bytes, sizeof(bytes));
}

static bool is_written(struct archive_index *index)
{
	const struct archive_member *m;
	size_t nr = archive_index_members(index, &m);
	for (size_t i = 0; i < nr; i++) {
		const char *slash = strrchr(m[i].path, '/');
		if (!strcmp(slash ? slash + 1 : m[i].path, written) && has_bytes(index, &m[i]))
			return true;
	}
	return false;
}

static void check(const char *path, unsigned what, const char *gone)
{
	struct archive_index *index;
	must(archive_index_open(open(path, O_RDONLY | O_CLOEXEC), path, NULL, NULL, &index, NULL) ==
	     0);
	must(!(what & REPLACE) || is_written(index));
	must(!(what & REMOVE) || !gone || !archive_index_find(index, gone));
	archive_index_unref(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rlimit most = { 64 << 20, 64 << 20 }; /* a sparse member may claim exabytes */
	char top[] = "/dev/shm/fuzz-rewrite-XXXXXX", in[64], out[64];
	struct error err;
	auto_source src = NULL;
	auto_fd fd = memfd_create("archive", MFD_CLOEXEC);
	if (!size || fd < 0 || fd_write_full(fd, data + 1, size - 1) < 0)
		return 0;
	snprintf(in, sizeof(in), "/proc/self/fd/%d", fd);
	if (source_open(in, &src, &err) < 0)
		return 0;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	must(mkdtemp(top) != NULL);
	snprintf(out, sizeof(out), "%s/out.%s", top, data[0] & PACKED ? "tar.zst" : "tar");
	auto_free char *gone = dup_stored_path(src, removed);
	struct sink *sink = NULL;
	must(sink_create_from(src, in, out, &sink, &err) == 0);
	int rc = change(sink, data[0]);
	sink_close(sink);
	if (rc == 0)
		check(out, data[0], gone);
	must(rc == 0 ? unlink(out) == 0 : access(out, F_OK) < 0);
	must(rmdir(top) == 0); /* nothing is left beside it */
	return 0;
}
