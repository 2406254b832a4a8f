/* SPDX-License-Identifier: MIT
 * crit show: an image for people.
 */
#include "base/array.h"
#include "crit/commands.h"
#include "crit/decode.h"

struct show_opts {
	bool no_payload;
};

static const struct arg_row show_rows[] = {
	{ 0, "nopl", NULL, "print only the size of payloads", ARG_FLAG,
	  offsetof(struct show_opts, no_payload) },
};

static int show_run(void *opts_, int nr_operands, char **operands, struct error *err)
{
	const struct show_opts *opts = opts_;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one IMAGE");
	const struct decode_request request = {
		.image = operands[0],
		.pretty = true,
		.no_payload = opts->no_payload,
	};
	return decode_run(&request, err);
}

const struct command cmd_show = {
	.name = "show",
	.group = GROUP_LOOK,
	.args = "[--nopl] IMAGE",
	.summary = "print an image as indented JSON, numbers as people read them",
	.detail = "IMAGE is a file, ARCHIVE:MEMBER, or - for standard input. Raw images show what\n"
		  "they hold: addresses, routes, rules, rule sets, tar listings, page counts.",
	.rows = show_rows,
	.nr_rows = ARRAY_SIZE(show_rows),
	.opts_size = sizeof(struct show_opts),
	.run = show_run,
};
