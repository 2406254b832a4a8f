/* SPDX-License-Identifier: MIT
 * Network namespaces besides that of the root task on restore: other tasks or sockets are in them,
 * or descriptors lead to them. The builder makes them, the coordinator has their descriptors, and
 * enters each for what is of it.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/files/set.h"
#include "engine/net/ns-set.h"
#include "engine/net/ns.h"
#include "engine/net/sock-ns.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

static uint32_t id_of_root(const struct restore *r)
{
	return r->root->ids ? ns_id_of(r->root->ids, NS_NET) : 0;
}

/* @param who  for messages: a task or a file, by its number */
static int load_one(struct restore *r, uint32_t id, const char *who, uint32_t number,
		    struct error *err)
{
	if (!id || id == id_of_root(r) || netns_find(r, id))
		return 0;
	if (id == r->dumper_ids[NS_NET])
		return error_set(err, ENOTSUP,
				 "%s %u is of the network namespace of the program that wrote the "
				 "images, pid %d is not: not supported",
				 who, number, r->root->pid);
	int rc = netns_add(r, id, false, err);
	if (rc < 0)
		return error_wrap(err, rc, "network namespace %u", id);
	const struct netns *ns = netns_find(r, id);
	if (r->opts->empty_net || ns->conf || ns->links.nr)
		return 0;
	return error_set(err, EBADMSG, "%s %u is of network namespace %u: netns-%u.img is missing",
			 who, number, id, id);
}

static int load_of_file(struct restore *r, const FileEntry *e, struct error *err)
{
	uint32_t id = e->nsf && e->nsf->ns_cflag == CLONE_NEWNET ? e->nsf->ns_id : sock_ns_of(e);
	return load_one(r, id, "file id", e->id, err);
}

static int load_of_mount(struct restore *r, const MntEntry *e, struct error *err)
{
	uint32_t id = e->nsfs_cflag == CLONE_NEWNET ? e->nsfs_id : 0;
	return load_one(r, id, "mount", e->mnt_id, err);
}

static int load_all(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (rtask_is_living(t) && t->ids)
			rc = load_one(r, ns_id_of(t->ids, NS_NET), "pid", (uint32_t)t->pid, err);
	}
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++)
		rc = load_of_file(r, r->files->items[i].entry, err);
	for (size_t i = 0; rc == 0 && r->mounts && i < r->mounts->nr; i++)
		rc = load_of_mount(r, r->mounts->items[i]->e, err);
	return rc;
}

int netns_load_nested(struct restore *r, struct error *err)
{
	bool told = r->dumper_ids[NS_NET] && id_of_root(r); /* not by older images */
	int rc = told ? load_all(r, err) : 0;
	for (size_t i = 0; rc == 0 && r->netns && i < r->netns->nr; i++)
		rc = netns_links_check(r, &r->netns->items[i], err);
	return rc;
}

static bool has(const struct restore *r, bool root)
{
	for (size_t i = 0; r->netns && i < r->netns->nr; i++)
		if (r->netns->items[i].root == root)
			return true;
	return false;
}

bool netns_has_root(const struct restore *r)
{
	return has(r, true);
}

bool netns_has_nested(const struct restore *r)
{
	return has(r, false);
}

int netns_share(struct restore *r, struct error *err)
{
	if (!netns_has_nested(r))
		return 0;
	void *numbers = mmap(NULL, r->netns->nr * sizeof(int), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (numbers == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	r->netns->numbers = numbers;
	return 0;
}

/* The builder. */

struct making {
	struct restore *r;
	struct netns *ns;
};

/* By a process of its own: it may belong to a user namespace from which there is no way back. */
static int make_one(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	int rc = userns_enter_owner(making->r, NS_NET, making->ns->id, err);
	if (rc < 0)
		return error_wrap(err, rc, "network namespace %u", making->ns->id);
	if (unshare(CLONE_NEWNET) < 0)
		return error_sys(err, "make a network namespace (needs CAP_SYS_ADMIN)");
	making->ns->fd = procfs_open("self/ns/net", O_RDONLY);
	return making->ns->fd < 0 ? error_sys(err, "open /proc/self/ns/net") : 0;
}

int netns_make_nested(struct restore *r, struct error *err)
{
	struct netns_set *set = r->netns;
	if (!netns_has_nested(r))
		return 0;
	set->home = procfs_open("self/ns/net", O_RDONLY);
	if (set->home < 0)
		return error_sys(err, "open /proc/self/ns/net");
	for (size_t i = 0; i < set->nr; i++) {
		struct making making = { r, &set->items[i] };
		int rc =
		    making.ns->root || making.ns->fd >= 0 ? 0 : ns_aside(make_one, &making, err);
		if (rc < 0)
			return rc;
		set->numbers[i] = making.ns->fd;
	}
	return 0;
}

int netns_stand(const struct netns_set *set, const struct netns *ns, struct error *err)
{
	if (set->home < 0)
		return 0;
	return setns(ns->fd >= 0 ? ns->fd : set->home, CLONE_NEWNET) < 0
		   ? error_sys(err, "enter network namespace %u", ns->id)
		   : 0;
}

static int for_each(struct restore *r,
		    int (*step)(struct restore *r, struct netns *ns, struct error *err),
		    struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->netns->nr; i++) {
		struct netns *ns = &r->netns->items[i];
		if (ns->external >= 0)
			continue;
		rc = netns_stand(r->netns, ns, err);
		if (rc == 0)
			rc = step(r, ns, err);
		if (rc < 0 && !ns->root)
			error_wrap(err, rc, "network namespace %u", ns->id);
	}
	return rc;
}

static int fill_all(void *ctx, struct error *err)
{
	struct restore *r = ctx;
	int rc = for_each(r, netns_begin, err);
	if (rc == 0)
		rc = netns_links_make(r, r->netns, err);
	return rc < 0 ? rc : for_each(r, netns_complete, err);
}

int netns_fill(struct restore *r, uint32_t id, struct error *err)
{
	(void)id;
	if (!r->netns || r->netns->home < 0)
		return r->netns ? fill_all(r, err) : 0;
	/* by a process of its own: from a user namespace there may be no way back home */
	return ns_aside(fill_all, r, err);
}

/* The coordinator. */

static int adopt_one(struct restore *r, pid_t builder, size_t i, struct error *err)
{
	char path[48];
	struct netns *ns = &r->netns->items[i];
	if (ns->fd < 0) {
		snprintf(path, sizeof(path), "%d/fd/%d", builder, r->netns->numbers[i]);
		ns->fd = procfs_open(path, O_RDONLY);
	}
	if (ns->fd < 0)
		return error_sys(err, "open /proc/%s", path);
	int kept = files_keep(r, ns->fd, err);
	if (kept < 0)
		return kept;
	ns->fd = kept;
	return netns_prepare(r, ns->id, ns->fd, err);
}

int netns_adopt(struct restore *r, pid_t builder, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->netns && i < r->netns->nr; i++)
		if (!r->netns->items[i].root)
			rc = adopt_one(r, builder, i, err);
	return rc;
}

static const struct netns *find_nested(const struct restore *r, uint32_t id)
{
	const struct netns *ns = netns_find(r, id);
	return ns && !ns->root ? ns : NULL;
}

int netns_enter(const struct restore *r, uint32_t id, struct ns_visit *visit, struct error *err)
{
	const struct netns *ns = find_nested(r, id);
	*visit = (struct ns_visit){ .back = -1 };
	return ns ? ns_visit_fd(ns->fd, NS_NET, visit, err) : 0;
}

int netns_leave(struct ns_visit *visit, struct error *err)
{
	return visit->row ? ns_visit_end(visit, err) : 0;
}

bool netns_is_nested(const struct restore *r, uint32_t id)
{
	return find_nested(r, id) != NULL;
}

int netns_open(const struct restore *r, uint32_t id, int flags, struct error *err)
{
	const struct netns *ns = find_nested(r, id);
	if (!ns)
		return error_set(err, EBADMSG, "network namespace %u is not there", id);
	int fd = procfs_reopen(ns->fd, flags);
	return fd < 0 ? error_sys(err, "open network namespace %u", id) : fd;
}

int netns_join(const struct restore *r, const struct rtask *t, struct error *err)
{
	const struct netns *ns = t->ids ? find_nested(r, ns_id_of(t->ids, NS_NET)) : NULL;
	if (userns_joins_at_birth(r, t, NS_NET))
		return 0;
	return ns && setns(ns->fd, CLONE_NEWNET) < 0
		   ? error_sys(err, "pid %d: enter its network namespace", t->pid)
		   : 0;
}

int netns_filter(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->netns && i < r->netns->nr; i++) {
		const struct netns *ns = &r->netns->items[i];
		struct ns_visit visit;
		if (ns->external >= 0)
			continue;
		rc = ns->root ? ns_net_visit(r, &visit, err) : netns_enter(r, ns->id, &visit, err);
		if (rc < 0)
			return rc;
		rc = netns_filter_one(r, ns, err);
		int back = netns_leave(&visit, rc < 0 ? NULL : err);
		rc = rc < 0 ? error_wrap(err, rc, "network namespace %u", ns->id) : back;
	}
	return rc;
}

int netns_unlock(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->netns && i < r->netns->nr; i++) {
		struct netns *ns = &r->netns->items[i];
		struct ns_visit visit;
		rc = netns_enter(r, ns->id, &visit, err);
		if (rc < 0)
			return rc;
		rc = lock_drop(&ns->lock, err);
		int back = netns_leave(&visit, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : back;
	}
	return rc;
}
