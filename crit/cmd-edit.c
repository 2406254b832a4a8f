/* SPDX-License-Identifier: MIT
 * crit edit: change fields of images.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/spawn.h"
#include "convert/codec/image.h"
#include "convert/edit/edit.h"
#include "convert/raw/raw.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct edit_opts {
	struct sink_opts sink;
	struct arg_list deletes, appends;
	bool interactive;
};

static const struct arg_row rows[] = {
	{ 'd', "delete", "PATH", "take a field, an element of a list or an entry away", ARG_LIST,
	  offsetof(struct edit_opts, deletes), 0, NULL },
	{ 'a', "append", "PATH=JSON", "add an element to a list, or an entry", ARG_LIST,
	  offsetof(struct edit_opts, appends), 0, NULL },
	{ 'i', "interactive", NULL, "open $EDITOR on the image as JSON", ARG_FLAG,
	  offsetof(struct edit_opts, interactive), 0, NULL },
	SINK_ROWS(struct edit_opts, sink),
};

/* Whatever its name, an image of messages begins with their magic. */
static bool is_image(const char *path)
{
	auto_image_reader r = NULL;
	struct istream *in;
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	return image_type_by_filename(path) ||
	       (fd >= 0 && istream_open_fd(take_fd(fd), path, &in, NULL) == 0 &&
		image_open_stream(in, path, &r, NULL) == 0 && image_reader_type(r)->entry);
}

/* SRC, SRC:MEMBER, or an image file: its folder is the set. */
struct target {
	char *set;
	const char *member; /* NULL: changes say which */
	bool is_file;
};

static int target_parse(const char *text, struct target *out, struct error *err)
{
	struct stat st;
	bool exists = stat(text, &st) == 0;
	const char *slash = strrchr(text, '/'), *name = slash ? slash + 1 : text;
	const char *colon = exists ? NULL : strrchr(text, ':');
	*out = (struct target){ 0 };
	if (exists && S_ISREG(st.st_mode) && is_image(text)) {
		out->member = name;
		out->is_file = true;
		out->set = !slash          ? strdup(".")
			   : slash == text ? strdup("/")
					   : strndup(text, (size_t)(slash - text));
	} else if (colon) {
		out->member = colon + 1;
		out->set = strndup(text, (size_t)(colon - text));
	} else {
		out->set = strdup(text);
	}
	return out->set ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* Kept until all of it has happened. */
static void report(void *arg, const struct edit_op *op, size_t entry, const char *path,
		   const char *old, const char *new)
{
	struct strbuf *changes = arg;
	strbuf_printf(changes, "%s: entries[%zu]%s: %s -> %s\n", op->image, entry, path,
		      old ? old : "nothing", new ? new : "nothing");
}

static int collect(const struct edit_opts *o, int nr, char **changes, const char *member,
		   struct edit *edit, struct error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < nr; i++)
		rc = edit_add(edit, EDIT_SET, changes[i], member, err);
	for (size_t i = 0; rc == 0 && i < o->deletes.nr; i++)
		rc = edit_add(edit, EDIT_DELETE, o->deletes.items[i], member, err);
	for (size_t i = 0; rc == 0 && i < o->appends.nr; i++)
		rc = edit_add(edit, EDIT_APPEND, o->appends.items[i], member, err);
	if (rc == 0 && !edit->nr)
		rc = error_set(err, EINVAL,
			       "nothing to change: want PATH=VALUE, --delete or --append");
	return rc < 0 ? -EUSAGE : 0;
}

static int write_json(struct source *src, const char *member, int fd, struct error *err)
{
	auto_image_reader r = NULL;
	auto_json_out out = { .fd = -1 };
	const struct image_json how = { 0 };
	int rc = image_open(src, member, &r, err);
	if (rc < 0)
		return rc;
	const struct image_type *type = image_reader_type(r);
	if (!type->entry && raw_kind_of(type->id) != RAW_FILTER)
		return error_set(err, ENOTSUP,
				 "%s is neither a sequence of messages nor the text of a packet "
				 "filter: it cannot be edited",
				 member);
	rc = json_out_init(&out, fd, member, true, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &out, err);
	if (rc == 0)
		json_raw(&out, "\n", 1);
	return rc < 0 ? rc : json_out_flush(&out, err);
}

static void stay(int sig)
{
	(void)sig;
}

/* Of the environment; NULL: not there, or empty, which is the same to a shell's ${NAME:-...} */
static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* @return 0 when the editor said that all is well */
static int run_editor(const char *path, struct error *err)
{
	const char *editor = setting("VISUAL") ?: setting("EDITOR") ?: "vi";
	auto_free char *command = NULL;
	/* ^C is for the editor, which gets no trap and no handler */
	if (asprintf(&command, "trap : INT QUIT; %s \"$1\"", editor) < 0) {
		command = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	const char *const argv[] = { "sh", "-c", command, editor, path, NULL };
	const struct sigaction wait = { .sa_handler = stay };
	struct sigaction sigint, sigquit;
	sigaction(SIGINT, &wait, &sigint);
	sigaction(SIGQUIT, &wait, &sigquit);
	int status, rc = spawn_wait("/bin/sh", (char *const *)argv, environ, NULL, &status);
	sigaction(SIGINT, &sigint, NULL);
	sigaction(SIGQUIT, &sigquit, NULL);
	if (rc < 0)
		return error_code(err, rc, "start %s", editor);
	if (WIFSIGNALED(status))
		return error_set(err, ECANCELED, "%s was ended by signal %d: nothing is changed",
				 editor, WTERMSIG(status));
	return status ? error_set(err, ECANCELED, "%s ended with status %d: nothing is changed",
				  editor, WEXITSTATUS(status))
		      : 0;
}

static int read_json(const char *path, struct sink *sink, const char *member, struct error *err)
{
	auto_fd text = open(path, O_RDONLY | O_CLOEXEC);
	if (text < 0)
		return error_sys(err, "open %s", path);
	int fd = sink_begin(sink, member, err);
	if (fd < 0)
		return fd;
	auto_json_in in;
	int rc = json_in_init(&in, text, path, err);
	if (rc == 0)
		rc = image_from_json(&in, fd, member, err);
	return rc < 0 ? rc : sink_end(sink, err);
}

/* The text of a failed edit is kept: it may be an hour's work. */
static int edit_interactively(struct source *src, const char *member, struct sink *sink,
			      struct strbuf *changes, struct error *err)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/crit-edit-XXXXXX.json", setting("TMPDIR") ?: "/tmp");
	if (!member)
		return error_set(err, EUSAGE, "which image? Say SRC:IMAGE");
	member = source_member_name(src, member);
	auto_fd fd = mkostemps(path, 5, O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make a file to edit");
	int rc = write_json(src, member, fd, err);
	if (rc == 0)
		rc = run_editor(path, err);
	bool edited = rc == 0;
	if (rc == 0)
		rc = read_json(path, sink, member, err);
	if (rc == 0 || !edited) {
		unlink(path);
		return rc < 0 ? rc : strbuf_printf(changes, "%s: written back\n", member);
	}
	struct error why = *err;
	return error_set(err, rc, "%s; the edited text is kept in %s", why.text, path);
}

static int edit_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct edit_opts *o = opts;
	struct target target = { 0 };
	struct edit edit = { 0 };
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (nr_operands < 1)
		return error_set(err, EUSAGE, "want a checkpoint or an image, and what to change");
	if (o->interactive && nr_operands + o->deletes.nr + o->appends.nr > 1)
		return error_set(err, EUSAGE, "-i takes no other changes");
	int rc = target_parse(operands[0], &target, err);
	auto_free char *set = target.set;
	o->sink.one_image = target.is_file;
	auto_strbuf changes = { 0 };
	progress_start(&progress, "copying", 0);
	if (rc == 0 && !o->interactive)
		rc = collect(o, nr_operands - 1, operands + 1, target.member, &edit, err);
	if (rc == 0)
		rc = source_arg_open(set, &src, err);
	if (rc == 0)
		rc = sink_arg_open(&o->sink, src, set, &progress, &sink, err);
	if (rc == 0)
		rc = o->interactive ? edit_interactively(src, target.member, sink, &changes, err)
				    : edit_apply(&edit, src, sink, report, &changes, err);
	if (rc == 0)
		rc = sink_arg_commit(&o->sink, set, src, sink, &changes, err);
	edit_fini(&edit);
	return rc;
}

const struct command cmd_edit = {
	.name = "edit",
	.group = GROUP_CHANGE,
	.args =
	    "[-i|--delete PATH|--append PATH=JSON]… -o OUT|--in-place SRC[:IMAGE] [PATH=VALUE…]",
	.summary = "change fields of images, all that is asked for or nothing",
	.detail =
	    "PATH: [IMAGE:]entries[3].reg.name, entries[reg.name=/old].reg.flags, entries[*]…;\n"
	    "\"entries[0].\" may be left out. VALUE: as show or decode print it, text with or\n"
	    "without quotes (\"…\" as in JSON, '…' as it stands), lists and messages as JSON.\n"
	    "With -i, $EDITOR changes the whole image.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct edit_opts),
	.run = edit_run,
};
