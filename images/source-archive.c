/* SPDX-License-Identifier: MIT
 * A tar archive of images, read in place.
 */
#include "images/backend.h"

#include "base/cleanup.h"

int source_archive_open(int fd_, const char *name, struct source **out, struct error *err)
{
	auto_fd fd = fd_;
	(void)fd;
	(void)out;
	return error_set(err, ENOTSUP, "%s: archives are not read yet", name);
}
