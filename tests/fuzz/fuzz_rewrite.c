/* SPDX-License-Identifier: MIT
 * A byte and an archive, which is rewritten under another name: one member gets other bytes, one
 * goes away, or neither. What comes out is an archive with what was meant in it, or nothing does.
 */
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

static void check(const char *path, unsigned what)
{
	auto_source src = NULL;
	auto_istream in = NULL;
	auto_istream none = NULL;
	char got[sizeof(bytes) + 1];
	must(source_open(path, &src, NULL) == 0);
	if (what & REPLACE) {
		must(source_open_member(src, written, &in, NULL) == 0);
		must(istream_read(in, got, sizeof(got), NULL) == sizeof(bytes));
		must(!memcmp(got, bytes, sizeof(bytes)));
	}
	if (what & REMOVE)
		must(source_open_member(src, removed, &none, NULL) == -ENOENT);
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
	struct sink *sink = NULL;
	must(sink_create_from(src, in, out, &sink, &err) == 0);
	int rc = change(sink, data[0]);
	sink_close(sink);
	if (rc == 0)
		check(out, data[0]);
	must(rc == 0 ? unlink(out) == 0 : access(out, F_OK) < 0);
	must(rmdir(top) == 0); /* nothing is left beside it */
	return 0;
}
