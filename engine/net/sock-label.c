/* SPDX-License-Identifier: MIT
 * Labels of sockets. They can be read as an attribute of the file, but are given at birth only.
 */
#include "engine/net/sock-label.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/procfs/root.h"

#define NAME       "security.selinux"
#define SOCKCREATE "thread-self/attr/sockcreate"
#define LABEL_MAX  4096 /* a page: what attr/ takes */

int sock_label_dump(int fd, FdinfoEntry *e, struct error *err)
{
	char label[LABEL_MAX + 1];
	ssize_t len = fgetxattr(fd, NAME, label, LABEL_MAX);
	if (len < 0 && (errno == EOPNOTSUPP || errno == ENODATA))
		return 0;
	if (len < 0)
		return error_sys(err, "read " NAME " of a socket");
	label[len] = '\0'; /* mostly it has one itself */
	e->xattr_security_selinux = strdup(label);
	return e->xattr_security_selinux ? 0 : error_set(err, ENOMEM, "out of memory");
}

int sock_label_set(const char *label, struct error *err)
{
	size_t len = label ? strlen(label) : 0;
	auto_fd fd = procfs_open(SOCKCREATE, O_WRONLY);
	if (fd < 0 || write(fd, label, len) != (ssize_t)len)
		return error_sys(err, "set the label of a new socket (%s)", label ? label : "own");
	return 0;
}
