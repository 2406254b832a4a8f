/* SPDX-License-Identifier: MIT
 * Namespaces of single tasks. A child of the builder makes each and fills it; the builder and the
 * coordinator have their descriptors, with which every task enters its own.
 */
#include "engine/ns/nested.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/files/set.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-held.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "engine/pie/restore-shared.h"
#include "engine/procfs/root.h"

static uint32_t id_of_root(const struct restore *r, enum ns_kind kind)
{
	if (kind == NS_USER && r->ns->users_late)
		return r->dumper_ids[kind];
	return r->root->ids ? ns_id_of(r->root->ids, kind) : 0;
}

struct ns_nested *ns_nested_find(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	for (size_t i = 0; r->ns && i < r->ns->nested.nr; i++)
		if (r->ns->nested.items[i].kind == kind && r->ns->nested.items[i].id == id)
			return &r->ns->nested.items[i];
	return NULL;
}

/* Older images do not tell. */
static bool is_to_load(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	uint32_t root = id_of_root(r, kind);
	return id && root && r->dumper_ids[kind] && id != root && !ns_nested_find(r, kind, id);
}

static int add_one(struct restore *r, enum ns_kind kind, uint32_t id, struct error *err)
{
	struct ns_nested *slot = array_add(&r->ns->nested);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = (struct ns_nested){ .kind = kind, .id = id, .fd = -1, .holder_fd = -1 };
	return ns_rows[kind].load ? ns_rows[kind].load(r, id, err) : 0;
}

/* One of users comes with those around it.
 * @param who  for messages: a task or a file, by its number */
static int load_one(struct restore *r, enum ns_kind kind, uint32_t id, const char *who,
		    uint32_t number, struct error *err)
{
	const char *name = ns_rows[kind].name;
	int rc = 0;
	for (uint32_t at = id, nr = 0; rc == 0 && nr <= USERNS_LEVELS && is_to_load(r, kind, at);
	     nr++) {
		if (at == r->dumper_ids[kind])
			return error_set(err, ENOTSUP,
					 "%s %u is of the %s namespace of the program that wrote "
					 "the images, pid %d is not: not supported",
					 who, number, name, r->root->pid);
		rc = add_one(r, kind, at, err);
		at = rc == 0 && kind == NS_USER ? ns_nested_find(r, kind, at)->users->around : 0;
	}
	if (rc == 0 && kind == NS_USER)
		rc = userns_check_depth(r, id, err);
	return rc < 0 ? error_wrap(err, rc, "%s %u: its %s namespace", who, number, name) : 0;
}

static int load_of_task(struct restore *r, const struct rtask *t, struct error *err)
{
	int rc = 0;
	for (int k = 0; rc == 0 && rtask_is_living(t) && t->ids && k < NS_KINDS; k++)
		if (ns_rows[k].alone)
			rc = load_one(r, (enum ns_kind)k, ns_id_of(t->ids, (enum ns_kind)k), "pid",
				      (uint32_t)t->pid, err);
	return rc;
}

/* It is made by the task whose children it is for. */
static int load_children_time(struct restore *r, const struct rtask *t, struct error *err)
{
	uint32_t id = t->ids->children_time_ns_id;
	int rc = load_one(r, NS_TIME, id, "children of pid", (uint32_t)t->pid, err);
	struct ns_nested *ns = rc < 0 ? NULL : ns_nested_find(r, NS_TIME, id);
	if (rc == 0 && (!ns || ns->maker))
		rc = error_set(err, EBADMSG,
			       TASK_FMT ": time namespace %u of its children is another one's",
			       RTASK_ARGS(t), id);
	if (rc == 0)
		ns->maker = t;
	return rc;
}

static int load_of_file(struct restore *r, const FileEntry *e, struct error *err)
{
	int rc = 0;
	if (!e->nsf)
		return 0;
	enum ns_kind kind = ns_kind_of(e->nsf->ns_cflag);
	if (kind == NS_PID && (rc = pid_held_load(r, e->nsf->ns_id, err)) < 0)
		return error_wrap(err, rc, "file id %u: its pid namespace", e->id);
	if (kind == NS_MNT && (rc = mnt_held_check(r, e->nsf->ns_id, err)) < 0)
		return error_wrap(err, rc, "file id %u: its mount namespace", e->id);
	if (ns_is_made_apart(kind))
		rc = load_one(r, kind, e->nsf->ns_id, "file id", e->id, err);
	return rc;
}

static int load_of_mount(struct restore *r, const MntEntry *e, struct error *err)
{
	int rc = 0;
	enum ns_kind kind = e->has_nsfs_id ? ns_kind_of(e->nsfs_cflag) : NS_KINDS;
	if (ns_is_made_apart(kind))
		rc = load_one(r, kind, e->nsfs_id, "mount", e->mnt_id, err);
	return rc;
}

int ns_nested_load(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		struct rtask *t = r->tasks[i];
		rc = load_of_task(r, t, err);
		if (rc == 0)
			rc = pidns_load_max(r, t, err);
		if (rc == 0)
			rc = pid_held_load_children(r, t, err);
		if (rc == 0 && rtask_is_living(t) && t->ids && t->ids->has_children_time_ns_id)
			rc = load_children_time(r, t, err);
	}
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++)
		rc = load_of_file(r, r->files->items[i].entry, err);
	for (size_t i = 0; rc == 0 && r->mounts && i < r->mounts->nr; i++)
		rc = load_of_mount(r, r->mounts->items[i]->e, err);
	return rc;
}

bool ns_has_nested(const struct restore *r)
{
	return r->ns && r->ns->nested.nr > 0;
}

bool ns_nested_next(const struct restore *r, enum ns_kind kind, size_t *at, uint32_t *id)
{
	while (*at < r->ns->nested.nr) {
		const struct ns_nested *ns = &r->ns->nested.items[(*at)++];
		*id = ns->id;
		if (ns->kind == kind)
			return true;
	}
	return false;
}

int ns_nested_share(struct restore *r, struct error *err)
{
	if (!ns_has_nested(r))
		return 0;
	void *numbers = mmap(NULL, r->ns->nested.nr * sizeof(int), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (numbers == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	r->ns->nested.numbers = numbers;
	return 0;
}

/* The builder. */

static int open_own(const char *name, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "self/ns/%s", name);
	int fd = procfs_open(path, O_RDONLY);
	return fd < 0 ? error_sys(err, "open /proc/%s", path) : fd;
}

struct making {
	struct restore *r;
	struct ns_nested *ns;
};

static int make_fresh(struct restore *r, const struct ns_nested *ns, struct error *err)
{
	const struct ns_row *row = &ns_rows[ns->kind];
	if (row->make)
		return row->make(r, ns->id, err);
	int rc = userns_enter_owner(r, ns->kind, ns->id, err);
	if (rc < 0)
		return rc;
	return unshare(row->flag) < 0 ? error_sys(err, "make it (needs CAP_SYS_ADMIN)") : 0;
}

static int make_inside(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	struct ns_nested *ns = making->ns;
	const struct ns_row *row = &ns_rows[ns->kind];
	int rc = make_fresh(making->r, ns, err);
	if (rc < 0)
		return rc;
	ns->fd = open_own(row->fresh ? row->fresh : row->name, err);
	if (ns->fd < 0)
		return ns->fd;
	/* a time namespace is filled by who has made it, others where ids are those of the tree */
	bool here = ns->kind == NS_TIME || !userns_owner_of(making->r, ns->kind, ns->id);
	return here && row->fill ? row->fill(making->r, ns->id, err) : 0;
}

static int enter(const struct making *making, struct error *err)
{
	const struct ns_nested *ns = making->ns;
	const struct ns_nested *owner = userns_owner_of(making->r, ns->kind, ns->id);
	if (setns(ns->fd, ns_rows[ns->kind].flag) < 0)
		return error_sys(err, "enter it");
	return owner ? userns_act_for(making->r, owner, err) : 0;
}

static int fill_owned(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	int rc = enter(making, err);
	return rc < 0 ? rc : ns_rows[making->ns->kind].fill(making->r, making->ns->id, err);
}

/* A process of its own, as from a user namespace there may be no way back. */
static int make_one(struct restore *r, struct ns_nested *ns, struct error *err)
{
	const struct ns_row *row = &ns_rows[ns->kind];
	struct making making = { r, ns };
	if (!row->make_fd)
		return ns_aside(make_inside, &making, err);
	ns->fd = row->make_fd(r, ns->id, err);
	return ns->fd < 0 ? ns->fd : 0;
}

static int finish_one(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	const struct ns_row *row = &ns_rows[making->ns->kind];
	int rc = enter(making, err);
	return rc < 0 ? rc : row->finish(making->r, making->ns->id, err);
}

static int name_failure(const struct ns_nested *ns, int rc, struct error *err)
{
	return error_wrap(err, rc, "%s namespace %u", ns_rows[ns->kind].name, ns->id);
}

/* What it is in, or belongs to, comes first. */
static int fill_one(struct restore *r, struct ns_nested *ns, struct error *err)
{
	const struct ns_nested *owner = userns_owner_of(r, ns->kind, ns->id);
	struct ns_nested *before = ns_nested_find(r, NS_USER,
						  ns->users ? ns->users->around
						  : owner   ? owner->id
							    : 0);
	int rc = before ? fill_one(r, before, err) : 0;
	if (rc < 0 || ns->maker || ns->fd >= 0)
		return rc;
	struct making making = { r, ns };
	rc = make_one(r, ns, err);
	if (rc == 0 && owner && ns->kind != NS_TIME && ns_rows[ns->kind].fill)
		rc = ns_aside(fill_owned, &making, err);
	return rc < 0 ? name_failure(ns, rc, err) : 0;
}

static int fill_some(struct restore *r, bool users, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->ns->nested.nr; i++) {
		struct ns_nested *ns = &r->ns->nested.items[i];
		if (users && !ns->users)
			continue;
		rc = fill_one(r, ns, err);
		r->ns->nested.numbers[i] = ns->fd;
	}
	return rc;
}

int ns_nested_make_users(struct restore *r, struct error *err)
{
	return fill_some(r, true, err);
}

int ns_nested_fill(struct restore *r, struct error *err)
{
	return fill_some(r, false, err);
}

int ns_nested_finish(struct restore *r, struct error *err)
{
	for (size_t i = 0; i < r->ns->nested.nr; i++) {
		struct making making = { r, &r->ns->nested.items[i] };
		bool wanted = ns_rows[making.ns->kind].finish;
		int rc = wanted ? ns_aside(finish_one, &making, err) : 0;
		if (rc < 0)
			return name_failure(making.ns, rc, err);
	}
	return 0;
}

/* The coordinator, and tasks. */

int ns_nested_adopt(struct restore *r, pid_t builder, struct error *err)
{
	for (size_t i = 0; i < r->ns->nested.nr; i++) {
		char path[48];
		if (r->ns->nested.items[i].maker)
			continue;
		snprintf(path, sizeof(path), "%d/fd/%d", builder, r->ns->nested.numbers[i]);
		int fd = procfs_open(path, O_RDONLY);
		if (fd < 0)
			return error_sys(err, "open /proc/%s", path);
		int kept = files_keep(r, fd, err);
		if (kept < 0)
			return kept;
		r->ns->nested.items[i].fd = kept;
	}
	return 0;
}

int ns_nested_open(const struct restore *r, enum ns_kind kind, uint32_t id, int flags,
		   struct error *err)
{
	char path[48];
	const struct ns_nested *ns = ns_nested_find(r, kind, id);
	if (!ns)
		return -ENOENT;
	if (ns->maker)
		snprintf(path, sizeof(path), "%d/ns/%s", r->shared->slots[ns->maker->slot].real,
			 ns_rows[kind].fresh);
	else
		snprintf(path, sizeof(path), "self/fd/%d", ns->fd);
	int fd = procfs_open(path, flags);
	return fd < 0 ? error_sys(err, "open %s namespace %u", ns_rows[kind].name, id) : fd;
}

int ns_nested_fd(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	const struct ns_nested *ns = ns_nested_find(r, kind, id);
	return ns ? ns->fd : -1;
}

static int join_kind(const struct restore *r, const struct rtask *t, enum ns_kind kind,
		     struct error *err)
{
	uint32_t id = ns_id_of(t->ids, kind);
	bool made = kind == NS_TIME && t->ids->has_children_time_ns_id; /* timens_make_children() */
	if (!ns_nested_find(r, kind, id) || made ||
	    kind == NS_USER || /* the restorer enters that */
	    userns_joins_at_birth(r, t, kind))
		return 0;
	auto_fd fd = ns_nested_open(r, kind, id, O_RDONLY, err);
	if (fd < 0)
		return fd;
	return setns(fd, ns_rows[kind].flag) < 0
		   ? error_sys(err, "enter its %s namespace", ns_rows[kind].name)
		   : 0;
}

int ns_nested_join(const struct restore *r, const struct rtask *t, struct error *err)
{
	int rc = 0;
	for (int k = 0; rc == 0 && ns_has_nested(r) && t->ids && k < NS_KINDS; k++)
		rc = join_kind(r, t, (enum ns_kind)k, err);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t)) : 0;
}
