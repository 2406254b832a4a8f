/* SPDX-License-Identifier: MIT
 * crit info: what an image is and how many entries it has.
 */
#include <stdlib.h>
#include <unistd.h>

#include "convert/codec/image.h"
#include "crit/commands.h"
#include "crit/image-arg.h"
#include "crit/image-count.h"

static int info_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	(void)opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one IMAGE");
	auto_image_arg arg = { .text = operands[0] };
	auto_image_reader r = NULL;
	struct image_count count;
	int rc = image_arg_open(&arg, &r, err);
	if (rc == 0)
		rc = image_count(r, &count, err);
	if (rc < 0)
		return rc;

	auto_json_out out = { .fd = -1 };
	rc = json_out_init(&out, STDOUT_FILENO, "standard output", true, err);
	if (rc < 0)
		return rc;
	json_begin(&out, '{');
	json_key(&out, "magic");
	json_str(&out, image_magic_name(image_reader_type(r)));
	json_key(&out, count.raw ? "bytes" : "count");
	json_u64(&out, count.raw ? count.bytes : count.entries);
	json_end(&out, '}');
	json_raw(&out, "\n", 1);
	return json_out_flush(&out, err);
}

const struct command cmd_info = {
	.name = "info",
	.group = GROUP_LOOK,
	.args = "IMAGE",
	.summary = "print an image's type and number of entries",
	.detail = "IMAGE is a file, ARCHIVE:MEMBER, or - for standard input. For an image without\n"
		  "entries (pages, rule sets, netlink dumps, tars) the number of bytes is printed.",
	.run = info_run,
};
