/* SPDX-License-Identifier: MIT
 * The browser between two keys: jobs that are replaced or stopped, keys that come all at once.
 */
#include <dirent.h>
#include <signal.h>

#include "base/clock.h"
#include "convert/codec/image.h"
#include "tests/unit/image_fixture.h"
#include "viewer/app.h"
#include "viewer/child.h"
#include "viewer/print.h"

#define FIXTURES "tests/fixtures/set"

static void image_make(int dirfd, const char *name)
{
	char path[512], image[256];
	struct error err;
	snprintf(path, sizeof(path), FIXTURES "/%s", name);
	snprintf(image, sizeof(image), "%.*s", (int)(strlen(name) - strlen(".json")), name);
	auto_fd json = open(path, O_RDONLY | O_CLOEXEC);
	auto_fd fd = openat(dirfd, image, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	auto_json_in in;
	assert_int_equal(json_in_init(&in, json, path, &err), 0);
	assert_int_equal(image_from_json(&in, fd, image, &err), 0);
}

/* The small set of the command-line tests, in a folder that goes away. */
static int set_setup(void **state)
{
	temp_dir_setup(state);
	const struct temp_dir *dir = *state;
	DIR *fixtures = opendir(FIXTURES);
	const struct dirent *entry;
	assert_non_null(fixtures);
	while ((entry = readdir(fixtures))) {
		if (strstr(entry->d_name, ".json"))
			image_make(dir->fd, entry->d_name);
	}
	closedir(fixtures);
	return 0;
}

static struct app *app_open_set(const char *path)
{
	struct app *app;
	struct error err;
	assert_int_equal(app_new(&(struct app_options){ .path = path }, &app, &err), 0);
	app_settle(app);
	return app;
}

/* All at once, without work in between. */
static void keys_burst(struct app *app, const char *keys)
{
	struct key_event event = { 0 };
	while (key_parse(&keys, &event.key, NULL) > 0)
		app_key(app, &event);
}

/* One by one, all work done in between. */
static void keys_press(struct app *app, const char *keys)
{
	struct key_event event = { 0 };
	while (key_parse(&keys, &event.key, NULL) > 0) {
		app_key(app, &event);
		app_settle(app);
	}
}

static void assert_shown(struct app *app, const char *text, bool shown)
{
	auto_strbuf screen = { 0 };
	app_draw(app);
	assert_int_equal(canvas_to_text(&app->canvas, &screen), 0);
	if (!strstr(screen.data, text) != !shown)
		fail_msg("%s \"%s\":\n%s", shown ? "want" : "do not want", text, screen.data);
}

static void a_message_is_shown_whole(void **state)
{
	const struct temp_dir *dir = *state;
	struct app *app = app_open_set(dir->path);
	char text[1500];
	memset(text, 'x', sizeof(text));
	strcpy(text + sizeof(text) - 5, "end.");
	app_say(app, "%s", text);
	assert_shown(app, "end.", true);
	app_free(app);
}

static void what_was_stopped_begins_again(void **state)
{
	const struct temp_dir *dir = *state;
	struct app *app = app_open_set(dir->path);
	keys_burst(app, "7"); /* the audit is another process's */
	app_draw(app);
	assert_non_null(app->job.what);
	keys_burst(app, "<Esc>");
	app_settle(app);
	assert_shown(app, "stopped: not all is here; ^R begins again", true);
	keys_press(app, "<C-r>");
	assert_shown(app, "stopped", false);
	assert_shown(app, "no-seccomp", true);
	keys_press(app, "<C-r>");
	assert_shown(app, "nothing was stopped here", true);
	app_free(app);
}

/* A job that another one takes the place of is told in its view. */
static void a_job_that_is_replaced_says_so(void **state)
{
	const struct temp_dir *dir = *state;
	struct app *app = app_open_set(dir->path);
	keys_burst(app, "7");
	app_draw(app);
	keys_burst(app, "1sss"); /* sorting by state reads the processes */
	app_settle(app);
	keys_press(app, "7");
	assert_shown(app, "^R begins again", true);
	app_free(app);
}

static void the_entry_under_the_cursor_is_written(void **state)
{
	const struct temp_dir *dir = *state;
	struct app *app = app_open_set(dir->path);
	char keys[256], text[4096] = "";
	keys_press(app, "6/files.img<Enter><Enter>g");
	snprintf(keys, sizeof(keys), "w<C-u>%s/out<Enter>jjj", dir->path);
	keys_burst(app, keys);
	app_settle(app);
	auto_fd first = openat(dir->fd, "out", O_RDONLY | O_CLOEXEC);
	assert_true(read(first, text, sizeof(text) - 1) > 0);
	snprintf(keys, sizeof(keys), "gw<C-u>%s/again<Enter>", dir->path);
	keys_press(app, keys);
	char again[4096] = "";
	auto_fd second = openat(dir->fd, "again", O_RDONLY | O_CLOEXEC);
	assert_true(read(second, again, sizeof(again) - 1) > 0);
	assert_string_equal(text, again);
	app_free(app);
}

/* Rows that become fewer while something goes through them. */
static size_t nr_rows;

static size_t some_rows(struct view *v)
{
	(void)v;
	return nr_rows;
}

static void some_row(struct view *v, size_t i, struct line *line)
{
	(void)v;
	assert_true(i < nr_rows);
	line_printf(line, "row %zu", i);
}

static const struct view_ops view_some = {
	.name = "some",
	.places = IN_LIST,
	.rows = some_rows,
	.row = some_row,
};

static void rows_that_become_others_end_what_goes_through_them(void **state)
{
	static const struct {
		const char *keys, *message;
	} rows[] = {
		{ "/nowhere<Enter>", "the rows are others now: n searches them" },
		{ "&9<Enter>", "the rows are others now: & filters them" },
		{ "w<C-u>/tmp/stasis-test-rows<Enter>", "is not written: the rows are others now" },
	};
	const struct temp_dir *dir = *state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct app *app = app_open_set(dir->path);
		app_open(app, &view_some, NULL, NULL);
		nr_rows = 10000;
		keys_burst(app, rows[i].keys);
		app_work(app, 0);
		assert_non_null(app->job.what);
		nr_rows = 100;
		app_settle(app);
		assert_shown(app, rows[i].message, true);
		app_free(app);
	}
	assert_int_equal(access("/tmp/stasis-test-rows", F_OK), -1);
}

static int sleep_long(void *arg, int fd, struct error *err)
{
	(void)arg;
	(void)fd;
	(void)err;
	sleep(30);
	return 0;
}

/* The terminal has them wait for its loop. */
static void child_stop_ends_a_child_of_who_blocks_signals(void **state)
{
	(void)state;
	sigset_t mask, old;
	struct child child;
	struct error err;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	assert_int_equal(child_start_plain(&child, sleep_long, NULL, &err), 0);
	int64_t begun = clock_ms();
	assert_int_equal(child_stop(&child, &err), -EIO);
	assert_true(clock_ms() - begun < 10000);
	assert_non_null(strstr(err.text, "signal 15"));
	assert_true(child.died);
	child_fini(&child);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

#define SET_TEST(f) cmocka_unit_test_setup_teardown(f, set_setup, temp_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_TEST(a_message_is_shown_whole),
		SET_TEST(what_was_stopped_begins_again),
		SET_TEST(a_job_that_is_replaced_says_so),
		SET_TEST(the_entry_under_the_cursor_is_written),
		SET_TEST(rows_that_become_others_end_what_goes_through_them),
		cmocka_unit_test(child_stop_ends_a_child_of_who_blocks_signals),
	};
	return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
