/* SPDX-License-Identifier: MIT
 * What the image tests share: a folder that goes away, byte strings, images copied by reading.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "images/reader.h"
#include "images/writer.h"

struct temp_dir {
	char path[64];
	int fd;
};

static inline int temp_remove_(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int temp_dir_setup(void **state)
{
	struct temp_dir *dir = calloc(1, sizeof(*dir));
	strcpy(dir->path, "/tmp/stasis-test-XXXXXX");
	assert_non_null(mkdtemp(dir->path));
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir->fd >= 0);
	*state = dir;
	return 0;
}

static inline int temp_dir_teardown(void **state)
{
	struct temp_dir *dir = *state;
	close(dir->fd);
	nftw(dir->path, temp_remove_, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
	return 0;
}

#define TEMP_TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

/* A string literal with any bytes in it, and its length. */
#define BYTES(s) (s), (sizeof(s) - 1)

static inline void put_file(const struct temp_dir *dir, const char *name, const void *bytes,
			    size_t len)
{
	auto_fd fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, bytes, len), 0);
}

static inline void get_file(const struct temp_dir *dir, const char *name, struct strbuf *out)
{
	struct error err;
	assert_int_equal(file_read_at(dir->fd, name, out, &err), 0);
}

static inline struct source *open_dir(const struct temp_dir *dir)
{
	struct source *src = NULL;
	struct error err;
	assert_int_equal(source_open_dirfd(dir->fd, dir->path, &src, &err), 0);
	return src;
}

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		struct error err = { 0 };                                                          \
		long rc_ = (call);                                                                 \
		if (rc_ < 0)                                                                       \
			fail_msg("%s: %ld %s", #call, rc_, err.text);                              \
	} while (0)

/* The call fails with this code, and its message has these words. */
#define assert_fails(call, code_, words)                                                           \
	do {                                                                                       \
		struct error err = { 0 };                                                          \
		long rc_ = (call);                                                                 \
		if (rc_ != -(code_) || err.code != -(code_) || !strstr(err.text, words))           \
			fail_msg("%s: %ld, \"%s\", wanted \"%s\"", #call, rc_, err.text, words);   \
	} while (0)

/** Copy an image entry by entry through the reader. @return 0 or -errno. */
static inline int image_copy(struct image_reader *r, struct image_writer *w, struct error *err)
{
	char buf[5000]; /* no power of two: parts end inside it */
	ssize_t n;
	int rc;
	if (!image_reader_type(r)->entry) {
		while ((n = image_read_raw(r, buf, sizeof(buf), err)) > 0) {
			if (image_write_bytes(w, buf, (size_t)n, err) < 0)
				return -EIO;
		}
		return n < 0 ? (int)n : image_finish(w, err);
	}
	ProtobufCMessage *msg;
	while ((rc = image_next(r, &msg, err)) == 1) {
		rc = image_write(w, msg, err);
		protobuf_c_message_free_unpacked(msg, NULL);
		struct payload_part part;
		while (rc == 0 && (rc = image_payload_next(r, &part, err)) == 1) {
			uint64_t len = 0;
			if (part.msg && image_write(w, part.msg, err) < 0)
				return -EIO;
			while ((n = image_payload_read(r, buf, sizeof(buf), err)) > 0) {
				image_write_bytes(w, buf, (size_t)n, err);
				len += (uint64_t)n;
			}
			rc = n < 0 ? (int)n : image_write_padding(w, len, err);
		}
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : image_finish(w, err);
}

/** Bytes of an image in memory, read and written again into `out`. */
static inline int bytes_copy(const void *bytes, size_t len, const char *name, struct strbuf *out,
			     struct error *err)
{
	struct istream *in = NULL;
	auto_image_reader r = NULL;
	auto_image_writer w = NULL;
	auto_file f = tmpfile();
	int rc = istream_open_memory(bytes, len, name, &in, err);
	if (rc == 0)
		rc = image_open_stream(in, name, &r, err);
	if (rc == 0)
		rc = image_writer_open_fd(fileno(f), name, image_reader_type(r),
					  image_reader_head(r), &w, err);
	if (rc == 0)
		rc = image_copy(r, w, err);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	return rc < 0 ? rc : file_read_at(AT_FDCWD, path, out, err);
}
