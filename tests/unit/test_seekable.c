/* SPDX-License-Identifier: MIT
 * Compressed page images as streams, and the threads that make them.
 */
#include "images/seekable.h"

#include <endian.h>

#include "convert/store/compress.h"
#include "tests/unit/image_fixture.h"
#include "images/page-store.h"

enum { SIZE = 3 * SEEKABLE_FRAME + 4096 };

static const struct compress_how how = { .level = 1, .nr_threads = 3 };

static unsigned char *make_pages(void)
{
	unsigned char *bytes = calloc(1, SIZE);
	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = i % 16384 < 8192 ? 0 : (unsigned char)(i / 4096 * 37 + i % 251);
	return bytes;
}

/* "pages-1.img" and from it "pages-1.img.zst". */
static void make_packed(const struct temp_dir *dir, const unsigned char *bytes, size_t len)
{
	put_file(dir, "pages-1.img", bytes, len);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	assert_ok(source_open_member(src, "pages-1.img", &in, &err));
	auto_fd fd = openat(dir->fd, "pages-1.img.zst", O_RDWR | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_ok(pages_compress(in, fd, "pages-1.img.zst", &how, &err));
}

static void seekable_reads_any_offset(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free unsigned char *bytes = make_pages();
	auto_free unsigned char *got = malloc(SIZE);
	make_packed(dir, bytes, SIZE);
	assert_int_equal(unlinkat(dir->fd, "pages-1.img", 0), 0);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	assert_ok(source_open_member(src, "pages-1.img", &in, &err));
	assert_true(istream_seekable(in));
	assert_int_equal(istream_fd(in), -1);
	assert_int_equal(istream_size(in), SIZE);
	static const uint64_t offsets[] = { 2 * SEEKABLE_FRAME,  0,    SEEKABLE_FRAME - 1, SIZE - 1,
					    SEEKABLE_FRAME + 77, 12345 };
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		size_t left = SIZE - offsets[i];
		size_t want = left < SEEKABLE_FRAME + 9 ? left : SEEKABLE_FRAME + 9;
		assert_int_equal(istream_pread(in, got, SEEKABLE_FRAME + 9, offsets[i], NULL),
				 want);
		assert_memory_equal(got, bytes + offsets[i], want);
	}
	assert_int_equal(istream_read(in, got, SIZE, NULL), SIZE);
	assert_memory_equal(got, bytes, SIZE);
}

static void seekable_is_listed_as_what_it_holds(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free unsigned char *bytes = make_pages();
	make_packed(dir, bytes, SIZE);
	assert_int_equal(unlinkat(dir->fd, "pages-1.img", 0), 0);
	auto_source src = open_dir(dir);
	const struct source_member *list;
	assert_int_equal(source_list(src, &list, NULL), 1);
	assert_string_equal(list[0].name, "pages-1.img");
	assert_string_equal(list[0].path, "pages-1.img.zst");
	assert_int_equal(list[0].size, SIZE);
}

static void seekable_decompresses_to_the_same_bytes(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free unsigned char *bytes = make_pages();
	make_packed(dir, bytes, SIZE);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	assert_ok(source_open_member(src, "pages-1.img.zst", &in, &err));
	auto_fd fd = openat(dir->fd, "back", O_RDWR | O_CREAT, 0644);
	assert_ok(pages_decompress(in, fd, "back", &how, &err));
	auto_strbuf back = { 0 };
	get_file(dir, "back", &back);
	assert_int_equal(back.len, SIZE);
	assert_memory_equal(back.data, bytes, SIZE);
	struct compress_how limited = how;
	limited.max_size = SIZE - 1;
	assert_fails(pages_decompress(in, fd, "back", &limited, &err), EFBIG, "--max-size");
}

static void seekable_of_nothing_is_nothing(void **state)
{
	const struct temp_dir *dir = *state;
	make_packed(dir, NULL, 0);
	assert_int_equal(unlinkat(dir->fd, "pages-1.img", 0), 0);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	char byte;
	assert_ok(source_open_member(src, "pages-1.img", &in, &err));
	assert_int_equal(istream_read(in, &byte, 1, NULL), 0);
}

/* Change the word `back` bytes before the end of the file and see the reader refuse it. */
static void assert_refused(const struct temp_dir *dir, const struct strbuf *good, size_t back,
			   uint32_t value, const char *words)
{
	auto_strbuf bad = { 0 };
	assert_int_equal(strbuf_add(&bad, good->data, good->len), 0);
	uint32_t word = htole32(value);
	memcpy(bad.data + bad.len - back, &word, sizeof(word));
	put_file(dir, "pages-1.img.zst", bad.data, bad.len);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	assert_fails(source_open_member(src, "pages-1.img", &in, &err), EBADMSG, words);
}

static void seekable_refuses_wrong_tables(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free unsigned char *bytes = make_pages();
	make_packed(dir, bytes, SIZE);
	auto_strbuf good = { 0 };
	get_file(dir, "pages-1.img.zst", &good);
	assert_int_equal(unlinkat(dir->fd, "pages-1.img", 0), 0);
	assert_refused(dir, &good, 4, 0, "no table of frames at its end");
	assert_refused(dir, &good, 9, UINT32_MAX, "a table of 4294967295 frames");
	assert_refused(dir, &good, 9, 3, "no table of frames at byte");
	assert_refused(dir, &good, 9 + 4, 1u << 31, "wanted at most");
	assert_refused(dir, &good, 9 + 8, 5, "its table says frames");
	put_file(dir, "pages-1.img.zst", good.data, 10);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	assert_fails(source_open_member(src, "pages-1.img", &in, &err), EBADMSG, "10 bytes");
}

static void seekable_refuses_broken_frames(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free unsigned char *bytes = make_pages();
	make_packed(dir, bytes, SIZE);
	auto_strbuf packed = { 0 };
	get_file(dir, "pages-1.img.zst", &packed);
	assert_int_equal(unlinkat(dir->fd, "pages-1.img", 0), 0);
	packed.data[packed.len / 2] ^= 0x55;
	put_file(dir, "pages-1.img.zst", packed.data, packed.len);
	auto_source src = open_dir(dir);
	auto_istream in = NULL;
	auto_free unsigned char *got = malloc(SIZE);
	assert_ok(source_open_member(src, "pages-1.img", &in, &err));
	assert_fails(istream_read(in, got, SIZE, &err), EBADMSG, "pages-1.img.zst: frame 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(seekable_reads_any_offset),
		TEMP_TEST(seekable_is_listed_as_what_it_holds),
		TEMP_TEST(seekable_decompresses_to_the_same_bytes),
		TEMP_TEST(seekable_of_nothing_is_nothing),
		TEMP_TEST(seekable_refuses_wrong_tables),
		TEMP_TEST(seekable_refuses_broken_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
