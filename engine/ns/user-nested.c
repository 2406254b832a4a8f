/* SPDX-License-Identifier: MIT
 * User namespaces inside of that of the root, both directions.
 *
 * Whoever enters one has no privilege any more in those around it, and there is no way back. So
 * tasks are born outside, with the numbers they had, and their restorers enter when nothing is left
 * to do that takes more (pie/restorer/credentials.c). Until then a task is in that of the root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/idle-child.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/context/shortage.h"
#include "engine/files/file.h"
#include "engine/net/ns.h"
#include "engine/ns/held.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/root.h"

static int refuse_place(const struct dump *d, const struct ns_seen *ns, struct error *err)
{
	char holder[96];
	return error_set(err, ENOTSUP,
			 "%s: its user namespace is not inside of that of " TASK_FMT
			 ": not supported; dump them apart",
			 ns_seen_holder(ns, holder, sizeof(holder)), TASK_ARGS(d->tasks[0]));
}

static int find_around(struct dump *d, uint32_t id, int around, uint32_t *out, struct error *err)
{
	char holder[96];
	struct stat st;
	if (around < 0 || fstat(around, &st) < 0)
		return refuse_place(d, ns_find_id(d, NS_USER, id), err);
	if (st.st_ino == d->ns->own[NS_USER]) {
		*out = ns_own_id(NS_USER);
		return userns_home(d) == *out ? 0
					      : refuse_place(d, ns_find_id(d, NS_USER, id), err);
	}
	ns_seen_holder(ns_find_id(d, NS_USER, id), holder, sizeof(holder));
	int rc = ns_held_around(d, NS_USER, around, holder, out, err);
	return rc < 0 ? rc : userns_collect_nested(d, ns_find_id(d, NS_USER, *out), err);
}

int userns_collect_nested(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	uint32_t id = ns->id;
	if (id == userns_home(d) || ns->users)
		return 0;
	auto_fd fd = ns_seen_open(ns, err);
	if (fd < 0)
		return fd;
	auto_fd around = ioctl(fd, NS_GET_PARENT);
	struct user_maps *maps = calloc(1, sizeof(*maps));
	if (!maps)
		return error_set(err, ENOMEM, "out of memory");
	d->ns->items[ns - d->ns->items].users = maps;
	int rc = user_maps_look(fd, maps, err);
	if (rc == 0)
		rc = user_owner_read(fd, &maps->owner, err);
	return rc < 0 ? rc : find_around(d, id, around, &maps->around, err);
}

/* From one inside of the root's to that. */
struct chain {
	const struct user_maps *maps[USERNS_LEVELS];
	int nr;
};

/* What an id of the root's is in the innermost. @return false: nobody */
static bool turn_inside(const struct chain *chain, enum id_kind kind, uint32_t *id)
{
	bool is_mapped = true;
	for (int i = chain->nr; i-- > 0;) {
		uint32_t outside = *id;
		*id = id_inside(chain->maps[i], kind, outside);
		is_mapped = is_mapped && id_outside(chain->maps[i], kind, *id) == outside;
	}
	return is_mapped;
}

static struct chain chain_of_seen(const struct dump *d, uint32_t ns)
{
	struct chain chain = { .nr = 0 };
	while (ns != userns_home(d) && chain.nr < USERNS_LEVELS) {
		chain.maps[chain.nr] = ns_find_id(d, NS_USER, ns)->users;
		ns = chain.maps[chain.nr++]->around;
	}
	return chain;
}

uint32_t userns_seen_inside(const struct dump *d, uint32_t ns, enum id_kind kind, uint32_t id)
{
	const struct chain chain = chain_of_seen(d, ns);
	turn_inside(&chain, kind, &id);
	return id;
}

static bool has_any(const struct dump *d)
{
	for (size_t i = 0; i < d->ns->nr; i++)
		if (d->ns->items[i].users)
			return true;
	return false;
}

static int refuse_owned(const struct ns_seen *ns, const char *why, struct error *err)
{
	char holder[96];
	return error_set(err, ENOTSUP,
			 "%s: its %s namespace belongs to a user namespace inside of another%s: "
			 "not supported; dump when nobody is in it",
			 ns_seen_holder(ns, holder, sizeof(holder)), ns_rows[ns->kind].name, why);
}

/* Is it made by the builder from nothing? */
static bool is_made_alone(const struct dump *d, const struct ns_seen *ns)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->children_time == ns->id && ns->kind == NS_TIME)
			return false;
	bool roots = ns->id == ns_id(d->tasks[0], ns->kind);
	return ns_rows[ns->kind].owned && !(roots && ns->kind == NS_TIME);
}

/* That of the children of its member is not what that one is in. */
static int open_seen(const struct ns_seen *ns, struct error *err)
{
	const struct task *t = ns->member;
	if (ns->kind != NS_TIME || !t || t->children_time != ns->id)
		return ns_seen_open(ns, err);
	int fd = openat(t->proc_fd, "ns/time_for_children", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open the time namespace of its children") : fd;
}

int userns_note_owner(const struct dump *d, struct ns_seen *ns, struct error *err)
{
	struct stat st;
	if (ns->own || ns->kind == NS_USER)
		return 0;
	auto_fd fd = open_seen(ns, err);
	if (fd < 0)
		return fd;
	auto_fd users = ioctl(fd, NS_GET_USERNS);
	if (users < 0 && errno == EPERM) /* to one around that of the engine */
		return 0;
	if (users < 0 || fstat(users, &st) < 0)
		return error_sys(err, "find out who owns a %s namespace", ns_rows[ns->kind].name);
	const struct ns_seen *owner = ns_find(d, NS_USER, st.st_ino);
	if (!owner && st.st_ino != d->ns->own[NS_USER] && has_any(d))
		return refuse_owned(ns, ", which nobody is in", err);
	ns->owner = owner && owner->users ? owner->id : 0;
	return !ns->owner || is_made_alone(d, ns) ? 0 : refuse_owned(ns, "", err);
}

static const struct task *who_shares_directories(const struct dump *d, const struct task *t)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i] != t && d->tasks[i]->state != TASK_ZOMBIE && t->fs_id &&
		    d->tasks[i]->fs_id == t->fs_id)
			return d->tasks[i];
	return NULL;
}

static bool is_mapped(const struct chain *chain, enum id_kind kind, const uint32_t *ids, size_t nr)
{
	bool is = true;
	for (size_t i = 0; is && i < nr; i++) {
		uint32_t id = ids[i];
		is = turn_inside(chain, kind, &id);
	}
	return is;
}

static bool same_ids(const struct proc_status *a, const struct proc_status *b)
{
	return !memcmp(a->uids, b->uids, sizeof(a->uids)) &&
	       !memcmp(a->gids, b->gids, sizeof(a->gids));
}

/* A thread begins with the ids of the first, and has to find its own inside. */
static int check_thread(const struct dump *d, const struct task *t, size_t i, struct error *err)
{
	const struct proc_status *st = &t->threads[i].status, *first = &t->threads[0].status;
	const struct chain chain = chain_of_seen(d, ns_id(t, NS_USER));
	bool has_ids = same_ids(st, first) || (is_mapped(&chain, ID_USER, st->uids, 4) &&
					       is_mapped(&chain, ID_GROUP, st->gids, 4));
	bool has_groups =
	    groups_are_same(st, first) || (!chain.maps[0]->keeps_groups &&
					   is_mapped(&chain, ID_GROUP, st->groups, st->nr_groups));
	if (has_ids && has_groups)
		return 0;
	return error_set(err, ENOTSUP,
			 TASK_FMT ": its thread %d has other %s than the first, which nobody can "
				  "take in their user namespace: not supported",
			 TASK_ARGS(t), t->threads[i].tid, has_ids ? "groups" : "ids");
}

bool userns_seen_is_below(const struct dump *d, uint32_t ns, uint32_t above)
{
	while (ns != above && ns && ns != userns_home(d))
		ns = ns_find_id(d, NS_USER, ns)->users->around;
	return ns == above;
}

static uint32_t owner_of_pids(const struct dump *d, const struct task *t)
{
	const struct ns_seen *ns = ns_find_id(d, NS_PID, t->ns_ids[NS_PID]);
	return ns && ns->owner ? ns->owner : userns_home(d);
}

/*
 * The one it is in from its birth: a pid namespace belongs to who makes it, and begins with the
 * birth of its pid 1, which is in the same user namespace then.
 */
static uint32_t born_in(const struct dump *d, const struct task *t)
{
	while (t->parent && (t->ns_ids[NS_PID] == t->parent->ns_ids[NS_PID] ||
			     t->status.pids[t->status.ns_pid_depth - 1] != 1 ||
			     owner_of_pids(d, t) == userns_home(d)))
		t = t->parent;
	return owner_of_pids(d, t);
}

static int refuse_birth(const struct task *t, const char *why, struct error *err)
{
	return error_set(err, ENOTSUP,
			 TASK_FMT " is in a pid namespace that belongs to a user namespace inside "
				  "of another, %s: not supported; end it before the dump",
			 TASK_ARGS(t), why);
}

/* The first of the line that was born in the same one: whom somebody from outside has borne. */
static const struct task *first_born(const struct dump *d, const struct task *t)
{
	uint32_t users = born_in(d, t);
	while (t->parent && born_in(d, t->parent) == users)
		t = t->parent;
	return t;
}

static bool is_below_or_home(const struct dump *d, uint32_t owner, uint32_t users)
{
	return users == userns_home(d) || (owner && userns_seen_is_below(d, owner, users));
}

/* May it be in that namespace from its birth, or enter it afterwards? */
static bool can_be_in(const struct dump *d, const struct task *t, enum ns_kind kind)
{
	uint32_t id = t->ns_ids[kind];
	const struct ns_seen *ns = ns_find_id(d, kind, id);
	const struct task *first = first_born(d, t);
	if (!ns || id == ns_id(d->tasks[0], kind) || is_below_or_home(d, ns->owner, born_in(d, t)))
		return true;
	/* else who bears the first enters it before, or is in it */
	if (kind == NS_MNT || first->ns_ids[kind] != id || !first->parent)
		return false;
	return is_below_or_home(d, ns->owner, born_in(d, first->parent)) ||
	       (first->parent->ns_ids[kind] == id && can_be_in(d, first->parent, kind));
}

/* Who is born inside has no privilege around it. */
static int check_birth(const struct dump *d, const struct task *t, struct error *err)
{
	uint32_t users = born_in(d, t);
	const struct chain chain = chain_of_seen(d, users);
	const struct proc_status *st = &t->threads[0].status;
	if (users == userns_home(d))
		return 0;
	if (!userns_seen_is_below(d, ns_id(t, NS_USER), users))
		return refuse_birth(t, "but not in that one", err);
	for (int k = 0; k < NS_KINDS; k++)
		if (k != NS_USER && k != NS_PID && !can_be_in(d, t, (enum ns_kind)k))
			return refuse_birth(t, "and in another that belongs to one around it", err);
	if (!is_mapped(&chain, ID_USER, st->uids, 4) || !is_mapped(&chain, ID_GROUP, st->gids, 4))
		return refuse_birth(t, "and has ids that nobody has there", err);
	/* it begins with those of who has made the namespace */
	const struct task *first = first_born(d, t);
	if (first == t && t->parent)
		first = t->parent;
	const struct chain begin = chain_of_seen(d, born_in(d, first));
	const struct proc_status *init = &first->threads[0].status;
	if (begin.nr && !groups_are_same(st, init) &&
	    (begin.maps[0]->keeps_groups ||
	     !is_mapped(&begin, ID_GROUP, st->groups, st->nr_groups)))
		return refuse_birth(t, "and has groups that nobody can take there", err);
	return 0;
}

static int check_task(const struct dump *d, const struct task *t, struct error *err)
{
	const struct task *with = who_shares_directories(d, t);
	if (with)
		return error_set(err, ENOTSUP,
				 TASK_FMT " shares its working directory with " TASK_FMT
					  ", in a user namespace inside of another, which nobody "
					  "could enter so: end one of them before the dump",
				 TASK_ARGS(t), TASK_ARGS(with));
	if (t->children_apart && !t->children_ns)
		return error_set(err, ENOTSUP,
				 TASK_FMT
				 " has made a pid namespace for children, in a user namespace "
				 "inside of another: not supported; dump when it has children",
				 TASK_ARGS(t));
	int rc = check_birth(d, t, err);
	for (size_t i = 1; rc == 0 && i < t->nr_threads; i++)
		rc = check_thread(d, t, i, err);
	return rc;
}

int userns_check_nested(const struct dump *d, struct error *err)
{
	int rc = 0;
	if (!has_any(d))
		return 0;
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++)
		rc = userns_note_owner(d, &d->ns->items[i], err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		if (d->tasks[i]->state != TASK_ZOMBIE)
			rc = ns_id(d->tasks[i], NS_USER) == userns_home(d)
				 ? check_birth(d, d->tasks[i], err)
				 : check_task(d, d->tasks[i], err);
	return rc;
}

/* Restore. */

/* @return how many are between it and the root's, or more than there can be */
static int depth_of(const struct restore *r, const struct ns_nested *ns)
{
	int depth = 0;
	while (ns && depth < USERNS_LEVELS) {
		ns = ns_nested_find(r, NS_USER, ns->users->around);
		depth++;
	}
	return depth;
}

int userns_check_depth(const struct restore *r, uint32_t id, struct error *err)
{
	if (depth_of(r, ns_nested_find(r, NS_USER, id)) < USERNS_LEVELS)
		return 0;
	return error_set(err, EBADMSG, "userns-%u.img: it is inside of itself, or too deep", id);
}

const struct ns_nested *userns_owner_of(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	for (size_t i = 0; r->ns && i < r->ns->nested.nr; i++) {
		const struct ns_nested *ns = &r->ns->nested.items[i];
		for (size_t k = 0; ns->users && k < ns->users->owned.nr; k++)
			if (ns->users->owned.items[k].kind == kind &&
			    ns->users->owned.items[k].id == id)
				return ns;
	}
	return NULL;
}

uint32_t userns_owner_id(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	const struct ns_nested *owner = userns_owner_of(r, kind, id);
	return owner ? owner->id : 0;
}

int userns_enter_owner(const struct restore *r, enum ns_kind kind, uint32_t id, struct error *err)
{
	const struct ns_nested *owner = userns_owner_of(r, kind, id);
	if (owner && setns(owner->fd, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter user namespace %u, which it belongs to", owner->id);
	prctl(PR_SET_DUMPABLE, 1); /* the memory is the builder's */
	return 0;
}

int userns_nested_fd(const struct restore *r, const struct rtask *t)
{
	return t->ids ? ns_nested_fd(r, NS_USER, ns_id_of(t->ids, NS_USER)) : -1;
}

static struct chain chain_of(const struct restore *r, uint32_t id)
{
	struct chain chain = { .nr = 0 };
	const struct ns_nested *ns = ns_nested_find(r, NS_USER, id);
	for (; ns && chain.nr < USERNS_LEVELS; ns = ns_nested_find(r, NS_USER, ns->users->around))
		chain.maps[chain.nr++] = ns->users;
	return chain;
}

bool userns_is_below(const struct restore *r, uint32_t id, uint32_t above)
{
	const struct ns_nested *ns = ns_nested_find(r, NS_USER, id);
	while (ns && ns->id != above)
		ns = ns_nested_find(r, NS_USER, ns->users->around);
	return ns || !above;
}

static bool are_same(const struct restorer_ids *a, const struct restorer_ids *b)
{
	return !memcmp(a, b, offsetof(struct restorer_ids, groups)) &&
	       (!a->nr_groups || !memcmp(a->groups, b->groups, a->nr_groups * sizeof(*a->groups)));
}

static void turn_ids(const struct chain *chain, struct restorer_ids *ids)
{
	uint32_t *const uids[] = { &ids->uid, &ids->euid, &ids->suid, &ids->fsuid };
	uint32_t *const gids[] = { &ids->gid, &ids->egid, &ids->sgid, &ids->fsgid };
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		turn_inside(chain, ID_USER, uids[i]);
		turn_inside(chain, ID_GROUP, gids[i]);
	}
	for (uint32_t i = 0; i < ids->nr_groups; i++)
		turn_inside(chain, ID_GROUP, &ids->groups[i]);
}

/* What an id of the innermost is in the root's. */
static uint32_t turn_outside(const struct chain *chain, enum id_kind kind, uint32_t id)
{
	for (int i = 0; i < chain->nr; i++)
		id = id_outside(chain->maps[i], kind, id);
	return id;
}

/* @return false: it has none */
static bool find_root(const struct restore *r, uint32_t id, uint32_t *uid, uint32_t *gid)
{
	const struct chain chain = chain_of(r, id);
	*uid = turn_outside(&chain, ID_USER, 0);
	*gid = turn_outside(&chain, ID_GROUP, 0);
	uint32_t back_uid = *uid, back_gid = *gid;
	return turn_inside(&chain, ID_USER, &back_uid) && !back_uid &&
	       turn_inside(&chain, ID_GROUP, &back_gid) && !back_gid;
}

int userns_files_as_owner(const struct restore *r, uint32_t id, uint32_t before[ID_KINDS],
			  struct error *err)
{
	uint32_t uid, gid;
	before[ID_USER] = before[ID_GROUP] = UINT32_MAX;
	if (!id || geteuid() != 0 || !find_root(r, id, &uid, &gid))
		return 0;
	before[ID_GROUP] = (uint32_t)setfsgid(id_outside(r->users, ID_GROUP, gid));
	before[ID_USER] = (uint32_t)setfsuid(id_outside(r->users, ID_USER, uid));
	prctl(PR_SET_DUMPABLE, 1);
	return userns_raise_capabilities(err);
}

int userns_act_for(const struct restore *r, const struct ns_nested *owner, struct error *err)
{
	uint32_t uid, gid;
	if (!find_root(r, owner->id, &uid, &gid))
		return 0;
	prctl(PR_SET_SECUREBITS, 1 << SECURE_NO_SETUID_FIXUP);
	if (syscall(SYS_setresgid, -1, gid, -1) < 0 || syscall(SYS_setresuid, -1, uid, -1) < 0)
		return error_sys(err, "act as root of user namespace %u", owner->id);
	prctl(PR_SET_DUMPABLE, 1); /* the memory is the builder's */
	return 0;
}

static void fill_ids(const struct restore *r, const struct rtask *t, struct restorer_args *args)
{
	const struct chain inside = chain_of(r, ns_id_of(t->ids, NS_USER));
	const struct chain before = chain_of(r, t->users_at_birth);
	struct restorer_ids *first = &args->threads[0].creds.ids;
	bool enters = args->users_fd >= 0;
	for (uint32_t i = args->nr_threads; i-- > 0;) {
		struct restorer_creds *c = &args->threads[i].creds;
		c->has_ids = enters && are_same(&c->ids, first);
		if (!c->has_ids)
			turn_ids(&inside, &c->ids);
	}
	if (enters) /* the first: before it does */
		turn_ids(&before, first);
}

void userns_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args)
{
	args->users_fd = userns_nested_fd(r, t);
	if (args->users_fd < 0)
		return;
	if (ns_id_of(t->ids, NS_USER) == t->users_at_birth)
		args->users_fd = -1;
	for (uint32_t i = 0; i < args->nr_threads; i++)
		args->threads[i].sched_policy = -1; /* it may not, inside */
	fill_ids(r, t, args);
}

/* Inside, nobody may be able to. */
static int set_groups(const CredsEntry *c, const struct chain *own, struct error *err)
{
	size_t nr = c->n_groups;
	auto_free gid_t *want = calloc(nr + 1, sizeof(*want)), *now = calloc(nr + 1, sizeof(*now));
	if (!want || !now)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		want[i] = c->groups[i];
		turn_inside(own, ID_GROUP, &want[i]);
	}
	if (getgroups((int)nr + 1, now) == (int)nr && !memcmp(want, now, nr * sizeof(*now)))
		return 0;
	return syscall(SYS_setgroups, nr, want) < 0 ? error_sys(err, "set its groups") : 0;
}

bool userns_joins_at_birth(const struct restore *r, const struct rtask *t, enum ns_kind kind)
{
	uint32_t id = t->ids ? ns_id_of(t->ids, kind) : 0;
	bool nested = kind == NS_NET ? netns_is_nested(r, id) : ns_nested_find(r, kind, id) != NULL;
	return kind != NS_USER && kind != NS_PID && nested && t->users_at_birth &&
	       !userns_is_below(r, userns_owner_id(r, kind, id), t->users_at_birth);
}

static int join_before(const struct restore *r, const struct rtask *t, enum ns_kind kind,
		       struct error *err)
{
	uint32_t id = ns_id_of(t->ids, kind);
	auto_fd fd = kind == NS_NET ? netns_open(r, id, O_RDONLY, err)
				    : ns_nested_open(r, kind, id, O_RDONLY, err);
	if (fd < 0)
		return fd;
	return setns(fd, ns_rows[kind].flag) < 0
		   ? error_sys(err, "enter %s namespace %u", ns_rows[kind].name, id)
		   : 0;
}

int userns_enter_to_bear(const struct restore *r, const struct rtask *t, uint32_t own,
			 uint32_t users, struct error *err)
{
	const struct ns_nested *ns = ns_nested_find(r, NS_USER, users);
	const struct chain chain = chain_of(r, own);
	int rc = set_groups(t->cores[0]->thread_core->creds, &chain, err);
	for (int k = 0; rc == 0 && k < NS_KINDS; k++)
		if (userns_joins_at_birth(r, t, (enum ns_kind)k) &&
		    userns_is_below(
			r, userns_owner_id(r, (enum ns_kind)k, ns_id_of(t->ids, (enum ns_kind)k)),
			own))
			rc = join_before(r, t, (enum ns_kind)k, err);
	if (rc == 0 && setns(ns->fd, CLONE_NEWUSER) < 0)
		rc = error_sys(err, "enter user namespace %u", users);
	prctl(PR_SET_DUMPABLE, 1); /* it stays who it was, as it reads images */
	return rc;
}

static bool bears_any(const struct restore *r, uint32_t users)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i]->users_at_birth == users)
			return true;
	return false;
}

static _Noreturn void hold(const struct ns_nested *ns, pid_t coordinator)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setns(ns->fd, CLONE_NEWUSER) < 0) {
		log_error("user namespace %u: enter it, to bear tasks there: %s", ns->id,
			  strerror(errno));
		_exit(1);
	}
	prctl(PR_SET_DUMPABLE, 1);
	idle_while_child_of(coordinator);
}

/* It shares the table, so it has what is opened later as well. */
static int start_holder(struct restore *r, struct ns_nested *ns, struct error *err)
{
	struct clone_args ca = { .flags = CLONE_FILES | CLONE_PIDFD,
				 .exit_signal = SIGCHLD,
				 .pidfd = (uintptr_t)&ns->holder_fd };
	pid_t self = getpid();
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		hold(ns, self);
	if (pid < 0)
		return error_sys(err, "create a process%s", shortage_of_tasks(errno));
	ns->holder = pid;
	int kept = files_keep(r, ns->holder_fd, err);
	if (kept >= 0)
		ns->holder_fd = kept;
	return kept < 0 ? kept : 0;
}

int userns_start_holders(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->ns->nested.nr; i++) {
		struct ns_nested *ns = &r->ns->nested.items[i];
		if (ns->users && bears_any(r, ns->id))
			rc = start_holder(r, ns, err);
	}
	return rc;
}

void userns_end_holders(const struct restore *r)
{
	for (size_t i = 0; r->ns && i < r->ns->nested.nr; i++) {
		struct ns_nested *ns = &r->ns->nested.items[i];
		if (!ns->holder)
			continue;
		kill(ns->holder, SIGKILL);
		while (waitpid(ns->holder, NULL, 0) < 0 && errno == EINTR)
			;
		ns->holder = 0;
	}
}

int userns_holder_fd(const struct restore *r, const struct rtask *t)
{
	const struct ns_nested *ns =
	    t->users_at_birth ? ns_nested_find(r, NS_USER, t->users_at_birth) : NULL;
	return ns ? ns->holder_fd : r->holder_fd;
}
