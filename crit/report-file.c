/* SPDX-License-Identifier: MIT
 * Where the page of a checkpoint goes.
 */
#include "crit/report-file.h"

#include <string.h>
#include <unistd.h>

#include "base/replace.h"
#include "convert/report/report.h"

static int to_file(struct checkpoint *cp, const struct process *only, const char *out,
		   struct error *err)
{
	auto_replace file = { .fd = -1 };
	int rc = replace_open(out, &file, err);
	if (rc == 0)
		rc = report_write(cp, only, file.fd, out, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}

int report_file_write(const struct checkpoint_arg *arg, uint32_t pid, const char *out,
		      struct error *err)
{
	const struct process *only = NULL;
	int rc = pid ? checkpoint_pick(arg->cp, pid, &only, err) : 0;
	if (rc < 0)
		return rc;
	return !out || !strcmp(out, "-")
		   ? report_write(arg->cp, only, STDOUT_FILENO, "standard output", err)
		   : to_file(arg->cp, only, out, err);
}
