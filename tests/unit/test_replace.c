/* SPDX-License-Identifier: MIT
 * Files that appear whole or not at all.
 */
#include "tests/unit/image_fixture.h"

#include <dirent.h>

#include "base/replace.h"

static const char *path_in(const struct temp_dir *dir, const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	return path;
}

static void assert_content(const struct temp_dir *dir, const char *name, const char *text)
{
	auto_strbuf sb = { 0 };
	get_file(dir, name, &sb);
	assert_string_equal(sb.data, text);
}

static unsigned nr_files(const struct temp_dir *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir->path);
	assert_non_null(d);
	for (struct dirent *de; (de = readdir(d));)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static void replace_commit_names_the_file_and_keeps_its_mode(void **state)
{
	const struct temp_dir *dir = *state;
	struct stat st;
	put_file(dir, "f", BYTES("old"));
	assert_int_equal(fchmodat(dir->fd, "f", 0640, 0), 0);
	auto_replace r = { .fd = -1 };
	assert_int_equal(replace_open(path_in(dir, "f"), &r, NULL), 0);
	assert_int_equal(fd_write_full(r.fd, "new", 3), 0);
	assert_content(dir, "f", "old");
	assert_int_equal(replace_commit(&r, NULL), 0);
	assert_content(dir, "f", "new");
	assert_int_equal(fstatat(dir->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(nr_files(dir), 1);
}

static void replace_close_without_commit_leaves_the_target(void **state)
{
	const struct temp_dir *dir = *state;
	put_file(dir, "f", BYTES("old"));
	struct replace r;
	assert_int_equal(replace_open(path_in(dir, "f"), &r, NULL), 0);
	assert_int_equal(fd_write_full(r.fd, "half", 4), 0);
	replace_close(&r);
	replace_close(&r); /* twice is fine */
	assert_content(dir, "f", "old");
	assert_int_equal(nr_files(dir), 1);
}

static void replace_open_follows_links(void **state)
{
	const struct temp_dir *dir = *state;
	struct stat st;
	put_file(dir, "f", BYTES("old"));
	assert_int_equal(symlinkat("f", dir->fd, "link"), 0);
	auto_replace r = { .fd = -1 };
	assert_int_equal(replace_open(path_in(dir, "link"), &r, NULL), 0);
	assert_int_equal(fd_write_full(r.fd, "new", 3), 0);
	assert_int_equal(replace_commit(&r, NULL), 0);
	assert_content(dir, "f", "new");
	assert_int_equal(fstatat(dir->fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void replace_open_writes_devices_in_place(void **state)
{
	(void)state;
	struct stat st;
	auto_replace r = { .fd = -1 };
	assert_int_equal(replace_open("/dev/null", &r, NULL), 0);
	assert_null(r.path);
	assert_int_equal(replace_commit(&r, NULL), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void replace_open_names_what_it_cannot_create(void **state)
{
	const struct temp_dir *dir = *state;
	struct replace r;
	struct error err = { 0 };
	assert_int_equal(replace_open(path_in(dir, "none/f"), &r, &err), -ENOENT);
	assert_non_null(strstr(err.text, "none/f: No such file or directory"));
	assert_null(strstr(err.text, "none/f."));
	assert_int_equal(replace_open(dir->path, &r, &err), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(replace_commit_names_the_file_and_keeps_its_mode),
		TEMP_TEST(replace_close_without_commit_leaves_the_target),
		TEMP_TEST(replace_open_follows_links),
		TEMP_TEST(replace_open_writes_devices_in_place),
		TEMP_TEST(replace_open_names_what_it_cannot_create),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
