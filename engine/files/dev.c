/* SPDX-License-Identifier: MIT
 * Devices without state: /dev/null, zero, full, random, urandom. In images they are files.
 */
#include <sys/sysmacros.h>

#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

static bool device_match(const struct open_file *f)
{
	if (!S_ISCHR(f->st.st_mode) || major(f->st.st_rdev) != 1 || f->path[0] != '/')
		return false;
	switch (minor(f->st.st_rdev)) {
	case 3: /* null */
	case 5: /* zero */
	case 7: /* full */
	case 8: /* random */
	case 9: /* urandom */
		return true;
	}
	return false;
}

const struct file_type file_device = {
	.name = "/dev/null, zero, full, random, urandom",
	.type = FD_TYPES__REG,
	.match = device_match,
	.dump = reg_dump,
	.check = reg_check,
	.open = reg_open,
	.open_mapped = reg_open_mapped,
	.owner = reg_owner,
};
