/* SPDX-License-Identifier: MIT
 * Writing one image: everything goes through one buffer, so an image costs few system calls.
 */
#include "images/writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/write-behind.h"
#include "images/payload.h"
#include "images/reader.h"

#define BUFFER      (64 * 1024)
#define LONG_BUFFER (256 * 1024)

struct image_writer {
	const struct image_type *type;
	int fd;
	bool owns_fd;
	int dirfd;  /* the caller's: where a half-written file is removed from; -1: nowhere */
	char *name; /* file name, or what messages call it */
	char *buf;
	size_t len, cap;
	struct write_behind *behind; /* of a descriptor somebody else owns, else NULL */
};

static int writer_new(int fd, const char *name, const struct image_type *type,
		      struct image_writer **out, struct error *err)
{
	struct image_writer *w = calloc(1, sizeof(*w));
	if (w) {
		w->name = strdup(name);
		w->cap = fd < 0 ? BUFFER : LONG_BUFFER;
		w->buf = fd < 0 ? malloc(BUFFER) : io_buffer(LONG_BUFFER);
		w->behind = fd < 0 ? NULL : write_behind_new(fd);
	}
	if (!w || !w->name || !w->buf || (fd >= 0 && !w->behind)) {
		image_writer_close(w);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	w->type = type;
	w->fd = fd;
	w->dirfd = -1;
	*out = w;
	return 0;
}

static int writer_flush(struct image_writer *w, struct error *err)
{
	int rc = w->behind ? write_behind_all(w->behind, w->buf, w->len)
			   : fd_write_full(w->fd, w->buf, w->len);
	if (rc < 0)
		return error_code(err, rc, "write %s", w->name);
	w->len = 0;
	return 0;
}

/* Room, if not for all that the buffer holds. */
static int writer_drain(struct image_writer *w, struct error *err)
{
	if (!w->behind)
		return writer_flush(w, err);
	int rc = write_behind_pages(w->behind, &w->buf, &w->len, &w->cap);
	return rc < 0 ? error_code(err, rc, "write %s", w->name) : 0;
}

/* Bytes of any length in front of a thread that writes them; fails only when there is no room. */
static int write_buffered(struct image_writer *w, const char *bytes, size_t len, struct error *err)
{
	size_t room;
	while (len > (room = w->cap - w->len)) {
		memcpy(w->buf + w->len, bytes, room);
		w->len = w->cap;
		int rc = writer_drain(w, err);
		if (rc < 0)
			return rc;
		bytes += room;
		len -= room;
	}
	if (len)
		memcpy(w->buf + w->len, bytes, len);
	w->len += len;
	return 0;
}

int image_write_bytes(struct image_writer *w, const void *bytes, size_t len, struct error *err)
{
	if (w->behind)
		return write_buffered(w, bytes, len, err);
	if (len > w->cap - w->len) {
		int rc = writer_flush(w, err);
		if (rc < 0)
			return rc;
	}
	if (len >= w->cap) {
		int rc = fd_write_full(w->fd, bytes, len);
		return rc < 0 ? error_code(err, rc, "write %s", w->name) : 0;
	}
	if (len)
		memcpy(w->buf + w->len, bytes, len);
	w->len += len;
	return 0;
}

static int write_u32(struct image_writer *w, uint32_t v, struct error *err)
{
	unsigned char le[4] = { v & 0xff, v >> 8 & 0xff, v >> 16 & 0xff, v >> 24 };
	return image_write_bytes(w, le, sizeof(le), err);
}

static int write_head(struct image_writer *w, enum image_head head, struct error *err)
{
	int rc = 0;
	if (head == HEAD_COMMON || head == HEAD_SERVICE)
		rc = write_u32(w, head == HEAD_COMMON ? IMG_COMMON_MAGIC : IMG_SERVICE_MAGIC, err);
	if (rc == 0 && head != HEAD_RAW)
		rc = write_u32(w, w->type->magic, err);
	return rc;
}

int image_writer_open_fd(int fd, const char *name, const struct image_type *type,
			 enum image_head head, struct image_writer **out, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = writer_new(fd, name, type, &w, err);
	if (rc == 0)
		rc = write_head(w, head, err);
	if (rc == 0)
		*out = take_ptr(w);
	return rc;
}

/* Page images are mapped while they are filled, hence readable too. What was in memory is for its
 * owner alone. @return -EINVAL: a FIFO, say, which would swallow the image */
static int create_file(int dirfd, const char *name)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dirfd, name, flags | O_EXCL, 0600);
	if (fd >= 0 || errno != EEXIST)
		return fd >= 0 ? fd : -errno;
	auto_fd old = openat(dirfd, name, flags | O_TRUNC, 0600);
	struct stat st;
	if (old < 0)
		return -errno;
	return fstat(old, &st) < 0 || !S_ISREG(st.st_mode) ? -EINVAL : take_fd(old);
}

int image_create(int dirfd, enum image_id id, uint64_t number, struct image_writer **out,
		 struct error *err)
{
	const struct image_type *row = &image_types[id];
	char name[64];
	image_filename(row, number, name, sizeof(name));

	auto_image_writer w = NULL;
	int rc = writer_new(-1, name, row, &w, err);
	if (rc < 0)
		return rc;
	w->fd = create_file(dirfd, name);
	w->owns_fd = w->fd >= 0;
	if (w->fd == -EINVAL)
		return error_set(err, EINVAL,
				 "create %s: something that is no regular file has that name",
				 name);
	if (w->fd < 0)
		return error_code(err, w->fd, "create %s", name);
	w->dirfd = dirfd;
	rc = write_head(w, row->head, err);
	if (rc == 0)
		*out = take_ptr(w);
	return rc;
}

/* Room for len bytes in one piece behind what is buffered. */
static int writer_reserve(struct image_writer *w, size_t len, struct error *err)
{
	if (len <= w->cap - w->len)
		return 0;
	int rc = writer_drain(w, err);
	if (rc < 0 || len <= w->cap - w->len)
		return rc;
	char *grown = realloc(w->buf, w->len + len);
	if (!grown)
		return error_set(err, ENOMEM, "%s: out of memory", w->name);
	w->buf = grown;
	w->cap = w->len + len;
	return 0;
}

int image_write(struct image_writer *w, const ProtobufCMessage *msg, struct error *err)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	if (len > IMAGE_MESSAGE_MAX)
		return error_set(err, EMSGSIZE,
				 "%s: a %s of %zu bytes is more than the format's readers take",
				 w->name, msg->descriptor->name, len);
	int rc = writer_reserve(w, len + 4, err);
	if (rc < 0)
		return rc;
	write_u32(w, (uint32_t)len, NULL); /* there is room: cannot fail */
	w->len += protobuf_c_message_pack(msg, (uint8_t *)w->buf + w->len);
	return 0;
}

int image_write_packed(struct image_writer *w, const void *bytes, size_t len, struct error *err)
{
	if (len > IMAGE_MESSAGE_MAX)
		return error_set(err, EMSGSIZE,
				 "%s: an entry of %zu bytes is more than the format's readers take",
				 w->name, len);
	int rc = write_u32(w, (uint32_t)len, err);
	return rc < 0 ? rc : image_write_bytes(w, bytes, len, err);
}

int image_write_padding(struct image_writer *w, uint64_t len, struct error *err)
{
	static const unsigned char zeroes[8];
	return image_write_bytes(w, zeroes, payload_padding(w->type->payload, len), err);
}

int image_writer_fd(struct image_writer *w, struct error *err)
{
	int rc = writer_flush(w, err);
	return rc < 0 ? rc : w->fd;
}

int image_finish(struct image_writer *w, struct error *err)
{
	int rc = writer_flush(w, err);
	if (rc < 0)
		return rc;
	if (w->owns_fd && close(w->fd) < 0 && errno != EINTR) {
		w->fd = -1;
		return error_sys(err, "write %s", w->name);
	}
	if (w->owns_fd)
		w->fd = -1;
	w->dirfd = -1;
	return 0;
}

void image_writer_close(struct image_writer *w)
{
	if (!w)
		return;
	int saved = errno;
	if (w->owns_fd)
		fd_close(w->fd);
	if (w->dirfd != -1)
		unlinkat(w->dirfd, w->name, 0);
	write_behind_free(w->behind);
	free(w->name);
	free(w->buf);
	free(w);
	errno = saved;
}

int image_write_one(int dirfd, enum image_id id, uint64_t number, const ProtobufCMessage *msg,
		    struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(dirfd, id, number, &w, err);
	if (rc == 0)
		rc = image_write(w, msg, err);
	if (rc == 0)
		rc = image_finish(w, err);
	return rc;
}
