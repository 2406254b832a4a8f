/* SPDX-License-Identifier: MIT
 * Sources: directories and archives of every kind give the same members with the same bytes.
 */
#include "tests/unit/image_fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/resource.h>

#define LONG_NAME                                                                                  \
	"a-folder-with-a-name-that-no-ustar-header-can-hold/and-another-one-of-the-same-kind/"     \
	"that-goes-on-and-on/until-it-is-longer-than-a-hundred-and-fifty-six-characters-and-more/"
#define BIG (3 * 1024 * 1024 + 17) /* more than is kept in memory */

struct member {
	const char *path;
	const char *bytes; /* NULL: BIG bytes of big_byte() */
	const char *link;
	bool hard;
};

static unsigned char big_byte(size_t i)
{
	return (unsigned char)((i ^ i >> 9) * 2654435761u >> 13);
}

static unsigned char *big_bytes(void)
{
	unsigned char *bytes = malloc(BIG);
	assert_non_null(bytes);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = big_byte(i);
	return bytes;
}

static void archive_put(struct archive *a, const struct member *m)
{
	auto_free unsigned char *big = m->bytes || m->link ? NULL : big_bytes();
	size_t len = m->link ? 0 : m->bytes ? strlen(m->bytes) : BIG;
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, m->path);
	archive_entry_set_filetype(entry, m->link && !m->hard ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)len);
	if (m->link && m->hard)
		archive_entry_set_hardlink(entry, m->link);
	else if (m->link)
		archive_entry_set_symlink(entry, m->link);
	assert_true(archive_write_header(a, entry) >= ARCHIVE_WARN); /* letters, in the C locale */
	if (len)
		assert_int_equal(archive_write_data(a, big ? (void *)big : m->bytes, len), len);
	archive_entry_free(entry);
}

/* Write a tar; @return its path, to be freed. */
static char *archive_make(const struct temp_dir *dir, const char *format, const char *filter,
			  const struct member *members, size_t nr)
{
	char *path = NULL;
	assert_true(asprintf(&path, "%s/set.tar", dir->path) > 0);
	struct archive *a = archive_write_new();
	assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
	if (strcmp(filter, "none"))
		assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	for (size_t i = 0; i < nr; i++)
		archive_put(a, &members[i]);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return path;
}

static struct source *archive_open(const struct temp_dir *dir, const char *format,
				   const char *filter, const struct member *members, size_t nr)
{
	auto_free char *path = archive_make(dir, format, filter, members, nr);
	struct source *src = NULL;
	assert_ok(source_open(path, &src, &err));
	return src;
}

static void assert_member(struct source *src, const char *name, const char *want)
{
	auto_istream in = NULL;
	char buf[256];
	assert_ok(source_open_member(src, name, &in, &err));
	ssize_t n = istream_read(in, buf, sizeof(buf) - 1, NULL);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, want);
	assert_int_equal(istream_size(in), n);
	assert_int_equal(istream_offset(in), n);
}

static void assert_big(struct source *src, const char *name)
{
	auto_istream in = NULL;
	static const size_t skips[] = { 0, 1, 100000, 1000000 };
	unsigned char buf[1000];
	size_t at = 0;
	assert_ok(source_open_member(src, name, &in, &err));
	for (size_t i = 0; i < ARRAY_SIZE(skips); i++) {
		assert_ok(istream_skip(in, skips[i], &err));
		at += skips[i];
		assert_int_equal(istream_read(in, buf, sizeof(buf), NULL), sizeof(buf));
		for (size_t k = 0; k < sizeof(buf); k++)
			assert_int_equal(buf[k], big_byte(at + k));
		at += sizeof(buf);
		assert_int_equal(istream_offset(in), at);
	}
	assert_fails(istream_skip(in, BIG, &err), EBADMSG, name);
}

static const struct {
	const char *format, *filter;
} kinds[] = {
	{ "ustar", "none" }, { "gnutar", "none" }, { "pax", "none" },
	{ "ustar", "gzip" }, { "gnutar", "gzip" }, { "pax", "gzip" },
	{ "ustar", "zstd" }, { "gnutar", "zstd" }, { "pax", "zstd" },
};

static void archive_members_are_read_in_place(void **state)
{
	static const struct member members[] = {
		{ "config.dump", "outer", NULL, false },
		{ "checkpoint/core-1.img", "one", NULL, false },
		{ "checkpoint/pages-1.img", NULL, NULL, false },
		{ "checkpoint/inventory.img", "inv", NULL, false },
		{ "checkpoint/empty.img", "", NULL, false },
		{ "checkpoint/config.dump", "inner", NULL, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct temp_dir *dir = *state;
		auto_source src = archive_open(dir, kinds[i].format, kinds[i].filter, members,
					       ARRAY_SIZE(members));
		assert_true(source_is_archive(src));
		assert_member(src, "core-1.img", "one");
		assert_member(src, "checkpoint/core-1.img", "one");
		assert_member(src, "empty.img", "");
		assert_member(src, "config.dump", "inner");
		assert_big(src, "pages-1.img");
		assert_big(src, "pages-1.img");
		struct istream *in;
		assert_fails(source_open_member(src, "core-2.img", &in, &err), ENOENT,
			     "checkpoint/core-2.img");
		auto_strbuf path = { 0 };
		strbuf_printf(&path, "%s/checkpoint", dir->path);
		assert_int_equal(access(path.data, F_OK), -1); /* nothing was extracted */
	}
}

/* A file of 2 MiB with bytes in two places, and one that is all hole, in that order. */
static struct source *archive_with_holes(const struct temp_dir *dir, const char *filter)
{
	auto_free char *path = NULL;
	static char bytes[2 << 20];
	struct source *src = NULL;
	assert_true(asprintf(&path, "%s/set.tar", dir->path) > 0);
	memset(bytes + 70000, 'a', 3000);
	memset(bytes + 1500000, 'b', 5);
	struct archive *a = archive_write_new();
	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	if (strcmp(filter, "none"))
		assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	for (int i = 0; i < 2; i++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, i ? "pages-2.img" : "pages-1.img");
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_size(entry, sizeof(bytes));
		archive_entry_sparse_add_entry(entry, i ? 0 : 70000, i ? 0 : 3000);
		if (!i)
			archive_entry_sparse_add_entry(entry, 1500000, 5);
		assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
		if (i)
			memset(bytes, 0, sizeof(bytes));
		assert_int_equal(archive_write_data(a, bytes, sizeof(bytes)), sizeof(bytes));
		archive_entry_free(entry);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	assert_ok(source_open(path, &src, &err));
	return src;
}

static void assert_holes(struct istream *in, uint64_t (*read_at)(struct istream *in, size_t at))
{
	static const struct {
		size_t at;
		char want;
	} bytes[] = {
		{ 0, 0 },       { 69999, 0 },     { 70000, 'a' },   { 72999, 'a' }, { 73000, 0 },
		{ 1499999, 0 }, { 1500000, 'b' }, { 1500004, 'b' }, { 1500005, 0 }, { 2097151, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		assert_int_equal(read_at(in, bytes[i].at), bytes[i].want);
}

static uint64_t byte_at(struct istream *in, size_t at)
{
	char byte = 'x';
	assert_int_equal(istream_pread(in, &byte, 1, at, NULL), 1);
	return (unsigned char)byte;
}

static uint64_t next_byte_at(struct istream *in, size_t at)
{
	char byte = 'x';
	assert_ok(istream_skip(in, at - istream_offset(in), &err));
	assert_int_equal(istream_read(in, &byte, 1, NULL), 1);
	return (unsigned char)byte;
}

static void archive_files_with_holes_are_read_in_place(void **state)
{
	static const char *const filters[] = { "none", "gzip", "zstd" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		auto_source src = archive_with_holes(*state, filters[i]);
		auto_istream in = NULL;
		auto_istream hole = NULL;
		assert_ok(source_open_member(src, "pages-1.img", &in, &err));
		assert_int_equal(istream_size(in), 2 << 20);
		assert_int_equal(istream_seekable(in), i == 0);
		assert_holes(in, next_byte_at);
		if (i == 0)
			assert_holes(in, byte_at);
		assert_ok(source_open_member(src, "pages-2.img", &hole, &err));
		assert_int_equal(next_byte_at(hole, (2 << 20) - 1), 0);
		assert_int_equal(istream_read(hole, (char[1]){ 0 }, 1, NULL), 0);
	}
}

static void archive_lists_members_by_number(void **state)
{
	static const struct member members[] = {
		{ "x/core-10.img", "10", NULL, false }, { "x/core-9.img", "nine", NULL, false },
		{ "x/pstree.img", "", NULL, false },    { "config.dump", "c", NULL, false },
		{ "x/parent", NULL, "../y", false },
	};
	auto_source src = archive_open(*state, "pax", "gzip", members, ARRAY_SIZE(members));
	const struct source_member *list = NULL;
	struct error err;
	assert_int_equal(source_list(src, &list, &err), 4);
	static const char *const want[] = { "config.dump", "core-9.img", "core-10.img",
					    "pstree.img" };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_string_equal(list[i].name, want[i]);
	assert_string_equal(list[1].path, "x/core-9.img");
	assert_int_equal(list[1].size, 4);
}

static void archive_names_are_data(void **state)
{
	static const struct member members[] = {
		{ "../../set/inventory.img", "inv", NULL, false },
		{ "../../set/core-1.img", "up", NULL, false },
		{ "/etc/passwd", "root", NULL, false },
		{ LONG_NAME "core-1.img", "long", NULL, false },
		{ "\303\274ber-\377.img", "bytes", NULL, false },
	};
	static const char *const filters[] = { "none", "zstd" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		auto_source src =
		    archive_open(*state, "gnutar", filters[i], members, ARRAY_SIZE(members));
		assert_member(src, "core-1.img", "up");
		assert_member(src, "../../set/core-1.img", "up");
		assert_member(src, "/etc/passwd", "root");
		assert_member(src, LONG_NAME "core-1.img", "long");
		assert_member(src, "\303\274ber-\377.img", "bytes");
	}
}

static void archive_pax_names_keep_their_letters(void **state)
{
	static const struct member members[] = {
		{ LONG_NAME "\303\274.img", "letters", NULL, false },
		{ "inventory.img", "inv", NULL, false },
	};
	auto_source src = archive_open(*state, "pax", "none", members, ARRAY_SIZE(members));
	assert_member(src, LONG_NAME "\303\274.img", "letters");
}

static void archive_last_of_equal_names_wins(void **state)
{
	static const struct member members[] = {
		{ "core-1.img", "first", NULL, false },
		{ "inventory.img", "inv", NULL, false },
		{ "core-1.img", "second, longer", NULL, false },
		{ "core-1.img", "last", NULL, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_source src = archive_open(*state, kinds[i].format, kinds[i].filter, members,
					       ARRAY_SIZE(members));
		assert_member(src, "core-1.img", "last");
	}
}

static void archive_hard_links_are_members(void **state)
{
	static const struct member members[] = {
		{ "s/inventory.img", "inv", NULL, false },
		{ "s/pages-1.img", "pages", NULL, false },
		{ "s/pages-2.img", NULL, "s/pages-1.img", true },
		{ "s/pages-3.img", NULL, "s/pages-3.img", true }, /* a loop */
		{ "s/pages-4.img", NULL, "/etc/passwd", true },
		{ "s/pages-5.img", NULL, "/etc/passwd", false },
	};
	auto_source src = archive_open(*state, "ustar", "none", members, ARRAY_SIZE(members));
	assert_member(src, "pages-2.img", "pages");
	struct istream *in;
	assert_fails(source_open_member(src, "pages-3.img", &in, &err), ENOENT, "link");
	assert_fails(source_open_member(src, "pages-4.img", &in, &err), ENOENT, "link");
	assert_fails(source_open_member(src, "pages-5.img", &in, &err), ENOENT, "link");
}

static void archive_set_is_the_final_one(void **state)
{
	static const struct member members[] = {
		{ "./a/inventory.img", "", NULL, false },
		{ "./a/core-1.img", "pre-dump", NULL, false },
		{ "./b/inventory.img", "", NULL, false },
		{ "./b/pstree.img", "", NULL, false },
		{ "./b/core-1.img", "final", NULL, false },
		{ "./b/parent", NULL, "../a", false },
		{ "./c/core-1.img", "stray", NULL, false },
		{ "./c/core-2.img", "stray", NULL, false },
	};
	static const char *const filters[] = { "none", "gzip" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		auto_source src =
		    archive_open(*state, "pax", filters[i], members, ARRAY_SIZE(members));
		assert_member(src, "core-1.img", "final");
		auto_source parent = NULL;
		assert_ok(source_open_parent(src, &parent, &err));
		assert_non_null(parent);
		source_close(src); /* the parent stands on its own */
		src = NULL;
		assert_member(parent, "core-1.img", "pre-dump");
		auto_source none = NULL;
		assert_ok(source_open_parent(parent, &none, &err));
		assert_null(none);
	}
}

static void archive_parent_never_leaves_the_archive(void **state)
{
	static const char *const links[] = { "../../../tmp", "/tmp", "..", "../absent" };
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		const struct member members[] = {
			{ "checkpoint/inventory.img", "", NULL, false },
			{ "checkpoint/parent", NULL, links[i], false },
		};
		auto_source src = archive_open(*state, "pax", "none", members, ARRAY_SIZE(members));
		auto_source parent = NULL;
		if (strcmp(links[i], ".."))
			assert_fails(source_open_parent(src, &parent, &err), ENOENT, links[i]);
		else
			assert_ok(source_open_parent(src, &parent, &err)); /* its own top */
	}
}

static void archive_cut_short_is_an_error(void **state)
{
	static const struct member members[] = {
		{ "inventory.img", "inv", NULL, false },
		{ "pages-1.img", NULL, NULL, false },
	};
	static const char *const filters[] = { "none", "gzip", "zstd" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		auto_free char *path =
		    archive_make(*state, "ustar", filters[i], members, ARRAY_SIZE(members));
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size / 2), 0);
		struct source *src = NULL;
		assert_fails(source_open(path, &src, &err), EBADMSG, path);
	}
}

static void source_open_refuses_what_is_no_source(void **state)
{
	const struct temp_dir *dir = *state;
	struct source *src = NULL;
	auto_strbuf path = { 0 };
	strbuf_printf(&path, "%s/core-1.img", dir->path);
	assert_fails(source_open(path.data, &src, &err), ENOENT, "core-1.img");
	put_file(dir, "core-1.img", BYTES("\x19\x43\x56\x54 not a tar"));
	assert_fails(source_open(path.data, &src, &err), EBADMSG, "core-1.img");
	put_file(dir, "core-1.img", BYTES(""));
	assert_fails(source_open(path.data, &src, &err), EBADMSG, "core-1.img");
	assert_fails(source_open("/dev/null", &src, &err), EINVAL, "neither");
}

static void directory_lists_files_by_number(void **state)
{
	const struct temp_dir *dir = *state;
	put_file(dir, "core-10.img", BYTES("10"));
	put_file(dir, "core-9.img", BYTES("nine"));
	assert_int_equal(mkdirat(dir->fd, "sub", 0755), 0);
	assert_int_equal(mkfifoat(dir->fd, "fifo.img", 0644), 0);
	auto_source src = open_dir(dir);
	assert_false(source_is_archive(src));
	const struct source_member *list = NULL;
	struct error err;
	for (int again = 0; again < 2; again++)
		assert_int_equal(source_list(src, &list, &err), 2);
	assert_string_equal(list[0].name, "core-9.img");
	assert_int_equal(list[0].size, 4);
	assert_string_equal(list[1].name, "core-10.img");
}

static void directory_is_listed_once(void **state)
{
	const struct temp_dir *dir = *state;
	const struct source_member *first, *again;
	auto_source src = NULL;
	put_file(dir, "core-1.img", BYTES("one"));
	assert_ok(source_open(dir->path, &src, &err));
	assert_int_equal(source_list(src, &first, NULL), 1);
	put_file(dir, "core-2.img", BYTES("two"));
	assert_int_equal(source_list(src, &again, NULL), 1);
	assert_ptr_equal(first, again);
	assert_member(src, "core-2.img", "two"); /* it is there all the same */
}

static void directory_opens_only_its_own_files(void **state)
{
	const struct temp_dir *dir = *state;
	assert_int_equal(mkfifoat(dir->fd, "fifo.img", 0644), 0);
	auto_source src = open_dir(dir);
	struct istream *in;
	assert_fails(source_open_member(src, "core-1.img", &in, &err), ENOENT, "core-1.img");
	assert_fails(source_open_member(src, "../etc/passwd", &in, &err), ENOENT, "no member");
	assert_fails(source_open_member(src, "..", &in, &err), ENOENT, "no member");
	assert_fails(source_open_member(src, "fifo.img", &in, &err), EBADMSG, "not a regular");
	put_file(dir, "core-1.img", BYTES("one"));
	assert_member(src, "core-1.img", "one");
	auto_istream file = NULL;
	assert_ok(source_open_member(src, "core-1.img", &file, &err));
	assert_true(istream_fd(file) >= 0);
	char c;
	assert_int_equal(istream_pread(file, &c, 1, 2, NULL), 1);
	assert_int_equal(c, 'e');
	assert_int_equal(istream_pread(file, &c, 1, 3, NULL), 0);
	assert_int_equal(istream_pread(file, &c, 1, UINT64_MAX, NULL), 0);
}

static void directory_follows_parent(void **state)
{
	const struct temp_dir *dir = *state;
	assert_int_equal(mkdirat(dir->fd, "one", 0755), 0);
	assert_int_equal(mkdirat(dir->fd, "two", 0755), 0);
	put_file(dir, "one/core-1.img", BYTES("older"));
	auto_strbuf path = { 0 };
	strbuf_printf(&path, "%s/two", dir->path);
	for (int text = 0; text < 2; text++) {
		auto_source src = NULL;
		auto_source parent = NULL;
		assert_ok(source_open(path.data, &src, &err));
		if (text == 0)
			assert_ok(source_open_parent(src, &parent, &err));
		assert_null(parent);
		if (text) /* a copy without links */
			put_file(dir, "two/parent", BYTES("../one\n"));
		else
			assert_int_equal(symlinkat("../one", dir->fd, "two/parent"), 0);
		assert_ok(source_open_parent(src, &parent, &err));
		assert_non_null(parent);
		assert_member(parent, "core-1.img", "older");
		assert_int_equal(unlinkat(dir->fd, "two/parent", 0), 0);
	}
	auto_source src = NULL;
	auto_source parent = NULL;
	assert_ok(source_open(path.data, &src, &err));
	assert_int_equal(symlinkat("../gone", dir->fd, "two/parent"), 0);
	assert_fails(source_open_parent(src, &parent, &err), ENOENT, "two/parent");
}

static void stream_of_a_file_starts_where_it_stands(void **state)
{
	const struct temp_dir *dir = *state;
	put_file(dir, "f", BYTES("headbody"));
	int fd = openat(dir->fd, "f", O_RDONLY | O_CLOEXEC);
	char buf[16];
	assert_int_equal(read(fd, buf, 4), 4);
	auto_istream in = NULL;
	assert_ok(istream_open_fd(fd, "f", &in, &err));
	assert_int_equal(istream_fd(in), -1);
	assert_int_equal(istream_size(in), 4);
	assert_int_equal(istream_read(in, buf, sizeof(buf), NULL), 4);
	assert_memory_equal(buf, "body", 4);
}

static void directory_that_is_confined_refuses_links_out_of_it(void **state)
{
	const struct temp_dir *dir = *state;
	put_file(dir, "secret", BYTES("secret"));
	assert_int_equal(mkdirat(dir->fd, "set", 0755), 0);
	put_file(dir, "set/inventory.img", BYTES("inv"));
	assert_int_equal(symlinkat("inventory.img", dir->fd, "set/inside"), 0);
	assert_int_equal(symlinkat("../secret", dir->fd, "set/outside"), 0);
	assert_int_equal(symlinkat("../set", dir->fd, "set/parent"), 0);
	auto_source src = NULL;
	auto_source parent = NULL;
	struct istream *in;
	auto_fd fd = openat(dir->fd, "set", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(source_open_dirfd(fd, "set", &src, &err));
	assert_member(src, "outside", "secret");
	assert_ok(source_confine(src, &err));
	assert_member(src, "inside", "inv");
	assert_fails(source_open_member(src, "outside", &in, &err), EXDEV,
		     "set/outside is a link that leads out of the set");
	assert_ok(source_open_parent(src, &parent, &err));
	assert_member(parent, "inside", "inv");
	assert_fails(source_open_member(parent, "outside", &in, &err), EXDEV, "set/parent/outside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(archive_members_are_read_in_place),
		TEMP_TEST(archive_files_with_holes_are_read_in_place),
		TEMP_TEST(archive_lists_members_by_number),
		TEMP_TEST(archive_names_are_data),
		TEMP_TEST(archive_pax_names_keep_their_letters),
		TEMP_TEST(archive_last_of_equal_names_wins),
		TEMP_TEST(archive_hard_links_are_members),
		TEMP_TEST(archive_set_is_the_final_one),
		TEMP_TEST(archive_parent_never_leaves_the_archive),
		TEMP_TEST(archive_cut_short_is_an_error),
		TEMP_TEST(source_open_refuses_what_is_no_source),
		TEMP_TEST(directory_lists_files_by_number),
		TEMP_TEST(directory_is_listed_once),
		TEMP_TEST(directory_opens_only_its_own_files),
		TEMP_TEST(directory_follows_parent),
		TEMP_TEST(directory_that_is_confined_refuses_links_out_of_it),
		TEMP_TEST(stream_of_a_file_starts_where_it_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
