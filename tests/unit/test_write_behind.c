/* SPDX-License-Identifier: MIT
 * Outputs written behind the back of who makes them: in order, whole, and failures come out.
 */
#include "tests/unit/image_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/page.h"
#include "base/write-behind.h"

#define CAP (4 * PAGE)

struct output {
	struct write_behind *behind;
	char *buf;
	size_t len, cap;
};

static struct output output_to(int fd)
{
	struct output out = { write_behind_new(fd), io_buffer(CAP), 0, CAP };
	assert_non_null(out.behind);
	assert_non_null(out.buf);
	return out;
}

static void output_end(struct output *out)
{
	write_behind_free(out->behind);
	free(out->buf);
}

/* The numbers from `from` to before `to`. @return the first error */
static int put_numbers(struct output *out, uint32_t from, uint32_t to)
{
	int rc = 0;
	for (uint32_t i = from; i < to && rc == 0; i++) {
		if (out->cap - out->len < sizeof(i))
			rc = write_behind_pages(out->behind, &out->buf, &out->len, &out->cap);
		memcpy(out->buf + out->len, &i, sizeof(i));
		out->len += sizeof(i);
	}
	return rc;
}

static int flush(struct output *out)
{
	int rc = write_behind_all(out->behind, out->buf, out->len);
	out->len = 0;
	return rc;
}

static void assert_numbers(int fd, uint32_t to)
{
	static uint32_t numbers[4096];
	uint32_t next = 0;
	ssize_t n;
	while ((n = fd_read_full(fd, numbers, sizeof(numbers))) > 0) {
		assert_int_equal(n % 4, 0);
		for (ssize_t i = 0; i < n / 4; i++)
			assert_int_equal(numbers[i], next++);
	}
	assert_int_equal(n, 0);
	assert_int_equal(next, to);
}

static void everything_is_in_the_file_and_in_order(void **state)
{
	const struct temp_dir *dir = *state;
	static const uint32_t lens[] = {
		0, 1, CAP / 4, CAP / 4 + 1, CAP, 5 * CAP / 4 + 7, 3000000
	};
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		auto_fd fd = openat(dir->fd, "f", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct output out = output_to(fd);
		assert_int_equal(put_numbers(&out, 0, lens[i]), 0);
		assert_int_equal(flush(&out), 0);
		/* whole at this moment, not only at the end */
		assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)lens[i] * 4);
		assert_int_equal(put_numbers(&out, lens[i], lens[i] + 100000), 0);
		assert_int_equal(flush(&out), 0);
		output_end(&out);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_numbers(fd, lens[i] + 100000);
	}
}

static void a_pipe_gets_everything(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t writer = fork();
	if (writer == 0) {
		close(ends[0]);
		struct output out = output_to(ends[1]);
		int rc = put_numbers(&out, 0, 500000);
		rc = rc < 0 ? rc : flush(&out);
		_exit(rc < 0);
	}
	close(ends[1]);
	assert_numbers(ends[0], 500000);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
}

static void a_reader_that_goes_away_ends_the_writer(void **state)
{
	(void)state;
	int ends[2], status;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t writer = fork();
	if (writer == 0) {
		close(ends[0]);
		struct output out = output_to(ends[1]);
		put_numbers(&out, 0, 50000000);
		_exit(1);
	}
	close(ends[1]);
	auto_free char *some = malloc(20 * CAP);
	assert_int_equal(fd_read_full(ends[0], some, 20 * CAP), 20 * CAP);
	close(ends[0]);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void a_failed_write_comes_out_and_stays(void **state)
{
	const struct temp_dir *dir = *state;
	/* at once, behind the first pieces, and with the last ones */
	static const rlim_t sizes[] = { 100, 40 * PAGE + 100, 100 * PAGE - 100 };
	struct rlimit before, small;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		auto_fd fd = openat(dir->fd, "f", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct output out = output_to(fd);
		small = (struct rlimit){ sizes[i], before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		int rc = put_numbers(&out, 0, 100 * PAGE / 4);
		rc = rc < 0 ? rc : flush(&out);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(rc, -EFBIG);
		output_end(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(everything_is_in_the_file_and_in_order),
		cmocka_unit_test(a_pipe_gets_everything),
		cmocka_unit_test(a_reader_that_goes_away_ends_the_writer),
		TEMP_TEST(a_failed_write_comes_out_and_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
