/* SPDX-License-Identifier: MIT
 * The table of namespaces, and their numbers, both directions.
 */
#include "engine/ns/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/net/nft.h"
#include "engine/net/ns.h"
#include "engine/ns/cgroup-ns.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/ipc.h"
#include "engine/ns/join.h"
#include "engine/ns/mnt-held.h"
#include "engine/ns/mnt.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "engine/ns/time.h"
#include "engine/ns/user.h"
#include "engine/ns/uts.h"
#include "engine/procfs/root.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif

#define IDS(field)                                                                                 \
	.has = offsetof(TaskKobjIdsEntry, has_##field), .id = offsetof(TaskKobjIdsEntry, field)

const struct ns_row ns_rows[NS_KINDS] = {
	[NS_PID] = { .name = "pid",
		     .flag = CLONE_NEWPID,
		     IDS(pid_ns_id),
		     .nested = true,
		     .below_own = true,
		     .owned = true,
		     .held = true,
		     .own_too = true,
		     .dump = pid_held_dump,
		     .join = pidns_join },
	[NS_NET] = { .name = "net",
		     .flag = CLONE_NEWNET,
		     IDS(net_ns_id),
		     .nested = true,
		     .below_own = true,
		     .owned = true,
		     .inside = true,
		     .preload = nft_preload,
		     .collect = netns_collect,
		     .dump = netns_dump,
		     .load = netns_load,
		     .prepare = netns_prepare,
		     .fill = netns_fill },
	[NS_IPC] = { .name = "ipc",
		     .flag = CLONE_NEWIPC,
		     IDS(ipc_ns_id),
		     .nested = true,
		     .below_own = true,
		     .owned = true,
		     .alone = true,
		     .held = true,
		     .inside = true,
		     .dump = ipc_dump,
		     .load = ipc_load,
		     .fill = ipc_fill,
		     .finish = ipc_finish },
	[NS_UTS] = { .name = "uts",
		     .flag = CLONE_NEWUTS,
		     IDS(uts_ns_id),
		     .nested = true,
		     .below_own = true,
		     .owned = true,
		     .alone = true,
		     .held = true,
		     .inside = true,
		     .dump = uts_dump,
		     .load = uts_load,
		     .fill = uts_fill },
	[NS_TIME] = { .name = "time",
		      .flag = CLONE_NEWTIME,
		      IDS(time_ns_id),
		      .nested = true,
		      .below_own = true,
		      .owned = true,
		      .alone = true,
		      .held = true,
		      .fresh = "time_for_children",
		      .dump = timens_dump_nested,
		      .load = timens_load_nested,
		      .fill = timens_fill_nested },
	[NS_MNT] = { .name = "mnt",
		     .flag = CLONE_NEWNS,
		     IDS(mnt_ns_id),
		     .nested = true,
		     .owned = true,
		     .join = mntns_join,
		     .collect = mntns_collect,
		     .dump = mntns_dump,
		     .load = mntns_load,
		     .fill = mntns_fill },
	[NS_USER] = { .name = "user",
		      .flag = CLONE_NEWUSER,
		      IDS(user_ns_id),
		      .nested = true,
		      .below_own = true,
		      .alone = true,
		      .held = true,
		      .make_fd = userns_make_nested,
		      .collect = userns_collect_nested,
		      .join = userns_join,
		      .dump = userns_dump,
		      .load = userns_load,
		      .finish = userns_finish },
	[NS_CGROUP] = { .name = "cgroup",
			.flag = CLONE_NEWCGROUP,
			IDS(cgroup_ns_id),
			.nested = true,
			.below_own = true,
			.owned = true,
			.alone = true,
			.held = true,
			.make = cgroups_unshare_nested,
			.collect = cgroup_ns_collect },
};

enum ns_kind ns_kind_of(uint32_t flag)
{
	int kind = 0;
	while (kind < NS_KINDS && (uint32_t)ns_rows[kind].flag != flag)
		kind++;
	return (enum ns_kind)kind;
}

static void set_id(TaskKobjIdsEntry *ids, enum ns_kind kind, uint32_t id)
{
	*(protobuf_c_boolean *)((char *)ids + ns_rows[kind].has) = true;
	*(uint32_t *)((char *)ids + ns_rows[kind].id) = id;
}

void ns_own_ids(TaskKobjIdsEntry *ids)
{
	for (int i = 0; i < NS_KINDS; i++)
		set_id(ids, (enum ns_kind)i, ns_own_id((enum ns_kind)i));
}

void ns_task_ids(const struct task *t, TaskKobjIdsEntry *ids)
{
	for (int i = 0; i < NS_KINDS; i++)
		set_id(ids, (enum ns_kind)i, t->ns_ids[i]);
	ids->has_children_time_ns_id = t->children_time != 0;
	ids->children_time_ns_id = t->children_time;
}

void ns_table_free(struct ns_table *table)
{
	for (size_t i = 0; table && i < table->nr; i++) {
		fd_close(table->items[i].fd);
		user_maps_free(table->items[i].users);
	}
	if (table)
		free(table->items);
	free(table);
}

/* By "net:[4026531840]", which costs less to ask for than what stat(2) tells. @return 1, 0 when
 * this kernel has no such namespaces; -errno */
static int inode_at(int dir, const char *path, ino_t *ino, struct error *err)
{
	char name[32];
	unsigned long number;
	ssize_t len = readlinkat(dir, path, name, sizeof(name) - 1);
	if (len < 0)
		return errno == ENOENT ? 0 : error_sys(err, "read link %s of a process", path);
	name[len] = 0;
	const char *at = strchr(name, '[');
	if (!at || sscanf(at, "[%lu]", &number) != 1)
		return error_set(err, EPROTO, "link %s of a process leads to %s", path, name);
	*ino = number;
	return 1;
}

static int inode_of(int dir, const char *kind, ino_t *ino, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "ns/%s", kind);
	return inode_at(dir, path, ino, err);
}

void ns_preload(const struct dump *d)
{
	char path[16];
	ino_t own, tree;
	snprintf(path, sizeof(path), "%d", d->opts->pid);
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd root = procfs_open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (const struct ns_row *row = ns_rows; row < ns_rows + NS_KINDS; row++)
		if (row->preload && inode_of(self, row->name, &own, NULL) > 0 &&
		    inode_of(root, row->name, &tree, NULL) > 0 && own != tree)
			row->preload();
}

static int check_new(struct dump *d, const struct task *t, enum ns_kind kind, bool is_own,
		     struct error *err)
{
	const struct ns_row *row = &ns_rows[kind];
	const struct task *root = d->tasks[0];
	/* one that is nested is made together with that of the root */
	bool apart = row->below_own || ns_is_apart(d, kind);
	if (t != root && (!row->nested || is_own || !apart))
		return error_set(err, ENOTSUP,
				 TASK_FMT " lives in another %s namespace than " TASK_FMT
					  ": not supported yet; dump them apart",
				 TASK_ARGS(t), row->name, TASK_ARGS(root));
	return 0;
}

const struct ns_seen *ns_find(const struct dump *d, enum ns_kind kind, ino_t ino)
{
	for (size_t i = 0; d->ns && i < d->ns->nr; i++)
		if (d->ns->items[i].kind == kind && d->ns->items[i].ino == ino)
			return &d->ns->items[i];
	return NULL;
}

const struct ns_seen *ns_find_id(const struct dump *d, enum ns_kind kind, uint32_t id)
{
	for (size_t i = 0; d->ns && i < d->ns->nr; i++)
		if (d->ns->items[i].kind == kind && d->ns->items[i].id == id)
			return &d->ns->items[i];
	return NULL;
}

static int add(struct dump *d, const struct ns_seen *wanted, const struct ns_seen **out,
	       struct error *err)
{
	struct ns_seen *seen = array_add(d->ns);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = *wanted;
	seen->own = seen->ino == d->ns->own[seen->kind];
	seen->id = seen->own ? ns_own_id(seen->kind) : d->next_object_id++;
	*out = seen;
	return 0;
}

int ns_add_held(struct dump *d, enum ns_kind kind, int fd, const struct ns_seen **out,
		struct error *err)
{
	struct stat st;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0 || fstat(copy, &st) < 0)
		return error_sys(err, "duplicate the descriptor of a namespace");
	struct ns_seen seen = { .kind = kind, .ino = st.st_ino, .fd = copy };
	int rc = userns_note_owner(d, &seen, err);
	if (rc == 0)
		rc = add(d, &seen, out, err);
	if (rc < 0)
		close(copy);
	return rc;
}

void ns_note_holder(const struct dump *d, const struct ns_seen *ns, const char *what)
{
	struct ns_seen *seen = &d->ns->items[ns - d->ns->items];
	snprintf(seen->holder, sizeof(seen->holder), "%s", what);
}

int ns_add_member(struct dump *d, enum ns_kind kind, ino_t ino, const struct task *member,
		  const struct ns_seen **out, struct error *err)
{
	const struct ns_seen seen = { .kind = kind, .ino = ino, .member = member, .fd = -1 };
	return add(d, &seen, out, err);
}

/* Of each task; 0: this kernel has no such namespaces, or there is nothing to tell. */
struct inodes {
	ino_t of[NS_KINDS], children_time, children_pid;
};

struct read_inodes {
	const struct dump *d;
	struct inodes *items;
};

static int read_some(void *ctx, size_t from, size_t to, struct error *err)
{
	const struct read_inodes *all = ctx;
	for (size_t i = from; i < to; i++) {
		const struct task *t = all->d->tasks[i];
		struct inodes *in = &all->items[i];
		bool zombie = t->state == TASK_ZOMBIE;
		int rc = 0;
		for (int k = 0; rc >= 0 && k < NS_KINDS; k++)
			if (!zombie || k == NS_PID) /* what a zombie still has */
				rc = inode_of(t->proc_fd, ns_rows[k].name, &in->of[k], err);
		if (rc >= 0 && !zombie)
			rc = inode_of(t->proc_fd, "time_for_children", &in->children_time, err);
		if (rc >= 0 && !zombie)
			rc = inode_of(t->proc_fd, "pid_for_children", &in->children_pid, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	}
	return 0;
}

static int note(struct dump *d, struct task *t, enum ns_kind kind, ino_t ino, struct error *err)
{
	const struct ns_seen *seen;
	int rc = 0;
	t->ns_ids[kind] = ns_own_id(kind);
	if (!ino)
		return 0;
	if ((seen = ns_find(d, kind, ino))) {
		t->ns_ids[kind] = seen->id;
		return 0;
	}
	bool is_own = ino == d->ns->own[kind];
	bool differs = t != d->tasks[0] && (!is_own || ns_is_apart(d, kind));
	const struct ns_seen wanted = { .kind = kind, .ino = ino, .member = t, .fd = -1 };
	rc = !is_own || differs ? check_new(d, t, kind, is_own, err) : 0;
	if (rc == 0)
		rc = add(d, &wanted, &seen, err);
	if (rc == 0)
		t->ns_ids[kind] = seen->id;
	return rc;
}

int ns_open(const struct task *t, enum ns_kind kind, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "ns/%s", ns_rows[kind].name);
	int fd = openat(t->proc_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open /proc/%d/%s", t->pid, path) : fd;
}

int ns_seen_open(const struct ns_seen *ns, struct error *err)
{
	if (ns->member)
		return ns_open(ns->member, ns->kind, err);
	int fd = fcntl(ns->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? error_sys(err, "duplicate the descriptor of a namespace") : fd;
}

const char *ns_seen_holder(const struct ns_seen *ns, char *out, size_t len)
{
	if (ns->member)
		snprintf(out, len, TASK_FMT, TASK_ARGS(ns->member));
	else if (*ns->holder)
		snprintf(out, len, "%s", ns->holder);
	else
		snprintf(out, len, "a descriptor leads to namespace %lu", (unsigned long)ns->ino);
	return out;
}

void ns_dump_end(struct dump *d)
{
	struct error err;
	for (size_t i = 0; d->ns && i < ARRAY_SIZE(d->ns->stays); i++) {
		struct ns_visit *stay = &d->ns->stays[i];
		if (stay->row && ns_visit_end(stay, &err) < 0)
			log_warn("%s", err.text);
		stay->row = NULL;
	}
}

int ns_dump_begin(struct dump *d, struct error *err)
{
	static const enum ns_kind kinds[] = { NS_IPC, NS_NET };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(kinds); i++)
		if (ns_is_apart(d, kinds[i]))
			rc = ns_visit_begin(d->tasks[0], kinds[i], &d->ns->stays[i], err);
	d->ns->net_here = ns_id(d->tasks[0], NS_NET);
	return rc;
}

/* What a thread can leave alone: setns(2) and unshare(2) refuse others where there are threads. */
static const struct thread_ns {
	const char *name; /* in /proc/PID/ns, of a thread */
	const char *of_task;
	unsigned get; /* ioctl of a pidfd, since Linux 6.11; older headers do not name it */
	const char *apart;
} of_threads[] = {
#define OF_MOUNTS 0
	{ "mnt", "mnt", _IO(0xff, 3), "is in another mnt namespace" },
	{ "net", "net", _IO(0xff, 4), "is in another net namespace" },
	{ "uts", "uts", _IO(0xff, 10), "is in another uts namespace" },
	{ "ipc", "ipc", _IO(0xff, 2), "is in another ipc namespace" },
	{ "cgroup", "cgroup", _IO(0xff, 1), "is in another cgroup namespace" },
	{ "pid_for_children", "pid", _IO(0xff, 6),
	  "bears children into another pid namespace, and there are other threads" },
};

/* Through its pidfd, as the kernel keeps what was once looked up in /proc until the thread ends,
 * and then has to drop it. */
static int thread_inode(const struct task *t, pid_t tid, int pidfd, const struct thread_ns *ns,
			ino_t *ino, struct error *err)
{
	char path[64];
	struct stat st;
	auto_fd fd = pidfd < 0 ? -1 : ioctl(pidfd, ns->get, 0);
	*ino = 0;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		*ino = st.st_ino;
		return 0;
	}
	snprintf(path, sizeof(path), "task/%d/ns/%s", tid, ns->name);
	return inode_at(t->proc_fd, path, ino, err);
}

static int check_thread(const struct task *t, pid_t tid, const ino_t *of_task, struct error *err)
{
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	for (size_t k = 0; k < ARRAY_SIZE(of_threads); k++) {
		ino_t ino;
		/* all share directories with the first, so they are in the same mounts: share.c */
		if (!of_task[k] || (k == OF_MOUNTS && t->fs_id))
			continue;
		int rc = thread_inode(t, tid, pidfd, &of_threads[k], &ino, err);
		if (rc < 0)
			return rc;
		if (ino != of_task[k])
			return error_set(err, EBUSY,
					 "its thread %d %s: not supported; dump when it has gone "
					 "back",
					 tid, of_threads[k].apart);
	}
	return 0;
}

/* A thread may leave its task's: runtimes of Go do so for a moment, and some programs stay away. */
static int check_threads(const struct task *t, struct error *err)
{
	ino_t of_task[ARRAY_SIZE(of_threads)] = { 0 };
	int rc = 0;
	for (size_t k = 0; rc >= 0 && k < ARRAY_SIZE(of_threads); k++)
		rc = inode_of(t->proc_fd, of_threads[k].of_task, &of_task[k], err);
	for (size_t i = 0; rc >= 0 && i < t->nr_threads; i++)
		rc = check_thread(t, t->threads[i].tid, of_task, err);
	return rc < 0 ? rc : 0;
}

int ns_check_threads(const struct dump *d, struct error *err)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		int rc = t->nr_threads > 1 ? check_threads(t, err) : 0;
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	}
	return 0;
}

static int note_all(struct dump *d, struct error *err)
{
	size_t nr = d->nr_tasks;
	auto_free struct inodes *inodes = calloc(nr, sizeof(*inodes));
	struct read_inodes all = { d, inodes };
	if (!inodes)
		return error_set(err, ENOMEM, "out of memory");
	int rc = run_halves(read_some, &all, nr, nr >= TASKS_PAY, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		struct task *t = d->tasks[i];
		for (int k = 0; rc == 0 && k < NS_KINDS; k++)
			if (t->state != TASK_ZOMBIE || k == NS_PID)
				rc = note(d, t, (enum ns_kind)k, inodes[i].of[k], err);
		if (rc == 0 && inodes[i].children_time != inodes[i].of[NS_TIME])
			rc = timens_note_children(d, t, inodes[i].children_time, err);
	}
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		struct task *t = d->tasks[i];
		bool alone = t->state != TASK_ZOMBIE && t->nr_threads == 1; /* else: of_threads */
		if (alone && inodes[i].children_pid != inodes[i].of[NS_PID])
			rc = pidns_note_children(d, t, inodes[i].of[NS_PID], inodes[i].children_pid,
						 err);
	}
	return rc;
}

int ns_collect(struct dump *d, struct error *err)
{
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
	int rc = self < 0 ? error_sys(err, "open /proc/self") : 0;
	d->ns = calloc(1, sizeof(*d->ns));
	if (!d->ns)
		return error_set(err, ENOMEM, "out of memory");
	for (int i = 0; rc >= 0 && i < NS_KINDS; i++)
		rc = inode_of(self, ns_rows[i].name, &d->ns->own[i], err);
	if (rc < 0)
		return rc;
	rc = note_all(d, err);
	if (rc == 0)
		rc = pidns_collect(d, err);
	if (rc == 0)
		rc = mnt_held_find(d, err);
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		if (!ns->own && ns_rows[ns->kind].collect)
			rc = ns_rows[ns->kind].collect(d, ns, err);
	}
	if (rc == 0)
		rc = mntns_settle(d, err);
	return rc;
}

int ns_visit_fd(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err)
{
	const struct ns_row *row = &ns_rows[kind];
	char path[32];
	snprintf(path, sizeof(path), "self/ns/%s", row->name);
	auto_fd back = procfs_open(path, O_RDONLY);
	if (back < 0)
		return error_sys(err, "open /proc/%s", path);
	if (setns(fd, row->flag) < 0)
		return error_sys(err, "enter a %s namespace (needs CAP_SYS_ADMIN)", row->name);
	*visit = (struct ns_visit){ .back = take_fd(back), .row = row };
	return 0;
}

int ns_visit_if(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err)
{
	*visit = (struct ns_visit){ .back = -1 };
	return fd < 0 ? 0 : ns_visit_fd(fd, kind, visit, err);
}

int ns_visit_begin(const struct task *t, enum ns_kind kind, struct ns_visit *visit,
		   struct error *err)
{
	auto_fd there = ns_open(t, kind, err);
	int rc = there < 0 ? there : ns_visit_fd(there, kind, visit, err);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, TASK_ARGS(t)) : 0;
}

int ns_visit_seen(const struct ns_seen *ns, struct ns_visit *visit, struct error *err)
{
	auto_fd there = ns_seen_open(ns, err);
	return there < 0 ? there : ns_visit_fd(there, ns->kind, visit, err);
}

int ns_visit_end(struct ns_visit *visit, struct error *err)
{
	int rc = 0;
	if (!visit->row)
		return 0;
	if (setns(visit->back, visit->row->flag) < 0)
		rc = error_sys(err, "leave the %s namespace of a task", visit->row->name);
	close(visit->back);
	return rc;
}

static int dump_inside(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = ns_rows[ns->kind].dump(d, ns, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int ns_dump(struct dump *d, struct error *err)
{
	int rc = 0;
	char holder[96];
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		const struct ns_row *row = &ns_rows[ns->kind];
		if (ns->own && ns->kind == NS_IPC)
			ipc_warn_of_undo(d);
		if (!row->dump || (ns->own && !row->own_too))
			continue;
		rc = row->inside ? dump_inside(d, ns, err) : row->dump(d, ns, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s: %s namespace",
					  ns_seen_holder(ns, holder, sizeof(holder)), row->name);
	}
	return rc;
}

static int enter_mounts(int there, struct ns_mount_place *back, struct error *err)
{
	int rc = there < 0 ? there : ns_place_enter(there, back, err);
	fd_close(there);
	return rc;
}

int ns_mount_enter(const struct task *t, struct ns_mount_place *back, struct error *err)
{
	*back = (struct ns_mount_place){ .ns = -1, .root = -1, .cwd = -1 };
	return ns_id(t, NS_MNT) == ns_own_id(NS_MNT)
		   ? 0
		   : enter_mounts(ns_open(t, NS_MNT, err), back, err);
}

int ns_mount_enter_seen(const struct ns_seen *ns, struct ns_mount_place *back, struct error *err)
{
	*back = (struct ns_mount_place){ .ns = -1, .root = -1, .cwd = -1 };
	return ns->own ? 0 : enter_mounts(ns_seen_open(ns, err), back, err);
}

int ns_mount_leave(struct ns_mount_place *back, struct error *err)
{
	return back->ns < 0 ? 0 : ns_place_leave(back, err);
}

/* Restore. */

uint32_t ns_id_of(const TaskKobjIdsEntry *ids, enum ns_kind kind)
{
	const struct ns_row *row = &ns_rows[kind];
	bool has = *(const protobuf_c_boolean *)((const char *)ids + row->has);
	return has ? *(const uint32_t *)((const char *)ids + row->id) : 0;
}

const struct rtask *ns_inhabitant(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (rtask_is_living(t) && t->ids && ns_id_of(t->ids, kind) == id)
			return t;
	}
	return NULL;
}

static int check_task(const struct restore *r, const struct rtask *t, enum ns_kind kind,
		      uint32_t root_id, struct error *err)
{
	uint32_t id = t->ids ? ns_id_of(t->ids, kind) : 0;
	if (!rtask_is_living(t) || !id || id == root_id || ns_rows[kind].nested)
		return 0;
	return error_set(err, ENOTSUP,
			 TASK_FMT " lived in another %s namespace than " TASK_FMT
				  ": not supported yet",
			 RTASK_ARGS(t), ns_rows[kind].name, RTASK_ARGS(r->root));
}

static int load_kind(struct restore *r, enum ns_kind kind, struct error *err)
{
	const struct ns_row *row = &ns_rows[kind];
	uint32_t root_id = r->root->ids ? ns_id_of(r->root->ids, kind) : 0;
	uint32_t dumper = r->dumper_ids[kind];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = check_task(r, r->tasks[i], kind, root_id, err);
	if (rc == 0)
		rc = ns_join_open(r->opts, kind, &r->ns->given[kind], err);
	if (rc > 0) {
		r->ns->ids[kind] = root_id ? root_id : ns_own_id(kind);
		return row->join ? row->join(r, err) : 0;
	}
	if (rc == 0 && kind == NS_PID && root_id)
		rc = pidns_load_given(r, root_id, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!root_id || !dumper || root_id == dumper)
		return 0;
	if (kind == NS_PID && r->root->pid != 1)
		return error_set(err, EBADMSG,
				 "pstree.img: the root of a pid namespace has pid %d, want 1",
				 r->root->pid);
	if (kind == NS_USER && !pidns_is_new(r)) { /* inside, its pids could not be chosen */
		r->ns->users_late = true;
		return 0;
	}
	r->ns->ids[kind] = root_id;
	return row->load ? row->load(r, root_id, err) : 0;
}

int ns_give(struct restore *r, enum ns_kind kind, int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_sys(err, "duplicate fd %d", fd);
	r->ns->given[kind] = copy;
	return 0;
}

int ns_load(struct restore *r, struct error *err)
{
	r->ns = ns_set_new();
	if (!r->ns)
		return error_set(err, ENOMEM, "out of memory");
	int rc = ns_join_check(r->opts, err);
	for (int i = 0; rc == 0 && i < NS_KINDS; i++)
		rc = load_kind(r, (enum ns_kind)i, err);
	return rc;
}
