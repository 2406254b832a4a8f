/* SPDX-License-Identifier: MIT
 * Whole reads and writes on descriptors.
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cleanup.h"

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
