/* SPDX-License-Identifier: MIT
 * A set read with other pids.
 */
#include "tests/unit/image_fixture.h"

#include <signal.h>

#include "files.pb-c.h"
#include "images/pid-map.h"
#include "images/proc-path.h"
#include "task.pb-c.h"

static struct pid_change changes[] = { { 10, 310 }, { 11, 311 } };
static const struct pid_map map = { changes, 2, 2, CORE_ENTRY__MARCH__X86_64 };

static void message_gets_new_ids_and_keeps_the_rest(void **state)
{
	(void)state;
	uint32_t threads[] = { 10, 11, 12 };
	PstreeEntry e = PSTREE_ENTRY__INIT;
	e.pid = e.pgid = 10;
	e.ppid = 1;
	e.sid = 12;
	e.n_threads = 3;
	e.threads = threads;
	assert_int_equal(pid_map_message(&map, &e.base, NULL, NULL), 0);
	assert_int_equal(e.pid, 310);
	assert_int_equal(e.pgid, 310);
	assert_int_equal(e.ppid, 1);
	assert_int_equal(e.sid, 12);
	assert_int_equal(threads[0], 310);
	assert_int_equal(threads[1], 311);
	assert_int_equal(threads[2], 12);
}

static void message_inside_another_is_found(void **state)
{
	(void)state;
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };
	info.si_pid = 11;
	SiginfoEntry signal = SIGINFO_ENTRY__INIT;
	SiginfoEntry *signals[] = { &signal };
	SignalQueueEntry queue = SIGNAL_QUEUE_ENTRY__INIT;
	signal.siginfo.data = (uint8_t *)&info;
	signal.siginfo.len = sizeof(info);
	queue.n_signals = 1;
	queue.signals = signals;
	assert_int_equal(pid_map_message(&map, &queue.base, NULL, NULL), 0);
	assert_int_equal(info.si_pid, 311);
}

static void message_gets_new_paths_in_proc(void **state)
{
	(void)state;
	static const char *const paths[][2] = {
		{ "/proc/10/task/11/stat", "/proc/310/task/311/stat" },
		{ "/proc/10", "/proc/310" },
		{ "/proc/12/stat", "/proc/12/stat" },
		{ "/proc/100", "/proc/100" },
		{ "/tmp/10", "/tmp/10" },
		{ "/proc/10x", "/proc/10x" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		RegFileEntry e = REG_FILE_ENTRY__INIT;
		FownEntry owner = FOWN_ENTRY__INIT;
		owner.pid = 10;
		e.fown = &owner;
		e.name = strdup(paths[i][0]);
		assert_int_equal(pid_map_message(&map, &e.base, NULL, NULL), 0);
		assert_string_equal(e.name, paths[i][1]);
		assert_int_equal(owner.pid, 310);
		free(e.name);
	}
}

static void *alloc_counted(void *nr, size_t size)
{
	(*(size_t *)nr)++;
	return malloc(size);
}

static void free_counted(void *nr, void *bytes)
{
	(*(size_t *)nr)--;
	free(bytes);
}

static void message_gets_new_paths_from_its_allocator(void **state)
{
	(void)state;
	size_t nr = 0;
	const ProtobufCAllocator counted = { alloc_counted, free_counted, &nr };
	RegFileEntry e = REG_FILE_ENTRY__INIT;
	FownEntry owner = FOWN_ENTRY__INIT;
	e.fown = &owner;
	e.name = alloc_counted(&nr, sizeof("/proc/10"));
	strcpy(e.name, "/proc/10");
	assert_int_equal(pid_map_message(&map, &e.base, &counted, NULL), 0);
	assert_string_equal(e.name, "/proc/310");
	assert_int_equal(nr, 1);
	free_counted(&nr, e.name);
}

static void write_tree(struct temp_dir *dir)
{
	auto_image_writer w = NULL;
	struct error err = { 0 };
	PstreeEntry e = PSTREE_ENTRY__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	uint32_t pid = 10;
	e.pid = e.pgid = e.sid = pid;
	e.n_threads = 1;
	e.threads = &pid;
	assert_int_equal(image_create(dir->fd, IMG_PSTREE, 0, &w, &err), 0);
	assert_int_equal(image_write(w, &e.base, &err), 0);
	assert_int_equal(image_finish(w, &err), 0);
	assert_int_equal(image_write_one(dir->fd, IMG_CORE, 10, &core.base, &err), 0);
}

static void source_names_images_by_new_ids(void **state)
{
	struct temp_dir *dir = *state;
	auto_source src = NULL;
	auto_message ProtobufCMessage *tree = NULL, *core = NULL;
	struct error err = { 0 };
	write_tree(dir);
	assert_int_equal(source_open(dir->path, &src, &err), 0);
	source_set_pids(src, &map);
	assert_int_equal(image_read_one(src, IMG_PSTREE, 0, &tree, &err), 0);
	assert_int_equal(((PstreeEntry *)tree)->pid, 310);
	assert_int_equal(image_read_one(src, IMG_CORE, 310, &core, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_gets_new_ids_and_keeps_the_rest),
		cmocka_unit_test(message_inside_another_is_found),
		cmocka_unit_test(message_gets_new_paths_in_proc),
		cmocka_unit_test(message_gets_new_paths_from_its_allocator),
		TEMP_TEST(source_names_images_by_new_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
