/* SPDX-License-Identifier: MIT
 * Page maps: every kind of run, both ways to count pages, chains of parents, and maps that lie.
 */
#include "tests/unit/image_fixture.h"

#include "base/page.h"
#include "images/page-store.h"
#include "memory.pb-c.h"

/* A run as a row: flags -1 leaves them out, as sets did before flags existed. */
struct row {
	uint64_t addr, nr;
	int flags;
	int in_parent; /* -1: left out */
	bool compat;   /* count in compat_nr_pages alone */
};

static void put_map_typed(const struct temp_dir *dir, enum image_id type, uint64_t id,
			  const struct row *rows, size_t nr)
{
	auto_image_writer w = NULL;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	head.pages_id = 1;
	assert_ok(image_create(dir->fd, type, id, &w, &err));
	assert_ok(image_write(w, &head.base, &err));
	for (size_t i = 0; i < nr; i++) {
		PagemapEntry pe = PAGEMAP_ENTRY__INIT;
		pe.vaddr = rows[i].addr;
		pe.has_nr_pages = !rows[i].compat;
		if (rows[i].compat)
			pe.compat_nr_pages = (uint32_t)rows[i].nr;
		else
			pe.nr_pages = rows[i].nr;
		pe.has_flags = rows[i].flags >= 0;
		pe.flags = (uint32_t)rows[i].flags;
		pe.has_in_parent = rows[i].in_parent >= 0;
		pe.in_parent = rows[i].in_parent > 0;
		assert_ok(image_write(w, &pe.base, &err));
	}
	assert_ok(image_finish(w, &err));
}

static void put_map(const struct temp_dir *dir, const struct row *rows, size_t nr)
{
	put_map_typed(dir, IMG_PAGEMAP, 7, rows, nr);
}

/* pages-1.img whose page i is full of the letter first + i. */
static void put_pages(const struct temp_dir *dir, char first, size_t nr)
{
	auto_strbuf bytes = { 0 };
	for (size_t i = 0; i < nr * PAGE; i++)
		strbuf_char(&bytes, (char)(first + i / PAGE));
	put_file(dir, "pages-1.img", bytes.data, bytes.len);
}

static struct temp_dir subdir(const struct temp_dir *dir, const char *name)
{
	struct temp_dir sub = { .path = "sub" };
	mkdirat(dir->fd, name, 0755);
	sub.fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(sub.fd >= 0);
	return sub;
}

/* First byte of every page from addr, '.' for zero; then "/" and the present bytes. */
static void assert_pages(struct page_store *ps, uint64_t addr, size_t nr, const char *want)
{
	auto_free char *buf = malloc(nr * PAGE);
	uint8_t present[64];
	char got[160];
	memset(buf, 0x55, nr * PAGE);
	assert_ok(page_store_read(ps, addr, buf, nr * PAGE, present, &err));
	for (size_t i = 0; i < nr; i++) {
		for (size_t k = 1; k < PAGE; k++)
			assert_int_equal(buf[i * PAGE + k], buf[i * PAGE]);
		got[i] = buf[i * PAGE] ? buf[i * PAGE] : '.';
		got[nr + 1 + i] = (char)('0' + present[i]);
	}
	got[nr] = '/';
	got[2 * nr + 1] = '\0';
	assert_string_equal(got, want);
}

static void page_store_knows_every_kind_of_run(void **state)
{
	static const struct row rows[] = {
		{ 0x10000, 2, PE_PRESENT, -1, false },
		{ 0x12000, 1, 0, -1, false },
		{ 0x13000, 1, PE_LAZY, -1, false },
		{ 0x14000, 1, PE_LAZY | PE_PRESENT, -1, false },
		{ 0x20000, 1, PE_PRESENT, 0, false },
	};
	static const struct page_run want[] = {
		{ 0x10000, 2, PE_PRESENT, PAGE_PRESENT, 0 },
		{ 0x12000, 1, 0, PAGE_ZERO, 2 * PAGE },
		{ 0x13000, 1, PE_LAZY, PAGE_LAZY, 2 * PAGE },
		{ 0x14000, 1, PE_LAZY | PE_PRESENT, PAGE_PRESENT, 2 * PAGE },
		{ 0x20000, 1, PE_PRESENT, PAGE_PRESENT, 3 * PAGE },
	};
	const struct temp_dir *dir = *state;
	put_map(dir, rows, ARRAY_SIZE(rows));
	put_pages(dir, 'A', 4);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_int_equal(page_store_pages_id(ps), 1);
	assert_true(page_store_pages_fd(ps) >= 0);
	for (int again = 0; again < 2; again++) {
		struct page_run run;
		for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
			assert_int_equal(page_store_next(ps, &run, NULL), 1);
			assert_int_equal(run.addr, want[i].addr);
			assert_int_equal(run.nr_pages, want[i].nr_pages);
			assert_int_equal(run.flags, want[i].flags);
			assert_int_equal(run.kind, want[i].kind);
			if (run.kind == PAGE_PRESENT)
				assert_int_equal(run.offset, want[i].offset);
			/* reading does not disturb the walk */
			assert_pages(ps, 0xf000, 7, ".AB..C./0111010");
		}
		assert_int_equal(page_store_next(ps, &run, NULL), 0);
		assert_int_equal(page_store_next(ps, &run, NULL), 0);
		assert_ok(page_store_rewind(ps, &err));
	}
}

static void page_store_index_is_made_in_steps_beside_a_walk(void **state)
{
	static const struct row rows[] = {
		{ 0x10000, 2, PE_PRESENT, -1, false },
		{ 0x12000, 1, 0, -1, false },
		{ 0x20000, 1, PE_PRESENT, 0, false },
	};
	const struct temp_dir *dir = *state;
	put_map(dir, rows, ARRAY_SIZE(rows));
	put_pages(dir, 'A', 3);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	struct page_run run;
	uint64_t nr;
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_int_equal(page_store_next(ps, &run, NULL), 1);
	assert_int_equal(page_store_index(ps, 2, NULL), 1);
	assert_int_equal(page_store_next(ps, &run, NULL), 1);
	assert_int_equal(run.addr, 0x12000);
	assert_int_equal(page_store_index(ps, 2, NULL), 0);
	assert_int_equal(page_store_index(ps, 2, NULL), 0);
	assert_int_equal(page_store_next(ps, &run, NULL), 1);
	assert_int_equal(run.addr, 0x20000);
	assert_int_equal(page_store_next(ps, &run, NULL), 0);
	assert_ok(page_store_present(ps, &nr, &err));
	assert_int_equal(nr, 3);
	assert_pages(ps, 0x10000, 3, "AB./111");
}

static void page_store_reads_sets_of_older_versions(void **state)
{
	static const struct row rows[] = {
		{ 0x10000, 1, -1, -1, true },         /* neither flags nor in_parent */
		{ 0x11000, 1, PE_PRESENT, -1, true }, /* flags, count in 32 bits */
		{ 0x12000, 1, -1, 0, true },
	};
	const struct temp_dir *dir = *state;
	put_map(dir, rows, ARRAY_SIZE(rows));
	put_pages(dir, 'A', 3);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_pages(ps, 0x10000, 4, "ABC./1110");
}

static void page_store_reads_parts_of_pages(void **state)
{
	static const struct row rows[] = { { 0x10000, 2, PE_PRESENT, -1, false } };
	const struct temp_dir *dir = *state;
	put_map(dir, rows, ARRAY_SIZE(rows));
	put_pages(dir, 'A', 2);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	assert_ok(page_store_open(src, 7, &ps, &err));
	char buf[8];
	uint8_t present[3];
	assert_ok(page_store_read(ps, 0x10ffc, buf, 8, present, &err));
	assert_memory_equal(buf, "AAAABBBB", 8);
	assert_memory_equal(present, "\1\1", 2);
	assert_ok(page_store_read(ps, 0xfffc, buf, 8, present, &err));
	assert_memory_equal(buf, "\0\0\0\0AAAA", 8);
	assert_memory_equal(present, "\0\1", 2);
	assert_ok(page_store_read(ps, 0x11fff, buf, 2, present, &err));
	assert_memory_equal(buf, "B", 2);
	assert_memory_equal(present, "\1\0", 2);
	assert_ok(page_store_read(ps, 0x10000, buf, 0, NULL, &err));
	assert_fails(page_store_read(ps, UINT64_MAX - 3, buf, 8, NULL, &err), EINVAL, "end of");
}

static void page_store_follows_parents(void **state)
{
	static const struct row final[] = {
		{ 0x10000, 1, PE_PRESENT, -1, false },
		{ 0x11000, 3, PE_PARENT, -1, false },
		{ 0x20000, 1, -1, 1, true }, /* in_parent of an older version */
	};
	static const struct row middle[] = {
		{ 0x10000, 2, PE_PRESENT, -1, false },
		{ 0x12000, 1, PE_PARENT, -1, false },
		{ 0x13000, 1, 0, -1, false },
		{ 0x20000, 1, PE_PARENT, -1, false },
	};
	static const struct row first[] = {
		{ 0x12000, 1, PE_PRESENT, -1, false },
		{ 0x20000, 1, PE_PRESENT, -1, false },
	};
	const struct temp_dir *dir = *state;
	struct temp_dir one = subdir(dir, "one"), two = subdir(dir, "two");
	put_map(dir, final, ARRAY_SIZE(final));
	put_map(&two, middle, ARRAY_SIZE(middle));
	put_map(&one, first, ARRAY_SIZE(first));
	put_pages(dir, 'A', 1);
	put_pages(&two, 'K', 2);
	put_pages(&one, 'X', 2);
	assert_int_equal(symlinkat("two", dir->fd, "parent"), 0);
	assert_int_equal(symlinkat("../one", two.fd, "parent"), 0);
	close(one.fd);
	close(two.fd);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_pages(ps, 0x10000, 5, "ALX../11110");
	assert_pages(ps, 0x20000, 1, "Y/1");
}

static void page_store_says_what_a_parent_lacks(void **state)
{
	static const struct row child[] = { { 0x10000, 2, PE_PARENT, -1, false } };
	static const struct row rows[] = { { 0x10000, 1, PE_PRESENT, -1, false } };
	const struct temp_dir *dir = *state;
	struct temp_dir one = subdir(dir, "one");
	put_map(dir, child, 1);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	char buf[2 * PAGE];
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_fails(page_store_read(ps, 0x10000, buf, PAGE, NULL, &err), EBADMSG, "no `parent`");
	assert_int_equal(symlinkat("one", dir->fd, "parent"), 0);
	assert_fails(page_store_read(ps, 0x10000, buf, PAGE, NULL, &err), EBADMSG, "pagemap-7.img");
	put_map(&one, rows, 1);
	put_pages(&one, 'A', 1);
	assert_ok(page_store_read(ps, 0x10000, buf, PAGE, NULL, &err));
	assert_fails(page_store_read(ps, 0x10000, buf, 2 * PAGE, NULL, &err), EBADMSG,
		     "the page at 0x11000 is said to be in this parent");
	close(one.fd);
}

static void page_store_notices_a_loop_of_parents(void **state)
{
	static const struct row rows[] = { { 0x10000, 1, PE_PARENT, -1, false } };
	const struct temp_dir *dir = *state;
	put_map(dir, rows, 1);
	assert_int_equal(symlinkat(".", dir->fd, "parent"), 0);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	char buf[PAGE];
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_fails(page_store_read(ps, 0x10000, buf, PAGE, NULL, &err), ELOOP, "loop");
}

static void page_store_refuses_maps_that_lie(void **state)
{
	static const struct {
		struct row rows[2];
		const char *words;
		bool later; /* what is before it is known */
	} cases[] = {
		{ { { 0x10000, 1, PE_PRESENT, -1, false }, { 0x10000, 1, 0, -1, false } },
		  "after" },
		{ { { 0x10000, 2, PE_PRESENT, -1, false }, { 0x11000, 1, 0, -1, false } },
		  "after" },
		{ { { 0x20000, 1, PE_PRESENT, -1, false }, { 0x10000, 1, 0, -1, false } },
		  "after" },
		{ { { 0x10001, 1, 0, -1, false } }, "not at a page" },
		{ { { 0x10000, UINT64_MAX / 4, 0, -1, false } }, "end of memory" },
		{ { { UINT64_MAX - 4095, 1, 0, -1, false } }, "end of memory" },
		{ { { 0x10000, 2, PE_PRESENT, -1, false }, { 0x20000, 1, PE_PRESENT, -1, false } },
		  "which has 8192 bytes",
		  true },
		{ { { 0x10000, UINT64_MAX / PAGE / 2, PE_PRESENT, -1, false } }, "8192 bytes" },
	};
	const struct temp_dir *dir = *state;
	put_pages(dir, 'A', 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_map(dir, cases[i].rows, cases[i].rows[1].nr ? 2 : 1);
		auto_source src = open_dir(dir);
		auto_page_store ps = NULL;
		char buf[1];
		assert_ok(page_store_open(src, 7, &ps, &err));
		for (int again = 0; again < 2; again++)
			assert_fails(page_store_read(ps, cases[i].later ? 0x12000 : 0x10000, buf, 1,
						     NULL, &err),
				     EBADMSG, cases[i].words);
		if (cases[i].later)
			assert_ok(page_store_read(ps, 0x11fff, buf, 1, NULL, &err));
		uint64_t nr;
		assert_fails(page_store_present(ps, &nr, &err), EBADMSG, cases[i].words);
	}
}

static void page_store_names_what_is_missing(void **state)
{
	static const struct row rows[] = { { 0x10000, 1, PE_PRESENT, -1, false } };
	const struct temp_dir *dir = *state;
	auto_source src = open_dir(dir);
	struct page_store *ps = NULL;
	char buf[1];
	assert_fails(page_store_open(src, 7, &ps, &err), ENOENT, "pagemap-7.img");
	put_file(dir, "pagemap-7.img", BYTES("\x19\x43\x56\x54\x25\x40\x08\x56"));
	assert_fails(page_store_open(src, 7, &ps, &err), EBADMSG, "pagemap_head");
	put_map(dir, rows, 1);
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_fails(page_store_read(ps, 0x10000, buf, 1, NULL, &err), EBADMSG, "pages-1.img");
	page_store_close(ps);
}

static void page_store_reads_shared_segments(void **state)
{
	static const struct row rows[] = { { 0x3000, 1, PE_PRESENT, -1, false } };
	const struct temp_dir *dir = *state;
	put_map_typed(dir, IMG_SHMEM_PAGEMAP, 4000000000, rows, 1);
	put_pages(dir, 'S', 1);
	auto_source src = open_dir(dir);
	auto_page_store ps = NULL;
	assert_ok(page_store_open_shmem(src, 4000000000, &ps, &err));
	assert_pages(ps, 0x2000, 3, ".S./010");
}

/* In a compressed archive bytes only come in order: reading backwards has to work all the same. */
static void page_store_reads_compressed_archives_in_any_order(void **state)
{
	static const struct row rows[] = {
		{ 0x10000, 500, PE_PRESENT, -1, false },
		{ 0x400000, 2, PE_PRESENT, -1, false },
	};
	const struct temp_dir *dir = *state;
	put_map(dir, rows, ARRAY_SIZE(rows));
	put_pages(dir, 0, 502); /* 2 MiB: more than is kept in memory */
	auto_strbuf command = { 0 };
	strbuf_printf(&command, "tar -C %s -czf %s/set.tar.gz pagemap-7.img pages-1.img", dir->path,
		      dir->path);
	assert_int_equal(system(command.data), 0);
	auto_strbuf path = { 0 };
	strbuf_printf(&path, "%s/set.tar.gz", dir->path);
	auto_source src = NULL;
	auto_page_store ps = NULL;
	assert_ok(source_open(path.data, &src, &err));
	assert_ok(page_store_open(src, 7, &ps, &err));
	assert_int_equal(page_store_pages_fd(ps), -1);
	static const size_t order[] = { 500, 3, 2, 499, 498, 0, 501, 1 };
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		char buf[PAGE];
		uint64_t addr =
		    order[i] < 500 ? 0x10000 + order[i] * PAGE : 0x400000 + (order[i] - 500) * PAGE;
		assert_ok(page_store_read(ps, addr, buf, PAGE, NULL, &err));
		for (size_t k = 0; k < PAGE; k++)
			assert_int_equal(buf[k], (char)order[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(page_store_knows_every_kind_of_run),
		TEMP_TEST(page_store_index_is_made_in_steps_beside_a_walk),
		TEMP_TEST(page_store_reads_sets_of_older_versions),
		TEMP_TEST(page_store_reads_parts_of_pages),
		TEMP_TEST(page_store_follows_parents),
		TEMP_TEST(page_store_says_what_a_parent_lacks),
		TEMP_TEST(page_store_notices_a_loop_of_parents),
		TEMP_TEST(page_store_refuses_maps_that_lie),
		TEMP_TEST(page_store_names_what_is_missing),
		TEMP_TEST(page_store_reads_shared_segments),
		TEMP_TEST(page_store_reads_compressed_archives_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
