/* SPDX-License-Identifier: MIT
 * Joining namespaces on restore.
 */
#include "engine/ns/join.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/ns/ns.h"
#include "engine/procfs/root.h"

/* @return what is behind "net:"; NULL: another kind */
static const char *file_of(const char *join, enum ns_kind kind)
{
	const char *name = ns_rows[kind].name;
	size_t len = strlen(name);
	return !strncmp(join, name, len) && join[len] == ':' ? join + len + 1 : NULL;
}

static const char *find(const struct options *opts, enum ns_kind kind)
{
	const char *file = NULL;
	for (size_t i = 0; !file && i < opts->joins.nr; i++)
		file = file_of(opts->joins.items[i], kind);
	return file;
}

/* @return what is behind it; NULL: no id of a user or group stands there */
static const char *take_id(const char *text, uint32_t *id)
{
	uint64_t value = 0;
	size_t len = strspn(text, "0123456789");
	for (size_t i = 0; i < len && value < UINT32_MAX; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*id = (uint32_t)value;
	return len && value < UINT32_MAX ? text + len : NULL;
}

static bool has_ids(const char *file, uint32_t ids[2])
{
	const char *comma = strchr(file, ',');
	const char *next = comma ? take_id(comma + 1, &ids[0]) : NULL;
	const char *end = next && *next == ',' ? take_id(next + 1, &ids[1]) : NULL;
	return end && !*end;
}

int ns_join_check(const struct options *opts, struct error *err)
{
	for (size_t i = 0; i < opts->joins.nr; i++) {
		const char *join = opts->joins.items[i], *file = NULL;
		int kind = -1;
		uint32_t ids[2];
		while (!file && ++kind < NS_KINDS)
			file = file_of(join, (enum ns_kind)kind);
		if (!file || !*file)
			return error_set(err, EINVAL,
					 "--join-ns: %s is not KIND:FILE with a KIND of net, mnt, "
					 "pid, user, uts, ipc, time or cgroup",
					 join);
		if (kind == NS_USER && strchr(file, ',') && !has_ids(file, ids))
			return error_set(err, EINVAL, "--join-ns: %s is not user:FILE,UID,GID",
					 join);
	}
	return 0;
}

void ns_join_user_ids(const struct options *opts, uint32_t ids[2])
{
	const char *file = find(opts, NS_USER);
	if (!file || !has_ids(file, ids))
		ids[0] = ids[1] = 0;
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
	const char *said = find(opts, kind);
	if (!said)
		return 0;
	auto_free char *file = strndup(said, kind == NS_USER ? strcspn(said, ",") : strlen(said));
	if (!file)
		return error_set(err, ENOMEM, "out of memory");
	*fd = open_file(file, kind);
	return *fd < 0 ? error_sys(err, "--join-ns: open %s namespace %s", ns_rows[kind].name, file)
		       : 1;
}
