/* SPDX-License-Identifier: MIT
 * Requests to options: the same rows as the command line, field by field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/commands.h"
#include "engine/options.h"
#include "engine/rpc/request.h"

struct fixture {
	CriuOpts req;
	struct request_words words;
	struct options opts;
	struct error err;
};

static int ask(struct fixture *f, const struct command *cmd)
{
	request_words_fini(&f->words);
	f->opts = (struct options){ 0 };
	f->err = (struct error){ 0 };
	return options_from_request(cmd, &f->req, 77, &f->words, &f->opts, &f->err);
}

static int setup(void **state)
{
	static struct fixture f;
	f = (struct fixture){ .req = CRIU_OPTS__INIT };
	f.req.images_dir_fd = 5;
	unsetenv("HOME");
	unsetenv("CRIU_CONFIG_FILE");
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	args_release(option_rows, NR_OPTION_ROWS, &f->opts);
	request_words_fini(&f->words);
	return 0;
}

static void request_fills_options_as_a_command_line(void **state)
{
	struct fixture *f = *state;
	f->req.has_pid = f->req.has_leave_running = f->req.has_work_dir_fd = true;
	f->req.has_log_level = f->req.has_shell_job = f->req.has_ext_unix_sk = true;
	f->req.pid = 1234;
	f->req.work_dir_fd = 6;
	f->req.log_level = 4;
	f->req.leave_running = true;
	f->req.shell_job = false;
	f->req.ext_unix_sk = true;
	f->req.log_file = (char[]){ "d.log" };
	assert_int_equal(ask(f, &cmd_dump), 0);
	assert_int_equal(f->opts.pid, 1234);
	assert_string_equal(f->opts.images_dir, "/proc/77/fd/5");
	assert_string_equal(f->opts.work_dir, "/proc/77/fd/6");
	assert_string_equal(f->opts.log_file, "d.log");
	assert_int_equal(f->opts.log_level, 4);
	assert_true(f->opts.leave_running);
	assert_false(f->opts.shell_job);
	assert_int_equal(f->opts.ext_unix.nr, 1);
}

static void log_goes_to_a_file_unless_asked_otherwise(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(ask(f, &cmd_restore), 0);
	assert_string_equal(f->opts.log_file, "criu.log");
	f->req.has_log_to_stderr = f->req.log_to_stderr = true;
	assert_int_equal(ask(f, &cmd_restore), 0);
	assert_null(f->opts.log_file);
	f->req.log_file = (char[]){ "a/b" };
	assert_int_equal(ask(f, &cmd_restore), -EINVAL);
}

static void directory_may_be_a_path_when_there_is_no_descriptor(void **state)
{
	struct fixture *f = *state;
	f->req.images_dir = (char[]){ "/images" };
	assert_int_equal(ask(f, &cmd_restore), 0);
	assert_string_equal(f->opts.images_dir, "/proc/77/fd/5");
	f->req.images_dir_fd = -1;
	assert_int_equal(ask(f, &cmd_restore), 0);
	assert_string_equal(f->opts.images_dir, "/images");
	f->req.images_dir = NULL;
	assert_int_equal(ask(f, &cmd_restore), -EINVAL);
}

static void strings_are_never_options_of_their_own(void **state)
{
	struct fixture *f = *state;
	f->req.log_file = (char[]){ "--leave-running" };
	assert_int_equal(ask(f, &cmd_dump), 0);
	assert_false(f->opts.leave_running);
	assert_string_equal(f->opts.log_file, "--leave-running");
}

/* Set one optional field, whatever its type; sub-messages and lists have tests of their own. */
static bool set_field(CriuOpts *req, const ProtobufCFieldDescriptor *field)
{
	void *at = (char *)req + field->offset;
	static char text[] = "1";
	static char *texts[] = { text };
	if (field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING) {
		*(char ***)at = texts;
		*(size_t *)((char *)req + field->quantifier_offset) = 1;
		return true;
	}
	if (field->label != PROTOBUF_C_LABEL_OPTIONAL)
		return false;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = text;
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		return false;
	default:
		*(int *)at = 1;
		*(protobuf_c_boolean *)((char *)req + field->quantifier_offset) = true;
		return true;
	}
}

/* Nothing that is asked for is passed over: it is an option, or an error that names the field. */
static void every_field_is_an_option_or_refused_by_name(void **state)
{
	struct fixture *f = *state;
	size_t nr_taken = 0;
	for (unsigned i = 0; i < criu_opts__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &criu_opts__descriptor.fields[i];
		f->req = (CriuOpts)CRIU_OPTS__INIT;
		f->req.images_dir_fd = 5;
		if (!set_field(&f->req, field))
			continue;
		int rc = ask(f, &cmd_dump);
		args_release(option_rows, NR_OPTION_ROWS, &f->opts);
		nr_taken += rc == 0;
		/* a value that is none of the option's is complained of as on a command line */
		if (rc < 0 && !strstr(f->err.text, field->name) &&
		    strncmp(f->err.text, "request: --", strlen("request: --")) != 0)
			fail_msg("%s: %s", field->name, f->err.text);
	}
	assert_true(nr_taken > 15);
}

static int ask_as_user(struct fixture *f)
{
	request_words_fini(&f->words);
	f->opts = (struct options){ .owned_only = true, .owner = 1000 };
	f->err = (struct error){ 0 };
	return options_from_request(&cmd_dump, &f->req, 77, &f->words, &f->opts, &f->err);
}

/* What a user names is read, run or written with rights that are not the user's. */
static void users_name_no_files_that_are_read_or_run_as_root(void **state)
{
	static const char *const root_only[] = { "config_file", "cgroup_yard", "freeze_cgroup" };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(root_only) / sizeof(*root_only); i++) {
		const ProtobufCFieldDescriptor *field =
		    protobuf_c_message_descriptor_get_field_by_name(&criu_opts__descriptor,
								    root_only[i]);
		f->req = (CriuOpts)CRIU_OPTS__INIT;
		f->req.images_dir_fd = 5;
		assert_non_null(field);
		assert_true(set_field(&f->req, field));
		assert_int_equal(ask_as_user(f), -EPERM);
		assert_non_null(strstr(f->err.text, root_only[i]));
		assert_int_equal(ask(f, &cmd_dump), 0);
		args_release(option_rows, NR_OPTION_ROWS, &f->opts);
	}
}

static void users_ask_for_what_changes_their_own_dump(void **state)
{
	struct fixture *f = *state;
	f->req.has_pid = f->req.has_leave_running = f->req.has_file_locks = true;
	f->req.pid = 5;
	f->req.leave_running = f->req.file_locks = true;
	f->req.log_file = (char[]){ "d.log" };
	assert_int_equal(ask_as_user(f), 0);
	assert_true(f->opts.leave_running && f->opts.file_locks);
	assert_true(f->opts.owned_only);
	assert_int_equal(f->opts.owner, 1000);
}

static void fields_of_a_newer_version_do_no_harm(void **state)
{
	struct fixture *f = *state;
	ProtobufCMessageUnknownField later = { .tag = 999, .len = 0 };
	f->req.base.n_unknown_fields = 1;
	f->req.base.unknown_fields = &later;
	assert_int_equal(ask(f, &cmd_dump), 0);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(request_fills_options_as_a_command_line),
		T(log_goes_to_a_file_unless_asked_otherwise),
		T(directory_may_be_a_path_when_there_is_no_descriptor),
		T(strings_are_never_options_of_their_own),
		T(every_field_is_an_option_or_refused_by_name),
		T(users_name_no_files_that_are_read_or_run_as_root),
		T(users_ask_for_what_changes_their_own_dump),
		T(fields_of_a_newer_version_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
