/* SPDX-License-Identifier: MIT
 * Real image sets: every image read entry by entry and written again must be the same bytes,
 * every page map walked and read. CORPUS=DIR says where they are; without them this is skipped.
 */
#include "tests/unit/image_fixture.h"

#include <dirent.h>

#include "images/page-store.h"
#include "tests/unit/corpus.h"

#define SKIPPED 77

struct tally {
	size_t images, page_maps, pages;
};

static void fail_image(const struct source *src, const char *name, const char *why)
{
	fail_msg("%s/%s: %s", source_name(src), name, why);
}

static void check_same(struct source *src, const char *name, int fd)
{
	auto_istream in = NULL;
	static char a[65536], b[65536];
	struct error err;
	if (source_open_member(src, name, &in, &err) < 0)
		fail_image(src, name, err.text);
	for (off_t at = 0;;) {
		ssize_t n = istream_read(in, a, sizeof(a), NULL);
		ssize_t m = fd_pread_full(fd, b, sizeof(b), at);
		if (n < 0 || n != m || memcmp(a, b, (size_t)n))
			fail_image(src, name, "other bytes when written again");
		if (n == 0)
			return;
		at += n;
	}
}

static void check_image(struct source *src, const char *name)
{
	auto_image_reader r = NULL;
	auto_image_writer w = NULL;
	auto_file f = tmpfile();
	struct error err;
	int rc = image_open(src, name, &r, &err);
	if (rc == 0)
		rc = image_writer_open_fd(fileno(f), name, image_reader_type(r),
					  image_reader_head(r), &w, &err);
	if (rc == 0)
		rc = image_copy(r, w, &err);
	if (rc < 0)
		fail_image(src, name, err.text);
	check_same(src, name, fileno(f));
}

static void check_page_map(struct source *src, const char *name, struct page_store *ps,
			   struct tally *tally)
{
	static char buf[65536];
	struct page_run run;
	struct error err;
	int rc;
	while ((rc = page_store_next(ps, &run, &err)) == 1) {
		uint64_t len = run.nr_pages * 4096;
		tally->pages += run.nr_pages;
		for (uint64_t at = 0; at < len && rc == 1; at += sizeof(buf)) {
			size_t part = len - at < sizeof(buf) ? len - at : sizeof(buf);
			if (page_store_read(ps, run.addr + at, buf, part, NULL, &err) < 0)
				fail_image(src, name, err.text);
		}
	}
	if (rc < 0)
		fail_image(src, name, err.text);
	tally->page_maps++;
}

static void check_member(struct source *src, const char *name, struct tally *tally)
{
	auto_page_store ps = NULL;
	unsigned long long id;
	struct error err = { 0 };
	int rc = 0;
	check_image(src, name);
	tally->images++;
	if (sscanf(name, "pagemap-shmem-%llu.img", &id) == 1)
		rc = page_store_open_shmem(src, id, &ps, &err);
	else if (sscanf(name, "pagemap-%llu.img", &id) == 1)
		rc = page_store_open(src, (uint32_t)id, &ps, &err);
	if (rc < 0)
		fail_image(src, name, err.text);
	if (ps)
		check_page_map(src, name, ps, tally);
}

static void check_source(const char *path, struct tally *tally)
{
	auto_source src = NULL;
	const struct source_member *members;
	assert_ok(source_open(path, &src, &err));
	struct error err;
	ssize_t nr = source_list(src, &members, &err);
	for (ssize_t i = 0; i < nr; i++) {
		const char *name = members[i].name;
		if (image_type_by_filename(name) && !strchr(name, '/'))
			check_member(src, name, tally);
	}
}

/* A set is a folder with images; chains are folders of sets. The oracle's output is not for us. */
static void walk(const char *path, int depth, struct tally *tally)
{
	struct dirent **names;
	int nr = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < nr; i++) {
		const char *name = names[i]->d_name;
		auto_strbuf sub = { 0 };
		struct stat st;
		strbuf_printf(&sub, "%s/%s", path, name);
		bool dir = lstat(sub.data, &st) == 0 && S_ISDIR(st.st_mode);
		if (dir && name[0] != '.' && !strstr(name, ".ref") && strcmp(name, "src")) {
			check_source(sub.data, tally);
			if (depth < 1)
				walk(sub.data, depth + 1, tally);
		}
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
}

static char corpus[512];

static void every_image_is_written_as_it_was_read(void **state)
{
	(void)state;
	struct tally tally = { 0 };
	walk(corpus, 0, &tally);
	print_message("# %zu images, %zu page maps, %zu pages\n", tally.images, tally.page_maps,
		      tally.pages);
	assert_true(tally.images > 0);
}

int main(void)
{
	if (!corpus_find("", corpus)) {
		printf("no sets of images to look at (CORPUS=DIR)\n");
		return SKIPPED;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_image_is_written_as_it_was_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
