/* SPDX-License-Identifier: MIT
 * crit decode: an image to JSON.
 */
#include "base/array.h"
#include "convert/store/forms.h"
#include "crit/commands.h"
#include "crit/decode.h"
#include "crit/sink-arg.h"

struct decode_opts {
	const char *in, *out;
	bool pretty, no_payload, all;
};

static const struct arg_row decode_rows[] = {
	{ 'i', "in", "IMAGE", "image to read; default standard input", ARG_PATH,
	  offsetof(struct decode_opts, in) },
	{ 'o', "out", "FILE", "file to write; default standard output", ARG_PATH,
	  offsetof(struct decode_opts, out) },
	{ 0, "pretty", NULL, "indent, and print numbers as people read them", ARG_FLAG,
	  offsetof(struct decode_opts, pretty) },
	{ 0, "nopl", NULL, "print only the size of payloads", ARG_FLAG,
	  offsetof(struct decode_opts, no_payload) },
	{ 'a', "all", NULL, "every image of a checkpoint, into a new directory (-o DIR)", ARG_FLAG,
	  offsetof(struct decode_opts, all) },
};

static int decode_all(const char *path, const char *out, struct error *err)
{
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (!path || !out)
		return error_set(err, EUSAGE, "--all wants a checkpoint and -o DIR");
	int rc = sink_arg_new(out, path, &progress, &src, &sink, err);
	const struct set_job job = { .src = src, .sink = sink };
	if (rc == 0)
		rc = set_to_json(&job, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}

static int decode_command(void *opts_, int nr_operands, char **operands, struct error *err)
{
	const struct decode_opts *opts = opts_;
	if (nr_operands > 1 || (nr_operands && opts->in))
		return error_set(err, EUSAGE, "want one IMAGE");
	if (opts->all && (opts->pretty || opts->no_payload))
		return error_set(err, EUSAGE, "--all takes no %s: the files can be encoded again",
				 opts->pretty ? "--pretty" : "--nopl");
	if (opts->all)
		return decode_all(nr_operands ? operands[0] : opts->in, opts->out, err);
	struct decode_request request = {
		.image = nr_operands ? operands[0] : opts->in,
		.out = opts->out,
		.pretty = opts->pretty,
		.no_payload = opts->no_payload,
	};
	return decode_run(&request, err);
}

const struct command cmd_decode = {
	.name = "decode",
	.group = GROUP_CONVERT,
	.args = "[-i IMAGE] [-o FILE] [--pretty] [--nopl] [IMAGE] | --all -o DIR SRC",
	.summary = "turn an image into JSON",
	.detail =
	    "IMAGE is a file, ARCHIVE:MEMBER, or - for standard input. `crit encode` turns the\n"
	    "result back into the same bytes. With --all every image of SRC becomes NAME.json in\n"
	    "DIR, and what is no sequence of messages is copied.",
	.rows = decode_rows,
	.nr_rows = ARRAY_SIZE(decode_rows),
	.opts_size = sizeof(struct decode_opts),
	.run = decode_command,
};
