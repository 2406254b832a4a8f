/* SPDX-License-Identifier: MIT
 * SRC and --format on the command line.
 */
#include "crit/checkpoint-arg.h"

#include <unistd.h>

int checkpoint_arg_open(const char *path, struct checkpoint_arg *out, struct error *err)
{
	*out = (struct checkpoint_arg){ 0 };
	int rc = source_open(path, &out->src, err);
	return rc < 0 ? rc : checkpoint_open(out->src, &out->cp, err);
}

int checkpoint_arg_open_damaged(const char *path, struct checkpoint_arg *out, struct error *err)
{
	*out = (struct checkpoint_arg){ 0 };
	int rc = source_open(path, &out->src, err);
	return rc < 0 ? rc : checkpoint_open_damaged(out->src, &out->cp, &out->damage, err);
}

void checkpoint_arg_close(struct checkpoint_arg *arg)
{
	checkpoint_close(arg->cp);
	source_close(arg->src);
	*arg = (struct checkpoint_arg){ 0 };
}

int doc_arg_open(const char *format, struct doc **out, struct error *err)
{
	enum doc_format how = DOC_TEXT;
	if (format && doc_format_parse(format, &how, err) < 0)
		return -EUSAGE;
	return doc_open(STDOUT_FILENO, "standard output", how, out, err);
}
