/* SPDX-License-Identifier: MIT
 * Where the page of a checkpoint goes.
 */
#include "crit/report-file.h"

#include <string.h>
#include <unistd.h>

#include "base/replace.h"
#include "convert/report/report.h"

int report_file_write(struct checkpoint *cp, uint32_t pid, const char *out, struct error *err)
{
	const struct process *only = NULL;
	int rc = pid ? checkpoint_pick(cp, pid, &only, err) : 0;
	if (rc < 0)
		return rc;
	if (!out || !strcmp(out, "-"))
		return report_write(cp, only, STDOUT_FILENO, "standard output", err);
	auto_replace file = { .fd = -1 };
	rc = replace_open(out, &file, err);
	if (rc == 0)
		rc = report_write(cp, only, file.fd, out, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}
