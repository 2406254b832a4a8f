/* SPDX-License-Identifier: MIT
 * Joining namespaces on restore.
 */
#include "engine/ns/join.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/ns/ns.h"
#include "engine/procfs/root.h"

/* @return what is behind "net:"; NULL: another kind */
static const char *file_of(const char *join, enum ns_kind kind)
{
	const char *name = ns_rows[kind].name;
	size_t len = strlen(name);
	return !strncmp(join, name, len) && join[len] == ':' ? join + len + 1 : NULL;
}

int ns_join_check(const struct options *opts, struct error *err)
{
	for (size_t i = 0; i < opts->joins.nr; i++) {
		const char *file = NULL;
		for (int k = 0; !file && k < NS_KINDS; k++)
			file = file_of(opts->joins.items[i], (enum ns_kind)k);
		if (!file || !*file)
			return error_set(err, EINVAL,
					 "--join-ns: %s is not KIND:FILE with a KIND of net, mnt, "
					 "pid, uts, ipc, time or cgroup",
					 opts->joins.items[i]);
	}
	return 0;
}

static int open_file(const char *file, enum ns_kind kind)
{
	char path[64];
	if (file[strspn(file, "0123456789")])
		return open(file, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%.20s/ns/%s", file, ns_rows[kind].name);
	return procfs_open(path, O_RDONLY);
}

int ns_join_open(const struct options *opts, enum ns_kind kind, int *fd, struct error *err)
{
	const char *file = NULL;
	for (size_t i = 0; !file && i < opts->joins.nr; i++)
		file = file_of(opts->joins.items[i], kind);
	if (!file)
		return 0;
	*fd = open_file(file, kind);
	return *fd < 0 ? error_sys(err, "--join-ns: open %s namespace %s", ns_rows[kind].name, file)
		       : 1;
}
