/* SPDX-License-Identifier: MIT
 * The input is an image. It is read and written, from memory and as a stream of unknown length:
 * both must agree, and what was written must read and write as itself.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/backend.h"
#include "images/reader.h"
#include "images/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes that only come in order, in pieces of odd sizes, and end without notice. */
struct forward {
	const uint8_t *at;
	size_t left;
};

static ssize_t forward_read(void *ctx, void *buf, size_t len, struct error *err)
{
	(void)err;
	struct forward *f = ctx;
	if (len > 37)
		len = 37;
	if (len > f->left)
		len = f->left;
	if (len)
		memcpy(buf, f->at, len);
	f->at += len;
	f->left -= len;
	return (ssize_t)len;
}

static const struct istream_ops forward_ops = { .read = forward_read, .close = free };

static int open_forward(const uint8_t *data, size_t size, struct istream **out)
{
	struct forward *f = malloc(sizeof(*f));
	*f = (struct forward){ data, size };
	return istream_new(&forward_ops, f, "input", -1, out, NULL);
}

static int copy_payload(struct image_reader *r, struct image_writer *w, struct error *err)
{
	struct payload_part part;
	char buf[333];
	int rc;
	while ((rc = image_payload_next(r, &part, err)) == 1) {
		uint64_t len = 0;
		ssize_t n;
		if (part.msg)
			image_write(w, part.msg, err);
		while ((n = image_payload_read(r, buf, sizeof(buf), err)) > 0) {
			image_write_bytes(w, buf, (size_t)n, err);
			len += (uint64_t)n;
		}
		if (n < 0)
			return (int)n;
		image_write_padding(w, len, err);
	}
	return rc;
}

/* Takes the stream. @return 0 and the bytes in fd, or -errno. */
static int copy(struct istream *in, int fd, struct error *err)
{
	auto_image_reader r = NULL;
	auto_image_writer w = NULL;
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	int rc = image_open_stream(in, "input", &r, err);
	if (rc < 0)
		return rc;
	rc = image_writer_open_fd(fd, "copy", image_reader_type(r), image_reader_head(r), &w, err);
	if (rc < 0 || !image_reader_type(r)->entry)
		return -EBADMSG; /* raw types have a name, "input" is none */
	ProtobufCMessage *msg;
	while ((rc = image_next(r, &msg, err)) == 1) {
		rc = image_write(w, msg, err);
		protobuf_c_message_free_unpacked(msg, NULL);
		if (rc == 0)
			rc = copy_payload(r, w, err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : image_finish(w, err);
}

static uint8_t *take_bytes(int fd, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		abort();
	*len = (size_t)st.st_size;
	uint8_t *bytes = malloc(*len + 1);
	if (!bytes || fd_pread_full(fd, bytes, *len, 0) != (ssize_t)*len)
		abort();
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct istream *in;
	auto_fd fd = memfd_create("copy", MFD_CLOEXEC);
	if (fd < 0 || istream_open_memory(data, size, "input", &in, &err) < 0)
		return 0;
	int rc = copy(in, fd, &err);
	if (rc < 0 && (!err.code || !err.text[0] || strchr(err.text, '\n')))
		if (rc != -EBADMSG)
			abort();
	size_t len, again_len;
	auto_free uint8_t *bytes = take_bytes(fd, &len);

	if (open_forward(data, size, &in) < 0)
		return 0;
	int forward_rc = copy(in, fd, &err);
	auto_free uint8_t *forward = take_bytes(fd, &again_len);
	if ((rc < 0) != (forward_rc < 0))
		abort();
	if (rc < 0)
		return 0;
	if (again_len != len || memcmp(forward, bytes, len))
		abort();
	if (istream_open_memory(bytes, len, "input", &in, &err) < 0 || copy(in, fd, &err) < 0)
		abort();
	auto_free uint8_t *again = take_bytes(fd, &again_len);
	if (again_len != len || memcmp(again, bytes, len))
		abort();
	return 0;
}
