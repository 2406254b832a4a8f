/* SPDX-License-Identifier: MIT
 * Byte streams: a small window in front of a descriptor, bytes in memory or an archive member.
 */
#include "images/backend.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "base/progress.h"
#include "base/io.h"

#define COPY_PIECE (256 * 1024)

#define WINDOW (32 * 1024)

#define HOLE_MARGIN (UINT64_C(1) << 20)
#define HOLES_PIECE (64 * HOLE_MARGIN) /* looked at at once */

struct istream {
	const struct istream_ops *ops;
	void *ctx;
	char *name;
	int64_t size;
	uint64_t offset;   /* bytes handed out */
	size_t start, end; /* of what is in the window */
	size_t room;       /* bytes the window has: of a small file no more than it needs */
	unsigned char *window;
	unsigned char small[]; /* the window of a small file */
};

int istream_new(const struct istream_ops *ops, void *ctx, const char *name, int64_t size,
		struct istream **out, struct error *err)
{
	size_t small = size > 0 && size < WINDOW ? (size_t)size : 0;
	struct istream *in = malloc(sizeof(*in) + small); /* the window needs no zeroes */
	char *copy = strdup(name);
	unsigned char *window = small ? NULL : io_buffer(WINDOW);
	if (!in || !copy || !(small || window)) {
		free(window);
		free(in);
		free(copy);
		ops->close(ctx);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	in->ops = ops;
	in->ctx = ctx;
	in->name = copy;
	in->size = size;
	in->room = small ? small : WINDOW;
	in->window = small ? in->small : window;
	in->offset = in->start = in->end = 0;
	*out = in;
	return 0;
}

void istream_close(struct istream *in)
{
	if (!in)
		return;
	in->ops->close(in->ctx);
	if (in->window != in->small)
		free(in->window);
	free(in->name);
	free(in);
}

/*
 * Bytes from behind the window; the position of a seekable stream is window end. A file that had a
 * size is not asked for more, but one that said 0 may be of a kind that does not know.
 */
static ssize_t read_behind(struct istream *in, void *buf, size_t len, struct error *err)
{
	if (!in->ops->pread)
		return in->ops->read(in->ctx, buf, len, err);
	uint64_t at = in->offset + (in->end - in->start);
	uint64_t left = (uint64_t)in->size > at ? (uint64_t)in->size - at : 0;
	if (in->size > 0 && len > left)
		len = (size_t)left;
	return len ? in->ops->pread(in->ctx, buf, len, at, err) : 0;
}

ssize_t istream_read(struct istream *in, void *buf, size_t len, struct error *err)
{
	size_t done = 0;
	while (done < len) {
		if (in->start == in->end) {
			bool direct = len - done >= in->room;
			ssize_t n = direct ? read_behind(in, (char *)buf + done, len - done, err)
					   : read_behind(in, in->window, in->room, err);
			if (n < 0)
				return error_wrap(err, (int)n, "%s", in->name);
			if (n == 0)
				break;
			if (direct) {
				done += (size_t)n;
				in->offset += (size_t)n;
				continue;
			}
			in->start = 0;
			in->end = (size_t)n;
		}
		size_t part = in->end - in->start;
		if (part > len - done)
			part = len - done;
		memcpy((char *)buf + done, in->window + in->start, part);
		in->start += part;
		in->offset += part;
		done += part;
	}
	return (ssize_t)done;
}

static int64_t read_over(struct istream *in, uint64_t len, struct error *err)
{
	char scrap[4096];
	uint64_t done = 0;
	ssize_t n = 1;
	while (n > 0 && done < len) {
		size_t part = len - done < sizeof(scrap) ? (size_t)(len - done) : sizeof(scrap);
		n = in->ops->read(in->ctx, scrap, part, err);
		done += n > 0 ? (uint64_t)n : 0;
	}
	return n < 0 ? n : (int64_t)done;
}

int istream_skip(struct istream *in, uint64_t len, struct error *err)
{
	size_t held = in->end - in->start;
	if (len <= held) {
		in->start += len;
		in->offset += len;
		return 0;
	}
	if (in->ops->pread && in->size >= 0) {
		uint64_t left =
		    (uint64_t)in->size > in->offset ? (uint64_t)in->size - in->offset : 0;
		if (len > left)
			return error_set(err, EBADMSG,
					 "%s: wanted %" PRIu64 " bytes at byte %" PRIu64
					 ", found %" PRIu64,
					 in->name, len, in->offset, left);
		in->start = in->end = 0;
		in->offset += len;
		return 0;
	}
	in->start = in->end = 0;
	in->offset += held;
	int64_t n = in->ops->skip ? in->ops->skip(in->ctx, len - held, err)
				  : read_over(in, len - held, err);
	if (n < 0)
		return error_wrap(err, (int)n, "%s", in->name);
	in->offset += (uint64_t)n;
	if ((uint64_t)n < len - held)
		return error_set(err, EBADMSG,
				 "%s: wanted %" PRIu64 " bytes at byte %" PRIu64 ", found %" PRIu64,
				 in->name, len, in->offset - held - (uint64_t)n,
				 held + (uint64_t)n);
	return 0;
}

ssize_t istream_pread(struct istream *in, void *buf, size_t len, uint64_t offset, struct error *err)
{
	if (!in->ops->pread)
		return error_set(err, ESPIPE, "%s: cannot read out of order from this source",
				 in->name);
	size_t done = 0;
	while (done < len) {
		uint64_t at;
		if (__builtin_add_overflow(offset, done, &at) || at > INT64_MAX)
			break;
		ssize_t n = in->ops->pread(in->ctx, (char *)buf + done, len - done, at, err);
		if (n < 0)
			return error_wrap(err, (int)n, "%s", in->name);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Up to where there is no large hole. */
static uint64_t data_end(struct istream *in, uint64_t at, uint64_t end)
{
	uint64_t start, next = at, last = end - at > HOLES_PIECE ? at + HOLES_PIECE : end;
	for (uint64_t behind = at; behind < last; behind = next) {
		if (!in->ops->data(in->ctx, behind, &start, &next))
			start = next = (uint64_t)in->size;
		if (start > behind && start - behind >= 3 * HOLE_MARGIN)
			return behind + HOLE_MARGIN;
		if (next <= behind) /* shorter than it was */
			return end;
	}
	return next > last ? next : last;
}

bool istream_hole(struct istream *in, uint64_t offset, uint64_t *len)
{
	uint64_t start, next, end;
	if (!in->ops->data || __builtin_add_overflow(offset, *len, &end) ||
	    end > (uint64_t)in->size)
		return false;
	if (!in->ops->data(in->ctx, offset, &start, &next))
		start = (uint64_t)in->size;
	bool hole = start > offset && start - offset >= 2 * HOLE_MARGIN;
	uint64_t to = hole ? start - HOLE_MARGIN : data_end(in, offset, end);
	uint64_t size = hole ? (to - offset) / PAGE * PAGE : (to - offset + PAGE - 1) / PAGE * PAGE;
	*len = size < *len ? size : *len;
	return hole;
}

bool istream_seekable(const struct istream *in)
{
	return in->ops->pread;
}

uint64_t istream_offset(const struct istream *in)
{
	return in->offset;
}

int64_t istream_size(const struct istream *in)
{
	return in->size;
}

int istream_fd(const struct istream *in)
{
	return in->ops->fd ? in->ops->fd(in->ctx) : -1;
}

/* A descriptor; for a regular file `base` is where it stood when it was handed over. */
struct fd_stream {
	int fd;
	off_t base;
};

static ssize_t fd_stream_read(void *ctx, void *buf, size_t len, struct error *err)
{
	struct fd_stream *fs = ctx;
	for (;;) {
		ssize_t n = read(fs->fd, buf, len);
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return error_sys(err, "read");
	}
}

static ssize_t fd_stream_pread(void *ctx, void *buf, size_t len, uint64_t offset, struct error *err)
{
	struct fd_stream *fs = ctx;
	off_t at;
	if (__builtin_add_overflow(fs->base, offset, &at))
		return 0;
	for (;;) {
		ssize_t n = pread(fs->fd, buf, len, at);
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return error_sys(err, "read");
	}
}

static bool fd_stream_data(void *ctx, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct fd_stream *fs = ctx;
	off_t from;
	*start = at;
	*end = INT64_MAX;
	if (__builtin_add_overflow(fs->base, at, &from))
		return true;
	off_t data = lseek(fs->fd, from, SEEK_DATA);
	if (data < 0)
		return errno != ENXIO; /* whatever there is then, is read */
	off_t hole = lseek(fs->fd, data, SEEK_HOLE);
	*start = (uint64_t)(data - fs->base);
	*end = hole < 0 ? INT64_MAX : (uint64_t)(hole - fs->base);
	return true;
}

static int fd_stream_fd(void *ctx)
{
	struct fd_stream *fs = ctx;
	return fs->base ? -1 : fs->fd;
}

static void fd_stream_close(void *ctx)
{
	struct fd_stream *fs = ctx;
	fd_close(fs->fd);
	free(fs);
}

static const struct istream_ops pipe_ops = {
	.read = fd_stream_read,
	.close = fd_stream_close,
};
static const struct istream_ops file_ops = {
	.read = fd_stream_read,
	.pread = fd_stream_pread,
	.data = fd_stream_data,
	.fd = fd_stream_fd,
	.close = fd_stream_close,
};

/* @param size  -1: no plain file */
static int fd_stream_open(int fd_, off_t base, int64_t size, const char *name, struct istream **out,
			  struct error *err)
{
	auto_fd fd = fd_;
	struct fd_stream *fs = malloc(sizeof(*fs));
	if (!fs)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	*fs = (struct fd_stream){ take_fd(fd), base };
	return istream_new(size < 0 ? &pipe_ops : &file_ops, fs, name, size, out, err);
}

int istream_open_file(int fd, int64_t size, const char *name, struct istream **out,
		      struct error *err)
{
	return fd_stream_open(fd, 0, size, name, out, err);
}

int istream_open_fd(int fd_, const char *name, struct istream **out, struct error *err)
{
	auto_fd fd = fd_;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s", name);
	if (S_ISDIR(st.st_mode))
		return error_code(err, EISDIR, "%s", name);
	if (!S_ISREG(st.st_mode))
		return fd_stream_open(take_fd(fd), 0, -1, name, out, err);

	off_t at = lseek(fd, 0, SEEK_CUR);
	off_t base = at > 0 ? at : 0;
	int64_t size = st.st_size > base ? st.st_size - base : 0;
	return fd_stream_open(take_fd(fd), base, size, name, out, err);
}

struct memory_stream {
	const unsigned char *bytes;
	size_t len;
};

static ssize_t memory_pread(void *ctx, void *buf, size_t len, uint64_t offset, struct error *err)
{
	(void)err;
	const struct memory_stream *ms = ctx;
	if (offset >= ms->len)
		return 0;
	if (len > ms->len - offset)
		len = ms->len - offset;
	memcpy(buf, ms->bytes + offset, len);
	return (ssize_t)len;
}

static const struct istream_ops memory_ops = { .pread = memory_pread, .close = free };

int istream_open_memory(const void *bytes, size_t len, const char *name, struct istream **out,
			struct error *err)
{
	struct memory_stream *ms = malloc(sizeof(*ms));
	if (!ms)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	*ms = (struct memory_stream){ .bytes = bytes, .len = len };
	return istream_new(&memory_ops, ms, name, (int64_t)len, out, err);
}

/* @param at  where that is in the copy */
static int pass_hole(struct istream *in, off_t *at, struct error *err)
{
	uint64_t from = istream_offset(in), left = (uint64_t)istream_size(in) - from;
	if (from % COPY_PIECE || !istream_hole(in, from, &left))
		return 0;
	left -= left % COPY_PIECE;
	*at += (off_t)left;
	return istream_skip(in, left, err);
}

int istream_copy(struct istream *in, int fd, const char *name, struct progress *progress,
		 struct error *err)
{
	if (istream_fd(in) >= 0 && istream_offset(in) == 0) {
		int rc = fd_copy(istream_fd(in), fd, progress);
		return rc < 0 ? error_code(err, rc, "copy %s", name) : 0;
	}
	auto_free char *buf = io_buffer(COPY_PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	ssize_t n;
	off_t at = 0;
	while ((n = pass_hole(in, &at, err)) == 0 &&
	       (n = istream_read(in, buf, COPY_PIECE, err)) > 0) {
		int rc = fd_pwrite_sparse(fd, buf, (size_t)n, at);
		if (rc < 0)
			return error_code(err, rc, "write %s", name);
		at += n;
		progress_add(progress, (uint64_t)n);
	}
	if (n == 0 && ftruncate(fd, at) < 0)
		return error_sys(err, "write %s", name);
	return (int)n;
}
