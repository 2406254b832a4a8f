/* SPDX-License-Identifier: MIT
 * The image writer: heads, sizes, padding, and what is left when it fails.
 */
#include "tests/unit/image_fixture.h"

#include "fown.pb-c.h"
#include "task.pb-c.h"

static void assert_file(const struct temp_dir *dir, const char *name, const void *bytes, size_t len)
{
	auto_strbuf got = { 0 };
	get_file(dir, name, &got);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, bytes, len);
}

static PstreeEntry sample(uint32_t pid)
{
	PstreeEntry pe = PSTREE_ENTRY__INIT;
	pe.pid = pe.pgid = pe.sid = pid;
	return pe;
}

#define SAMPLE_1 "\x08\x01\x10\x00\x18\x01\x20\x01" /* pid 1, ppid 0, pgid 1, sid 1 */

static void image_create_starts_with_the_head_of_the_type(void **state)
{
	static const struct {
		enum image_id type;
		const char *name, *bytes;
		size_t len;
	} cases[] = {
		{ IMG_PSTREE, "pstree.img", BYTES("\x19\x43\x56\x54\x30\x30\x27\x50") },
		{ IMG_INVENTORY, "inventory.img", BYTES("\x16\x31\x31\x58") },
		{ IMG_STATS, "stats-dump", BYTES("\x40\x59\x10\x55\x06\x33\x09\x57") },
		{ IMG_PAGES, "pages-7.img", BYTES("") },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct temp_dir *dir = *state;
		auto_image_writer w = NULL;
		uint64_t id = cases[i].type == IMG_PAGES ? 7 : 0;
		assert_ok(image_create(dir->fd, cases[i].type, id, &w, &err));
		assert_ok(image_finish(w, &err));
		assert_file(dir, cases[i].name, cases[i].bytes, cases[i].len);
	}
}

static void image_write_one_writes_size_and_message(void **state)
{
	const struct temp_dir *dir = *state;
	PstreeEntry pe = sample(1);
	assert_ok(image_write_one(dir->fd, IMG_PSTREE, 0, &pe.base, &err));
	assert_file(dir, "pstree.img",
		    BYTES("\x19\x43\x56\x54\x30\x30\x27\x50\x08\0\0\0" SAMPLE_1));
}

static void image_write_packed_equals_image_write(void **state)
{
	const struct temp_dir *dir = *state;
	auto_image_writer w = NULL;
	assert_ok(image_create(dir->fd, IMG_PSTREE, 0, &w, &err));
	assert_ok(image_write_packed(w, BYTES(SAMPLE_1), &err));
	assert_ok(image_finish(w, &err));
	assert_file(dir, "pstree.img",
		    BYTES("\x19\x43\x56\x54\x30\x30\x27\x50\x08\0\0\0" SAMPLE_1));
}

static void image_write_takes_messages_larger_than_the_buffer(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free uint32_t *threads = calloc(200000, sizeof(*threads));
	PstreeEntry big = sample(1), small = sample(2);
	big.n_threads = 200000;
	big.threads = threads;
	auto_image_writer w = NULL;
	assert_ok(image_create(dir->fd, IMG_PSTREE, 0, &w, &err));
	assert_ok(image_write(w, &small.base, &err));
	assert_ok(image_write(w, &big.base, &err));
	assert_ok(image_write(w, &small.base, &err));
	assert_ok(image_finish(w, &err));

	auto_source src = open_dir(dir);
	auto_image_reader r = NULL;
	assert_ok(image_open_typed(src, IMG_PSTREE, 0, &r, &err));
	static const size_t want[] = { 0, 200000, 0 };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		auto_message ProtobufCMessage *msg = NULL;
		assert_ok(image_next(r, &msg, &err));
		assert_int_equal(((PstreeEntry *)msg)->n_threads, want[i]);
	}
}

static void image_writer_open_fd_keeps_messages_of_any_size_in_order(void **state)
{
	const struct temp_dir *dir = *state;
	enum { NR = 400, MOST = 190000 };
	auto_free uint32_t *threads = calloc(MOST, sizeof(*threads));
	auto_fd fd = openat(dir->fd, "pstree.img", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	auto_image_writer w = NULL;
	assert_ok(image_writer_open_fd(fd, "pstree.img", &image_types[IMG_PSTREE], HEAD_COMMON, &w,
				       &err));
	for (uint32_t i = 0; i < NR; i++) {
		PstreeEntry pe = sample(i);
		pe.n_threads = i * 1009 % MOST;
		pe.threads = threads;
		assert_ok(image_write(w, &pe.base, &err));
	}
	assert_ok(image_finish(w, &err));

	auto_source src = open_dir(dir);
	auto_image_reader r = NULL;
	assert_ok(image_open_typed(src, IMG_PSTREE, 0, &r, &err));
	for (uint32_t i = 0; i < NR; i++) {
		auto_message ProtobufCMessage *msg = NULL;
		assert_ok(image_next(r, &msg, &err));
		assert_int_equal(((PstreeEntry *)msg)->pid, i);
		assert_int_equal(((PstreeEntry *)msg)->n_threads, i * 1009 % MOST);
	}
}

static void image_write_refuses_what_readers_refuse(void **state)
{
	const struct temp_dir *dir = *state;
	auto_free uint32_t *threads = calloc(IMAGE_MESSAGE_MAX / 2, sizeof(*threads));
	PstreeEntry pe = sample(1);
	pe.n_threads = IMAGE_MESSAGE_MAX / 2;
	pe.threads = threads;
	auto_image_writer w = NULL;
	assert_ok(image_create(dir->fd, IMG_PSTREE, 0, &w, &err));
	assert_fails(image_write(w, &pe.base, &err), EMSGSIZE, "pstree.img");
}

static void image_write_bytes_passes_large_pieces_in_order(void **state)
{
	const struct temp_dir *dir = *state;
	size_t len = 300000;
	auto_free char *bytes = malloc(2 * len + 2);
	memset(bytes, 'x', 2 * len + 2);
	bytes[0] = bytes[2 * len + 1] = 'y';
	auto_image_writer w = NULL;
	assert_ok(image_create(dir->fd, IMG_PAGES, 1, &w, &err));
	assert_ok(image_write_bytes(w, bytes, 1, &err));
	assert_ok(image_write_bytes(w, bytes + 1, len, &err));
	int fd = image_writer_fd(w, NULL);
	assert_int_equal(fd_write_full(fd, bytes + 1 + len, len), 0);
	assert_ok(image_write_bytes(w, bytes + 2 * len + 1, 1, &err));
	assert_ok(image_finish(w, &err));
	assert_file(dir, "pages-1.img", bytes, 2 * len + 2);
}

static void image_write_padding_follows_the_type(void **state)
{
	static const struct {
		enum image_id type;
		const char *name;
		off_t len, padding;
	} cases[] = {
		{ IMG_IPCNS_SHM, "ipcns-shm-1.img", 5, 3 },
		{ IMG_IPCNS_SHM, "ipcns-shm-1.img", 8, 0 },
		{ IMG_IPCNS_SEM, "ipcns-sem-1.img", 10, 6 },
		{ IMG_IPCNS_MSG, "ipcns-msg-1.img", 1, 7 },
		{ IMG_PIPES_DATA, "pipes-data.img", 5, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct temp_dir *dir = *state;
		auto_image_writer w = NULL;
		assert_ok(image_create(dir->fd, cases[i].type, 1, &w, &err));
		assert_ok(image_write_padding(w, (uint64_t)cases[i].len, &err));
		assert_ok(image_finish(w, &err));
		struct stat st;
		assert_int_equal(fstatat(dir->fd, cases[i].name, &st, 0), 0);
		assert_int_equal(st.st_size, 8 + cases[i].padding);
	}
}

static void image_writer_close_removes_an_unfinished_image(void **state)
{
	const struct temp_dir *dir = *state;
	struct image_writer *w = NULL;
	assert_ok(image_create(dir->fd, IMG_PSTREE, 0, &w, &err));
	image_writer_close(w);
	assert_int_equal(faccessat(dir->fd, "pstree.img", F_OK, 0), -1);
	image_writer_close(NULL);
}

static void image_finish_reports_a_full_disk(void **state)
{
	(void)state;
	auto_fd fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	auto_image_writer w = NULL;
	PstreeEntry pe = sample(1);
	assert_ok(image_writer_open_fd(fd, "pstree.img", &image_types[IMG_PSTREE], HEAD_COMMON, &w,
				       &err));
	assert_ok(image_write(w, &pe.base, &err));
	assert_fails(image_finish(w, &err), ENOSPC, "write pstree.img");
}

static void image_create_names_the_file_it_cannot_create(void **state)
{
	(void)state;
	auto_fd fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct image_writer *w = NULL;
	assert_fails(image_create(fd, IMG_CORE, 12, &w, &err), ENOENT, "create core-12.img");
	assert_fails(image_create(-1, IMG_CORE, 12, &w, &err), EBADF, "create core-12.img");
}

static void image_create_does_not_follow_links(void **state)
{
	const struct temp_dir *dir = *state;
	struct image_writer *w = NULL;
	assert_int_equal(symlinkat("elsewhere", dir->fd, "pstree.img"), 0);
	assert_fails(image_create(dir->fd, IMG_PSTREE, 0, &w, &err), ELOOP, "pstree.img");
}

static void image_create_refuses_a_fifo(void **state)
{
	const struct temp_dir *dir = *state;
	struct image_writer *w = NULL;
	assert_int_equal(mkfifoat(dir->fd, "pstree.img", 0600), 0);
	assert_fails(image_create(dir->fd, IMG_PSTREE, 0, &w, &err), EINVAL, "no regular file");
}

static void image_create_empties_an_old_image(void **state)
{
	const struct temp_dir *dir = *state;
	auto_image_writer w = NULL;
	struct stat st;
	assert_int_equal(mknodat(dir->fd, "pstree.img", S_IFREG | 0600, 0), 0);
	auto_fd fd = openat(dir->fd, "pstree.img", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_ok(image_create(dir->fd, IMG_PSTREE, 0, &w, &err));
	assert_ok(image_finish(w, &err));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 8); /* its magic numbers */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(image_create_starts_with_the_head_of_the_type),
		TEMP_TEST(image_write_one_writes_size_and_message),
		TEMP_TEST(image_write_packed_equals_image_write),
		TEMP_TEST(image_write_takes_messages_larger_than_the_buffer),
		TEMP_TEST(image_writer_open_fd_keeps_messages_of_any_size_in_order),
		TEMP_TEST(image_write_refuses_what_readers_refuse),
		TEMP_TEST(image_write_bytes_passes_large_pieces_in_order),
		TEMP_TEST(image_write_padding_follows_the_type),
		TEMP_TEST(image_writer_close_removes_an_unfinished_image),
		cmocka_unit_test(image_finish_reports_a_full_disk),
		cmocka_unit_test(image_create_names_the_file_it_cannot_create),
		TEMP_TEST(image_create_does_not_follow_links),
		TEMP_TEST(image_create_refuses_a_fifo),
		TEMP_TEST(image_create_empties_an_old_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
