/* SPDX-License-Identifier: MIT
 * Whole reads and writes on descriptors.
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "base/progress.h"

void *io_buffer(size_t len)
{
	return len > SIZE_MAX - PAGE ? NULL
				     : aligned_alloc(PAGE, (len + PAGE - 1) & ~(size_t)(PAGE - 1));
}

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t fd_pread_full(int fd, void *buf, size_t len, off_t offset)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, offset + (off_t)done);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EIO : -errno;
		done += (size_t)n;
	}
	return 0;
}

int fd_pwrite_full(int fd, const void *buf, size_t len, off_t offset)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done, offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* To the end of the page of the file, or of what is left. */
static size_t page_len(off_t at, size_t left)
{
	size_t len = PAGE - (size_t)at % PAGE;
	return left < len ? left : len;
}

bool bytes_are_zero(const void *bytes, size_t len)
{
	const char *b = bytes;
	return len == 0 || (!b[0] && !memcmp(b, b + 1, len - 1));
}

int fd_pwrite_sparse(int fd, const void *buf_, size_t len, off_t offset)
{
	const char *buf = buf_;
	for (size_t at = 0; at < len;) {
		size_t start = at, part = 0;
		while (at < len && (part = page_len(offset + (off_t)at, len - at)) &&
		       !bytes_are_zero(buf + at, part))
			at += part;
		int rc = at > start
			     ? fd_pwrite_full(fd, buf + start, at - start, offset + (off_t)start)
			     : 0;
		if (rc < 0)
			return rc;
		if (at < len)
			at += part;
	}
	return 0;
}

int file_read_at(int dirfd, const char *path, struct strbuf *out, struct error *err)
{
	auto_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s", path);

	size_t step = 4096;
	for (;;) {
		int rc = strbuf_reserve(out, step);
		if (rc < 0)
			return error_code(err, rc, "read %s", path);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read %s", path);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return 0;
		if (step < (1 << 20))
			step *= 2;
	}
}

static int copy_range(int in, int out, off_t at, off_t end, struct progress *progress)
{
	static const size_t step = 64 << 20;
	while (at < end) {
		size_t want = (uint64_t)(end - at) < step ? (size_t)(end - at) : step;
		off_t to = at;
		ssize_t n = copy_file_range(in, &at, out, &to, want, 0);
		if (n == 0)
			return -EIO; /* it became shorter */
		if (n > 0)
			progress_add(progress, (uint64_t)n);
		if (n > 0 || errno == EINTR)
			continue;
		if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
			return -errno;
		if (lseek(out, at, SEEK_SET) < 0)
			return -errno;
		n = sendfile(out, in, &at, want);
		if (n <= 0 && errno != EINTR)
			return n < 0 ? -errno : -EIO;
		progress_add(progress, n > 0 ? (uint64_t)n : 0);
	}
	return 0;
}

int fd_copy(int in, int out, struct progress *progress)
{
	struct stat st;
	if (fstat(in, &st) < 0 || ftruncate(out, st.st_size) < 0)
		return -errno;
	off_t end = 0;
	while (end < st.st_size) {
		off_t start = lseek(in, end, SEEK_DATA);
		if (start < 0 && errno == ENXIO)
			return 0;
		if (start < 0)
			return -errno;
		end = lseek(in, start, SEEK_HOLE);
		if (end < 0)
			return -errno;
		int rc = copy_range(in, out, start, end, progress);
		if (rc < 0)
			return rc;
	}
	return 0;
}
