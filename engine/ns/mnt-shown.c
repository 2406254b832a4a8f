/* SPDX-License-Identifier: MIT
 * Mounts that show namespaces, both directions. Mounted again in the same one, such a file system
 * is the same: so its device number tells whose it is.
 */
#include "engine/ns/mnt-shown.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/kernel-dev.h"
#include "engine/net/ns.h"
#include "engine/ns/aside.h"
#include "engine/ns/nested.h"
#include "engine/procfs/root.h"

static const struct shown {
	Fstype code;
	enum ns_kind kind;
	const char *type;
	size_t has, id; /* in MntEntry */
} rows[] = {
#define FIELD(f) .has = offsetof(MntEntry, has_##f), .id = offsetof(MntEntry, f)
	{ FSTYPE__MQUEUE, NS_IPC, "mqueue", FIELD(ipc_ns) },
	{ FSTYPE__SYSFS, NS_NET, "sysfs", FIELD(net_ns) },
};

static const struct shown *find_row(const struct mnt *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == m->fs->code)
			return &rows[i];
	return NULL;
}

/* Mounted nowhere, in the namespace this process is in. */
static int is_here(const char *type, dev_t dev, struct error *err)
{
	struct stat st;
	auto_fd fs = fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_sys(err, "make a %s", type);
	auto_fd root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (root < 0 || fstat(root, &st) < 0)
		return error_sys(err, "mount a %s", type);
	return st.st_dev == dev;
}

static int look_in(const struct ns_seen *ns, const char *type, dev_t dev, struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = is_here(type, dev, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return back < 0 && rc >= 0 ? back : rc;
}

int mnt_shown_find(const struct dump *d, enum ns_kind kind, const char *type, dev_t dev,
		   const struct ns_seen **out, struct error *err)
{
	*out = NULL;
	for (size_t i = 0; d->ns && i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		int rc = ns->kind == kind ? look_in(ns, type, dev, err) : 0;
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		*out = ns;
		return 0;
	}
	return 0;
}

static int collect_one(const struct dump *d, const struct mnt *m, const struct shown *row,
		       struct error *err)
{
	const struct ns_seen *ns;
	dev_t dev = kernel_dev_decode(m->e->root_dev);
	int rc = mnt_shown_find(d, row->kind, row->type, dev, &ns, err);
	if (rc < 0 || !ns || ns->id == ns_id(d->tasks[0], row->kind))
		return rc;
	*(protobuf_c_boolean *)((char *)m->e + row->has) = true;
	*(uint32_t *)((char *)m->e + row->id) = ns->id;
	return 0;
}

int mnt_shown_collect(const struct dump *d, struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < d->mounts->nr; i++) {
		const struct mnt *m = d->mounts->items[i];
		const struct shown *row = find_row(m);
		bool wanted = row && ns_are_several(d, row->kind);
		int rc = wanted ? collect_one(d, m, row, err) : 0;
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(m, name));
	}
	return 0;
}

/* Restore, in the builder. */

static int open_shown(const struct restore *r, enum ns_kind kind, uint32_t id, struct error *err)
{
	int nested = ns_nested_fd(r, kind, id);
	if (kind == NS_NET && netns_is_nested(r, id))
		return netns_open(r, id, O_RDONLY, err);
	int fd = nested >= 0 ? procfs_reopen(nested, O_RDONLY) : -1;
	return fd < 0 ? error_set(err, EBADMSG, "it shows %s namespace %u, which nobody is in",
				  ns_rows[kind].name, id)
		      : fd;
}

struct visit {
	int ns, flag;
	int (*visit)(void *ctx, struct error *err);
	void *ctx;
};

static int visit_there(void *ctx, struct error *err)
{
	const struct visit *v = ctx;
	return setns(v->ns, v->flag) < 0 ? error_sys(err, "enter the namespace that it shows")
					 : v->visit(v->ctx, err);
}

int mnt_shown_aside(const struct restore *r, const struct mnt *m,
		    int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err)
{
	const struct shown *row = find_row(m);
	if (!row || !*(const protobuf_c_boolean *)((const char *)m->e + row->has))
		return visit(ctx, err);
	auto_fd ns =
	    open_shown(r, row->kind, *(const uint32_t *)((const char *)m->e + row->id), err);
	struct visit v = { ns, ns_rows[row->kind].flag, visit, ctx };
	return ns < 0 ? ns : ns_aside(visit_there, &v, err);
}
