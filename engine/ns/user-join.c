/* SPDX-License-Identifier: MIT
 * A user namespace that is joined: whose ids it has is told by who enters it.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/ns/join.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"

#define SAID "--join-ns user: "

static int look(int fd, struct user_maps *maps, struct error *err)
{
	int rc = user_maps_look(fd, maps, err);
	return rc < 0 ? error_wrap(err, rc, "--join-ns user") : 0;
}

static bool is_same(int a, int b)
{
	struct stat x, y;
	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

/* Its maps are in ids of the one around it, and those have to be this program's. */
static int check_place(int fd, int own, struct error *err)
{
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWUSER)
		return error_set(err, EINVAL, SAID "it is no user namespace");
	auto_fd around = ioctl(fd, NS_GET_PARENT);
	return is_same(around, own)
		   ? 0
		   : error_set(err, EINVAL,
			       SAID "it is not directly inside of the user namespace of this "
				    "program: restore from the one around it");
}

/* Who chooses numbers of a pid namespace needs to be privileged in the one that it belongs to. */
static int check_pids(const struct restore *r, int fd, struct error *err)
{
	int given = r->ns->given[NS_PID];
	if (!ns_restores(r, NS_PID))
		return error_set(err, EINVAL,
				 SAID
				 "the tree has pids of the host, which cannot be chosen from "
				 "there: join a pid namespace of it, too (--join-ns pid:FILE)");
	int owner = given < 0 ? -1 : ioctl(given, NS_GET_USERNS);
	while (owner >= 0 && !is_same(owner, fd)) {
		int around = ioctl(owner, NS_GET_PARENT);
		close(owner);
		owner = around;
	}
	bool may = given < 0 || owner >= 0;
	fd_close(owner);
	return may ? 0
		   : error_set(err, EINVAL,
			       SAID "the pid namespace that is given is not of that user "
				    "namespace, so no pids can be chosen: give one that is");
}

static bool is_mapped(const struct user_maps *maps, enum id_kind kind, uint32_t id)
{
	return id_inside(maps, kind, id_outside(maps, kind, id)) == id;
}

static int check_id(const struct user_maps *maps, enum id_kind kind, uint32_t id, struct error *err)
{
	return is_mapped(maps, kind, id)
		   ? 0
		   : error_set(err, EINVAL, SAID "%s id %u is not mapped there",
			       kind == ID_USER ? "user" : "group", id);
}

static int check_creds(const struct user_maps *maps, const CredsEntry *c, struct error *err)
{
	const uint32_t ids[ID_KINDS][4] = { { c->uid, c->euid, c->suid, c->fsuid },
					    { c->gid, c->egid, c->sgid, c->fsgid } };
	int rc = 0;
	for (int k = 0; k < ID_KINDS; k++)
		for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(ids[k]); i++)
			rc = check_id(maps, (enum id_kind)k, ids[k][i], err);
	for (size_t i = 0; rc == 0 && i < c->n_groups; i++)
		rc = check_id(maps, ID_GROUP, c->groups[i], err);
	return rc;
}

static const CredsEntry *creds_of(const struct rtask *t, size_t thread)
{
	return t->cores[thread]->thread_core->creds;
}

static bool has_groups_of(const CredsEntry *a, const CredsEntry *b)
{
	return a->n_groups == b->n_groups &&
	       (!a->n_groups || !memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)));
}

static int check_task(const struct restore *r, const struct rtask *t, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && rtask_is_living(t) && i < t->nr_threads; i++) {
		rc = check_creds(r->users, creds_of(t, i), err);
		if (rc == 0 && r->users->keeps_groups &&
		    !has_groups_of(creds_of(t, i), creds_of(r->root, 0)))
			rc = error_set(err, EINVAL,
				       SAID "it lets nobody change groups (setgroups), and this "
					    "task has others than " TASK_FMT,
				       RTASK_ARGS(r->root));
	}
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t)) : 0;
}

int userns_join(struct restore *r, struct error *err)
{
	int fd = r->ns->given[NS_USER];
	auto_fd own = procfs_open("self/ns/user", O_RDONLY);
	if (own < 0)
		return error_sys(err, "open /proc/self/ns/user");
	if (is_same(fd, own)) { /* cannot be entered, and need not */
		r->ns->ids[NS_USER] = 0;
		r->ns->given[NS_USER] = -1;
		close(fd);
		return 0;
	}
	r->users = calloc(1, sizeof(*r->users));
	if (!r->users)
		return error_set(err, ENOMEM, "out of memory");
	ns_join_user_ids(r->opts, r->users->root);
	int rc = check_place(fd, own, err);
	if (rc == 0)
		rc = check_pids(r, fd, err);
	if (rc == 0)
		rc = look(fd, r->users, err);
	for (int k = 0; rc == 0 && k < ID_KINDS; k++)
		rc = check_id(r->users, (enum id_kind)k, r->users->root[k], err);
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = check_task(r, r->tasks[i], err);
	return rc;
}

int userns_take_groups(const struct restore *r, struct error *err)
{
	const CredsEntry *c = creds_of(r->root, 0);
	if (!r->users->keeps_groups)
		return 0;
	auto_free gid_t *groups = calloc(c->n_groups + 1, sizeof(*groups));
	if (!groups)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->n_groups; i++)
		groups[i] = id_outside(r->users, ID_GROUP, c->groups[i]);
	return syscall(SYS_setgroups, c->n_groups, groups) < 0
		   ? error_sys(err, "set the groups of the tree")
		   : 0;
}
