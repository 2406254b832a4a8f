/* SPDX-License-Identifier: MIT
 * What other rooms ask of namespaces; apart from the table, so that asking brings in nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/ipc.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"

uint32_t ns_id(const struct task *t, enum ns_kind kind)
{
	return t->ns_ids[kind];
}

bool ns_is_apart(const struct dump *d, enum ns_kind kind)
{
	return d->ns && d->tasks[0]->ns_ids[kind] != ns_own_id(kind);
}

bool ns_are_several(const struct dump *d, enum ns_kind kind)
{
	size_t nr = 0;
	for (size_t i = 0; d->ns && i < d->ns->nr; i++)
		nr += d->ns->items[i].kind == kind;
	return nr > 1;
}

bool ns_restores(const struct restore *r, enum ns_kind kind)
{
	return r->ns && r->ns->ids[kind] != 0;
}

int ipc_choose_id(const char *kind, uint32_t id, struct error *err)
{
	char path[48], text[16];
	snprintf(path, sizeof(path), "sys/kernel/%s_next_id", kind);
	int len = snprintf(text, sizeof(text), "%u", id);
	auto_fd fd = procfs_open(path, O_WRONLY);
	int rc = fd < 0 ? -errno : fd_write_full(fd, text, (size_t)len);
	return rc < 0
		   ? error_code(err, rc,
				"choose the id of %s %u: /proc/%s (needs CAP_CHECKPOINT_RESTORE or "
				"CAP_SYS_ADMIN)",
				kind, id, path)
		   : 0;
}
