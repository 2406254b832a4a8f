/* SPDX-License-Identifier: MIT
 * The one guard that needs more than a line.
 */
#include "base/cleanup.h"

#include <errno.h>

void fd_close(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
}
