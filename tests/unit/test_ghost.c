/* SPDX-License-Identifier: MIT
 * What fails about a deleted file says whose it is.
 */
#include "tests/unit/image_fixture.h"

#include "engine/files/remap.h"
#include "engine/files/table.h"

static void ghost_dump_names_who_has_a_file_that_cannot_be_read(void **state)
{
	const struct temp_dir *dir = *state;
	struct options opts = { 0 };
	struct file_table files = { 0 };
	struct dump d = { .images_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			  .opts = &opts,
			  .files = &files };
	struct task t = { .pid = 12, .stat = { .comm = "holder" } };
	struct open_file f = { .fd = -1,
			       .st = { .st_mode = S_IFREG | 0600 },
			       .path = "/gone",
			       .task = &t,
			       .task_fd = 5 };
	struct error err = { 0 };
	assert_int_equal(ghost_dump(&d, &f, 1, &err), -ENOENT);
	assert_string_equal(
	    err.text,
	    "pid 12 (holder): fd 5: deleted file /gone: open it: No such file or directory");
	free(files.ghosts.items);
	close(d.images_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(ghost_dump_names_who_has_a_file_that_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
