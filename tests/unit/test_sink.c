/* SPDX-License-Identifier: MIT
 * Sinks: whole or not at all, in directories and archives, new and in place.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/sink.h"

static char top[64];

/* The library's renameat(2) is this one: as on a disk that fails for some time. */
static int renames_before, renames_failing;

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renames_before-- <= 0 && renames_failing-- > 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

static const char *at(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test-sink.XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static void put(struct sink *sink, const char *name, const char *text)
{
	struct error err = { 0 };
	int fd = sink_begin(sink, name, &err);
	if (fd < 0)
		fail_msg("%s", err.text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(sink_end(sink, &err), 0);
}

/* The bytes of a member, or NULL: there is none. */
static const char *get(const char *path, const char *name)
{
	static char text[64];
	struct error err = { 0 };
	auto_source src = NULL;
	auto_istream in = NULL;
	if (source_open(path, &src, &err) < 0)
		fail_msg("%s", err.text);
	int rc = source_open_member(src, name, &in, &err);
	if (rc == -ENOENT)
		return NULL;
	assert_int_equal(rc, 0);
	ssize_t n = istream_read(in, text, sizeof(text) - 1, &err);
	assert_true(n >= 0);
	text[n] = 0;
	return text;
}

static size_t entries(const char *path)
{
	size_t nr = 0;
	auto_dir dir = opendir(path);
	while (dir && readdir(dir))
		nr++;
	return nr - 2;
}

static const char *const targets[] = { "set", "set.tar", "set.tar.gz", "set.tar.zst" };

static void make(const char *target)
{
	struct error err = { 0 };
	auto_sink sink = NULL;
	if (sink_create(at(target), &sink, &err) < 0)
		fail_msg("%s", err.text);
	put(sink, "inventory.img", "first");
	put(sink, "core-1.img", "one");
	put(sink, "core-2.img", "two");
	if (sink_commit(sink, &err) < 0)
		fail_msg("%s", err.text);
}

static void sink_makes_what_can_be_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		make(targets[i]);
		assert_string_equal(get(at(targets[i]), "core-1.img"), "one");
		assert_string_equal(get(at(targets[i]), "core-2.img"), "two");
	}
	assert_int_equal(entries(top), ARRAY_SIZE(targets));
}

static void sink_replaces_and_removes_in_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct error err = { 0 };
		auto_source src = NULL;
		auto_sink sink = NULL;
		make(targets[i]);
		assert_int_equal(source_open(at(targets[i]), &src, &err), 0);
		assert_int_equal(sink_in_place(src, at(targets[i]), &sink, &err), 0);
		put(sink, "core-1.img", "changed");
		put(sink, "core-3.img", "new");
		assert_int_equal(sink_remove(sink, "core-2.img", &err), 0);
		assert_string_equal(get(at(targets[i]), "core-1.img"), "one");
		if (sink_commit(sink, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(get(at(targets[i]), "core-1.img"), "changed");
		assert_string_equal(get(at(targets[i]), "core-3.img"), "new");
		assert_string_equal(get(at(targets[i]), "inventory.img"), "first");
		assert_null(get(at(targets[i]), "core-2.img"));
	}
	assert_int_equal(entries(top), ARRAY_SIZE(targets));
	assert_int_equal(entries(at("set")), 3);
}

static void sink_leaves_out_what_is_removed_from_a_new_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct error err = { 0 };
		auto_sink sink = NULL;
		assert_int_equal(sink_create(at(targets[i]), &sink, &err), 0);
		assert_int_equal(sink_remove(sink, "core-2.img", &err), 0);
		put(sink, "core-1.img", "one");
		if (sink_commit(sink, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(get(at(targets[i]), "core-1.img"), "one");
		assert_null(get(at(targets[i]), "core-2.img"));
	}
}

static void sink_leaves_nothing_when_it_is_not_committed(void **state)
{
	(void)state;
	struct error err = { 0 };
	make("set");
	for (size_t i = 1; i < ARRAY_SIZE(targets); i++) {
		auto_sink sink = NULL;
		assert_int_equal(sink_create(at(targets[i]), &sink, &err), 0);
		put(sink, "core-1.img", "half");
	}
	auto_source src = NULL;
	assert_int_equal(source_open(at("set"), &src, &err), 0);
	struct sink *sink;
	assert_int_equal(sink_in_place(src, at("set"), &sink, &err), 0);
	put(sink, "core-1.img", "half");
	sink_close(sink);
	assert_string_equal(get(at("set"), "core-1.img"), "one");
	assert_int_equal(entries(top), 1);
	assert_int_equal(entries(at("set")), 3);
}

static void sink_takes_back_a_commit_that_fails(void **state)
{
	(void)state;
	struct error err = { 0 };
	make("set");
	auto_source src = NULL;
	assert_int_equal(source_open(at("set"), &src, &err), 0);
	struct sink *sink;
	assert_int_equal(sink_in_place(src, at("set"), &sink, &err), 0);
	put(sink, "core-1.img", "changed");
	assert_int_equal(sink_remove(sink, "core-2.img", &err), 0);
	put(sink, "core-7.img", "new");
	/* what was staged for the last member is gone: its rename must fail */
	char command[128];
	snprintf(command, sizeof(command), "rm %s/set/.stasis-*/3", top);
	assert_int_equal(system(command), 0);
	assert_true(sink_commit(sink, &err) < 0);
	assert_non_null(strstr(err.text, "core-7.img"));
	sink_close(sink);
	assert_string_equal(get(at("set"), "core-1.img"), "one");
	assert_string_equal(get(at("set"), "core-2.img"), "two");
	assert_null(get(at("set"), "core-7.img"));
	assert_int_equal(entries(at("set")), 3);
}

static void sink_keeps_what_it_cannot_put_back(void **state)
{
	(void)state;
	struct error err = { 0 };
	make("set");
	/* while somebody works in it the set is not exchanged, but changed file by file */
	assert_int_equal(mkdir(at("set/sub"), 0777), 0);
	assert_int_equal(chdir(at("set/sub")), 0);
	auto_source src = NULL;
	assert_int_equal(source_open(at("set"), &src, &err), 0);
	struct sink *sink;
	assert_int_equal(sink_in_place(src, at("set"), &sink, &err), 0);
	put(sink, "core-1.img", "changed");
	put(sink, "core-2.img", "changed");
	renames_before = 3;  /* the first member, and half of the second */
	renames_failing = 3; /* the other half, and what puts both back */
	assert_int_equal(sink_commit(sink, &err), -EIO);
	char stage[sizeof(err.text)];
	const char *name = strstr(err.text, at("set/.stasis-"));
	assert_non_null(name);
	assert_int_equal(sscanf(name, "%[^: ]", stage), 1);
	sink_close(sink);
	assert_string_equal(get(stage, "core-2.img"), "two");
	assert_string_equal(get(stage, "core-1.img"), "one");
	assert_int_equal(chdir("/"), 0);
}

static void sink_refuses_names_that_lead_elsewhere(void **state)
{
	(void)state;
	static const char *const names[] = { "../x", "a/../b", "..", ".", "", "/x", "a//b", "a/" };
	struct error err = { 0 };
	auto_sink sink = NULL;
	assert_int_equal(sink_create(at("set"), &sink, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(sink_begin(sink, names[i], &err), -EINVAL);
	put(sink, "x", "1");
	assert_int_equal(sink_begin(sink, "x", &err), -EEXIST);
}

static void sink_makes_folders_in_a_new_directory_only(void **state)
{
	(void)state;
	struct error err = { 0 };
	auto_sink sink = NULL;
	auto_source src = NULL;
	assert_int_equal(sink_create(at("set"), &sink, &err), 0);
	put(sink, "inventory.img", "first");
	put(sink, "volumes/a/b.tar", "deep");
	if (sink_commit(sink, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(access(at("set/volumes/a/b.tar"), F_OK), 0);
	sink_close(sink);
	sink = NULL;
	assert_int_equal(source_open(at("set"), &src, &err), 0);
	assert_int_equal(sink_in_place(src, at("set"), &sink, &err), 0);
	assert_int_equal(sink_begin(sink, "volumes/c.tar", &err), -EINVAL);
}

/* The inode of a directory that was exchanged is another one. */
static uint64_t inode(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void change_in_place(const char *path)
{
	struct error err = { 0 };
	auto_source src = NULL;
	auto_sink sink = NULL;
	assert_int_equal(source_open(path, &src, &err), 0);
	assert_int_equal(sink_in_place(src, path, &sink, &err), 0);
	put(sink, "core-1.img", "changed");
	assert_int_equal(sink_remove(sink, "core-2.img", &err), 0);
	if (sink_commit(sink, &err) < 0)
		fail_msg("%s", err.text);
}

static void sink_in_place_exchanges_the_directory_where_it_can(void **state)
{
	(void)state;
	make("set");
	chmod(at("set"), 0710);
	chmod(at("set/core-1.img"), 0604);
	uint64_t before = inode(at("set"));
	change_in_place(at("set"));
	assert_int_not_equal(inode(at("set")), before);
	struct stat st;
	assert_int_equal(stat(at("set"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0710);
	assert_int_equal(stat(at("set/core-1.img"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(entries(top), 1);
}

static void file_write(const char *path, const char *text)
{
	auto_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* As container engines export them: images in a folder, others beside it. */
static void make_container(void)
{
	assert_int_equal(mkdir(at("ctr"), 0750), 0);
	assert_int_equal(mkdir(at("ctr/checkpoint"), 0711), 0);
	assert_int_equal(mkdir(at("ctr/volumes"), 0700), 0);
	file_write(at("ctr/config.dump"), "{}");
	file_write(at("ctr/volumes/v.tar"), "volume");
	file_write(at("ctr/checkpoint/inventory.img"), "first");
	file_write(at("ctr/checkpoint/core-1.img"), "one");
	file_write(at("ctr/checkpoint/core-2.img"), "two");
	file_write(at("ctr/checkpoint/rest.img"), "rest");
	assert_int_equal(symlink("elsewhere", at("ctr/checkpoint/link")), 0);
}

static void sink_in_place_exchanges_a_container_with_its_folders(void **state)
{
	(void)state;
	make_container();
	struct stat before, st;
	uint64_t top_before = inode(at("ctr")), rest = inode(at("ctr/checkpoint/rest.img"));
	assert_int_equal(stat(at("ctr/checkpoint"), &before), 0);
	change_in_place(at("ctr"));
	assert_int_not_equal(inode(at("ctr")), top_before);
	assert_int_equal(stat(at("ctr/checkpoint"), &st), 0);
	assert_int_not_equal(st.st_ino, before.st_ino);
	assert_int_equal(st.st_mode, before.st_mode);
	assert_int_equal(inode(at("ctr/checkpoint/rest.img")), rest);
	assert_int_equal(lstat(at("ctr/checkpoint/link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(access(at("ctr/volumes/v.tar"), F_OK), 0);
	assert_string_equal(get(at("ctr"), "core-1.img"), "changed");
	assert_int_equal(stat(at("ctr/checkpoint/core-1.img"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_null(get(at("ctr"), "core-2.img"));
	assert_int_equal(entries(at("ctr")), 3);
	assert_int_equal(entries(at("ctr/checkpoint")), 4);
	assert_int_equal(entries(top), 1);
}

static void sink_in_place_keeps_a_directory_in_use(void **state)
{
	(void)state;
	static const char *const places[] = { "ctr", "ctr/checkpoint", "ctr/volumes" };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		make_container();
		uint64_t before = inode(at("ctr"));
		assert_int_equal(chdir(at(places[i])), 0);
		change_in_place(i ? ".." : ".");
		assert_int_equal(inode(at("ctr")), before);
		assert_string_equal(get(at("ctr"), "core-1.img"), "changed");
		assert_null(get(at("ctr"), "core-2.img"));
		assert_int_equal(entries(at("ctr")), 3);
		assert_int_equal(chdir("/"), 0);
		teardown(NULL);
		assert_int_equal(mkdir(top, 0777), 0);
	}
}

static void sink_does_not_write_over_a_directory_in_use(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *sink;
	make("set");
	assert_int_equal(sink_create(at("set"), &sink, &err), -EEXIST);
	assert_int_equal(sink_create(at("nowhere/set"), &sink, &err), -ENOENT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sink_makes_what_can_be_read),
		T(sink_replaces_and_removes_in_place),
		T(sink_leaves_out_what_is_removed_from_a_new_set),
		T(sink_leaves_nothing_when_it_is_not_committed),
		T(sink_takes_back_a_commit_that_fails),
		T(sink_keeps_what_it_cannot_put_back),
		T(sink_refuses_names_that_lead_elsewhere),
		T(sink_makes_folders_in_a_new_directory_only),
		T(sink_in_place_exchanges_the_directory_where_it_can),
		T(sink_in_place_exchanges_a_container_with_its_folders),
		T(sink_in_place_keeps_a_directory_in_use),
		T(sink_does_not_write_over_a_directory_in_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
