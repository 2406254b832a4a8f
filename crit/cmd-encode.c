/* SPDX-License-Identifier: MIT
 * crit encode: JSON to an image.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/replace.h"
#include "convert/codec/image.h"
#include "convert/store/forms.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct encode_opts {
	const char *in, *out;
	bool all;
};

static const struct arg_row encode_rows[] = {
	{ 'i', "in", "FILE", "JSON to read; default standard input", ARG_PATH,
	  offsetof(struct encode_opts, in) },
	{ 'o', "out", "IMAGE", "image to write; default standard output", ARG_PATH,
	  offsetof(struct encode_opts, out) },
	{ 'a', "all", NULL, "every file of a directory `decode --all` made, into -o OUT", ARG_FLAG,
	  offsetof(struct encode_opts, all) },
};

static int encode_all(const char *path, const char *out, struct error *err)
{
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (!path || !out)
		return error_set(err, EUSAGE, "--all wants a directory of JSON and -o OUT");
	int rc = sink_arg_new(out, path, &progress, &src, &sink, err);
	if (rc == 0)
		rc = set_from_json(path, sink, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}

static int encode_to(const char *path, int fd, const char *name, struct error *err)
{
	auto_fd opened = -1;
	bool is_stdin = !path || !strcmp(path, "-");
	if (!is_stdin) {
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0)
			return error_sys(err, "open %s", path);
	}
	auto_json_in in;
	int rc = json_in_init(&in, is_stdin ? STDIN_FILENO : opened,
			      is_stdin ? "standard input" : path, err);
	return rc < 0 ? rc : image_from_json(&in, fd, name, err);
}

static int encode_run(void *opts_, int nr_operands, char **operands, struct error *err)
{
	const struct encode_opts *opts = opts_;
	if (nr_operands > 1 || (nr_operands && opts->in))
		return error_set(err, EUSAGE, "want one FILE");
	const char *in = nr_operands ? operands[0] : opts->in;
	if (opts->all)
		return encode_all(in, opts->out, err);
	if (!opts->out && isatty(STDOUT_FILENO))
		return error_set(err, EUSAGE, "an image is nothing for a terminal: say -o IMAGE");
	if (!opts->out)
		return encode_to(in, STDOUT_FILENO, "standard output", err);
	auto_replace target = { .fd = -1 };
	int rc = replace_open(opts->out, &target, err);
	if (rc == 0)
		rc = encode_to(in, target.fd, opts->out, err);
	if (rc == 0)
		rc = replace_commit(&target, err);
	return rc;
}

const struct command cmd_encode = {
	.name = "encode",
	.group = GROUP_CONVERT,
	.args = "[-i FILE] [-o IMAGE] [FILE] | --all -o OUT DIR",
	.summary = "turn JSON into an image",
	.detail =
	    "Takes what decode and show print, as it is or edited: numbers, 0x1f, names of flags.\n"
	    "IMAGE is written beside its name and renamed: a failure leaves it as it was.\n"
	    "With --all OUT is a new directory or an archive (.tar, .tar.gz, .tar.zst).",
	.rows = encode_rows,
	.nr_rows = ARRAY_SIZE(encode_rows),
	.opts_size = sizeof(struct encode_opts),
	.run = encode_run,
};
