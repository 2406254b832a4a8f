/* SPDX-License-Identifier: MIT
 * Pid namespaces inside of that of the root, both directions. Births make them: tree/birth.c.
 */
#include "engine/ns/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pid-limit.h"
#include "engine/files/external.h"
#include "engine/ns/held.h"
#include "engine/ns/join.h"
#include "engine/ns/limits.h"
#include "engine/ns/real-ids.h"
#include "engine/ns/set.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

#define JOINED "--join-ns pid"

_Static_assert(RESTORER_TIDS == PROC_PID_LEVELS, "what is loaded is what births have room for");

/* How many there are from the root's down to its own. */
static size_t depth_of(const struct task *t)
{
	int below = t->status.ns_pid_depth - 1 - t->pid_level;
	return below > 0 ? (size_t)below : 0;
}

/* Each is in the one around it, up to the root's. */
static int collect_levels(struct dump *d, struct task *t, struct error *err)
{
	auto_fd fd = ns_open(t, NS_PID, err);
	if (fd < 0)
		return fd;
	for (size_t i = depth_of(t); i-- > 0;) {
		struct stat st;
		if (fstat(fd, &st) < 0)
			return error_sys(err, "stat a pid namespace");
		const struct ns_seen *seen = ns_find(d, NS_PID, st.st_ino);
		if (!seen)
			return error_set(err, ENOTSUP,
					 "it is in a pid namespace in which no task of the tree "
					 "is pid 1: dump them together");
		t->pid_ns[i] = seen->id;
		int up = i ? ioctl(fd, NS_GET_PARENT) : -1;
		if (i && up < 0)
			return error_sys(err, "find the pid namespace around another");
		close(fd);
		fd = up;
	}
	return 0;
}

/* Everybody there is dead: the task alone makes it again, inside of its own. */
static int hold_children_ns(struct dump *d, const struct task *t, ino_t own, uint32_t *out,
			    struct error *err)
{
	struct stat st;
	auto_fd fd = openat(t->proc_fd, "ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	auto_fd around = fd < 0 ? -1 : ioctl(fd, NS_GET_PARENT);
	if (around < 0 || fstat(around, &st) < 0)
		return error_sys(err, "look at the pid namespace its children would be born into");
	if (st.st_ino != own)
		return error_set(err, ENOTSUP,
				 "its children would be born into a pid namespace that no task of "
				 "the tree is in, and that is not directly inside of its own: not "
				 "supported; dump when it has gone back");
	char what[64];
	snprintf(what, sizeof(what), "/proc/%d/ns/pid_for_children", t->pid);
	return ns_held(d, NS_PID, fd, what, out, err);
}

int pidns_note_children(struct dump *d, struct task *t, ino_t own, ino_t ino, struct error *err)
{
	const struct ns_seen *seen = ino ? ns_find(d, NS_PID, ino) : NULL;
	t->children_apart = true;
	t->children_ns = seen ? seen->id : 0;
	int rc = ino && !seen ? hold_children_ns(d, t, own, &t->children_ns, err) : 0;
	if (seen && !seen->member)
		rc =
		    error_set(err, ENOTSUP,
			      "its children would be born into pid:[%lu], as those of another "
			      "task, where everybody is dead: not supported; dump when it has gone "
			      "back",
			      (unsigned long)ino);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, TASK_ARGS(t)) : 0;
}

static bool has_init(const struct dump *d, uint32_t ns)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		size_t depth = depth_of(t);
		if (depth && t->pid_ns[depth - 1] == ns &&
		    t->status.pids[t->status.ns_pid_depth - 1] == 1)
			return true;
	}
	return false;
}

static int check_inits(const struct dump *d, struct error *err)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		for (size_t k = 0; k < depth_of(t); k++)
			if (!has_init(d, t->pid_ns[k]))
				return error_set(err, ENOTSUP,
						 TASK_FMT
						 " is in a pid namespace whose pid 1 is not "
						 "in the tree: dump them together",
						 TASK_ARGS(t));
	}
	return 0;
}

static const char *label_of(const struct dump *d, const struct ns_seen *ns)
{
	char ino[32];
	snprintf(ino, sizeof(ino), "%lu", (unsigned long)ns->ino);
	return external_value(d->opts, "pid", ino);
}

const char *pidns_external(const struct dump *d)
{
	const struct ns_seen *ns = ns_find_id(d, NS_PID, ns_id(d->tasks[0], NS_PID));
	return ns ? label_of(d, ns) : NULL;
}

/* One goes with its pid 1; and it is made by who bears that. */
static int check_external(const struct dump *d, struct error *err)
{
	const struct task *root = d->tasks[0];
	for (size_t i = 0; i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		bool first = ns->id != ns_id(root, NS_PID) || root->vpid == 1;
		if (ns->kind == NS_PID && first && label_of(d, ns))
			return error_set(
			    err, EINVAL,
			    "--external pid[%lu]: its pid 1 is in the tree, so it cannot "
			    "stay outside: leave the option out",
			    (unsigned long)ns->ino);
	}
	return 0;
}

static int check_root(const struct dump *d, struct error *err)
{
	const struct task *root = d->tasks[0];
	const struct ns_seen *ns = ns_find_id(d, NS_PID, ns_id(root, NS_PID));
	if (root->vpid == 1 || !ns || ns->own || label_of(d, ns))
		return 0;
	return error_set(err, ENOTSUP,
			 TASK_FMT " is pid %d of its pid namespace: dump the whole namespace, from "
				  "its pid 1, or leave it outside: --external pid[%lu]:NAME",
			 TASK_ARGS(root), root->vpid, (unsigned long)ns->ino);
}

static bool is_of_tree(const struct dump *d, pid_t pid)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->pid == pid)
			return true;
	return false;
}

static void warn_outsider(pid_t pid)
{
	char path[32];
	struct proc_stat stat;
	snprintf(path, sizeof(path), "%d/stat", pid);
	if (proc_stat_read(procfs_fd(), path, &stat, NULL) == 0 && stat.state != 'Z')
		log_warn(TASK_FMT " is in the pid namespace of the tree, but not below its root: "
				  "it is left out, and a restore does not bring it back",
			 pid, stat.comm);
}

/* Who has entered it from outside (nsenter, podman exec --detach) is nobody's child there. */
static void warn_outsiders(const struct dump *d)
{
	char path[32];
	struct stat own, other;
	struct proc_ids all = { 0 };
	if (fstatat(d->tasks[0]->proc_fd, "ns/pid", &own, 0) < 0 ||
	    proc_ids_of_dir(procfs_fd(), ".", &all, NULL) < 0)
		return;
	for (size_t i = 0; i < all.nr; i++) {
		snprintf(path, sizeof(path), "%d/ns/pid", all.items[i]);
		if (fstatat(procfs_fd(), path, &other, 0) == 0 && other.st_ino == own.st_ino &&
		    other.st_dev == own.st_dev && !is_of_tree(d, all.items[i]))
			warn_outsider(all.items[i]);
	}
	free(all.items);
}

int pidns_collect(struct dump *d, struct error *err)
{
	int rc = check_root(d, err);
	if (rc == 0)
		rc = check_external(d, err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++) {
		struct task *t = d->tasks[i];
		if (depth_of(t))
			rc = collect_levels(d, t, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	}
	if (rc == 0)
		rc = check_inits(d, err);
	if (rc == 0 && ns_is_apart(d, NS_PID) && !pidns_external(d))
		warn_outsiders(d);
	return rc;
}

int pidns_dump_limits(const struct dump *d, const struct ns_seen *ns, struct error *err)
{
	PidnsEntry e = PIDNS_ENTRY__INIT;
	bool roots = ns->id == ns_id(d->tasks[0], NS_PID);
	e.ext_key = roots ? (char *)(uintptr_t)pidns_external(d) : NULL;
	e.pid_max = e.ext_key ? 0 : limits_pids_read(ns);
	e.has_pid_max = e.pid_max != 0;
	return e.ext_key || e.has_pid_max
		   ? image_write_one(d->images_fd, IMG_PIDNS, ns->id, &e.base, err)
		   : 0;
}

static int dump_level(const struct task *t, size_t i, PstreeLevel *level)
{
	size_t at = (size_t)t->pid_level + 1 + i;
	level->ns_id = t->pid_ns[i];
	level->pgid = (uint32_t)t->status.pgids[at];
	level->sid = (uint32_t)t->status.sids[at];
	level->threads = calloc(t->nr_threads, sizeof(*level->threads));
	if (!level->threads)
		return -ENOMEM;
	level->n_threads = t->nr_threads;
	for (size_t k = 0; k < t->nr_threads; k++)
		level->threads[k] = (uint32_t)t->threads[k].status.pids[at];
	/* of a zombie, nobody has read its thread's */
	level->threads[0] = (uint32_t)t->status.pids[at];
	return 0;
}

int pidns_dump(const struct task *t, PstreeEntry *e, struct error *err)
{
	size_t depth = depth_of(t);
	e->has_children_ns = t->children_apart;
	e->children_ns = t->children_ns;
	if (!depth)
		return 0;
	e->levels = calloc(depth, sizeof(PstreeLevel *));
	for (size_t i = 0; e->levels && i < depth; i++) {
		PstreeLevel *level = malloc(sizeof(*level));
		if (!level)
			break;
		pstree_level__init(level);
		e->levels[e->n_levels++] = level;
		if (dump_level(t, i, level) < 0)
			break;
	}
	bool whole = e->n_levels == depth && e->levels[depth - 1]->threads;
	return whole ? 0 : error_set(err, ENOMEM, "out of memory");
}

void pidns_free_levels(PstreeEntry *e)
{
	for (size_t i = 0; i < e->n_levels; i++) {
		free(e->levels[i]->threads);
		free(e->levels[i]);
	}
	free(e->levels);
}

/* Restore. */

/* Only these can be entered. */
static int check_below_own(int fd, ino_t own, const char *said, struct error *err)
{
	struct stat st;
	int up = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	while (up >= 0 && fstat(up, &st) == 0 && st.st_ino != own) {
		int next = ioctl(up, NS_GET_PARENT);
		close(up);
		up = next;
	}
	bool below = up >= 0;
	fd_close(up);
	return below ? 0
		     : error_set(err, EINVAL,
				 "%s is not inside of the pid namespace of this program: restore "
				 "from there, or from further outside",
				 said);
}

/* @param said  by the options. @return 1; 0: it is this program's own */
static int check_place(int fd, const char *said, struct error *err)
{
	struct stat st, own;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWPID || fstat(fd, &st) < 0)
		return error_set(err, EINVAL, "%s is no pid namespace", said);
	if (fstatat(procfs_fd(), "self/ns/pid", &own, 0) < 0)
		return error_sys(err, "stat /proc/self/ns/pid");
	int rc = st.st_ino == own.st_ino ? 0 : check_below_own(fd, own.st_ino, said, err);
	return rc < 0 ? rc : st.st_ino != own.st_ino;
}

/* @param fd  set to the caller's; -1: it is this program's own */
static int find_given(const struct restore *r, const char *label, int *fd, struct error *err)
{
	char said[128];
	int given = inherit_find(r->opts, label);
	if (given < 0)
		return error_set(err, EINVAL,
				 "the pid namespace was left out as %s: give one with --inherit-fd "
				 "fd[N]:%s",
				 label, label);
	snprintf(said, sizeof(said), "--inherit-fd fd[%d]:%.80s", given, label);
	int rc = check_place(given, said, err);
	*fd = rc > 0 ? given : -1;
	return rc < 0 ? rc : 0;
}

/* @param fd  as above. @return 1; 0: it was not left outside */
static int read_given(const struct restore *r, uint32_t id, int *fd, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_PIDNS, id, &msg, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	const PidnsEntry *e = (const PidnsEntry *)msg;
	if (!e->ext_key)
		return 0;
	rc = find_given(r, e->ext_key, fd, err);
	return rc < 0 ? rc : 1;
}

static int load_pid_max(struct restore *r, uint32_t id, uint32_t *pid_max, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_PIDNS, id, &msg, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	*pid_max = ((const PidnsEntry *)msg)->pid_max;
	rc = limits_pids_check(*pid_max, err);
	return rc < 0 ? error_wrap(err, rc, "pidns-%u.img", id) : 0;
}

int pidns_load_given(struct restore *r, uint32_t id, struct error *err)
{
	int fd = -1, rc = load_pid_max(r, id, &r->root->pid_max, err);
	if (rc == 0)
		rc = read_given(r, id, &fd, err);
	if (rc <= 0 || fd < 0)
		return rc;
	if (r->root->pid == 1)
		return error_set(
		    err, EINVAL,
		    "the pid namespace was left out, but pid 1 is in the tree: the one "
		    "given has its own; dump it again without --external pid");
	r->ns->ids[NS_PID] = id;
	rc = ns_give(r, NS_PID, fd, err);
	return rc < 0 ? rc : 1;
}

int pidns_said(const struct restore *r, uint32_t id, int *fd, struct error *err)
{
	auto_fd joined = -1;
	int given = -1, rc = ns_join_open(r->opts, NS_PID, &joined, err);
	*fd = -1;
	if (rc == 0 && id)
		rc = read_given(r, id, &given, err);
	else if (rc > 0 && (rc = check_place(joined, JOINED, err)) >= 0) {
		*fd = rc > 0 ? take_fd(joined) : -1;
		return 1;
	}
	if (rc <= 0 || given < 0)
		return rc;
	*fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? error_sys(err, "duplicate fd %d", given) : 1;
}

int pidns_join(struct restore *r, struct error *err)
{
	int rc = check_place(r->ns->given[NS_PID], JOINED, err);
	if (rc > 0 && r->root->pid == 1)
		return error_set(err, EINVAL,
				 JOINED ": pid 1 is in the tree, and that namespace has its "
					"own: leave the option out");
	if (rc == 0) {
		r->ns->ids[NS_PID] = 0;
		fd_close(r->ns->given[NS_PID]);
		r->ns->given[NS_PID] = -1;
	}
	return rc < 0 ? rc : 0;
}

bool pidns_is_new(const struct restore *r)
{
	return ns_restores(r, NS_PID) && r->ns->given[NS_PID] < 0;
}

int pidns_load_max(struct restore *r, struct rtask *t, struct error *err)
{
	return t->nr_levels && rtask_own_tid(t, 0) == 1
		   ? load_pid_max(r, t->levels[t->nr_levels - 1].ns, &t->pid_max, err)
		   : 0;
}

void pidns_set_max(const struct restore *r, const struct rtask *self)
{
	/* else it was lowered below who was there, and they could not be born */
	if (ids_largest(r, self) < self->pid_max)
		limits_pids_set(self->pid_max);
}

int pidns_visit_given(const struct restore *r, struct ns_visit *visit, struct error *err)
{
	return ns_visit_if(r->ns->given[NS_PID], NS_PID, visit, err);
}

static bool is_called(int process, ino_t ns, pid_t pid)
{
	char path[32];
	struct stat st;
	struct proc_status status;
	snprintf(path, sizeof(path), "%d/ns/pid", process);
	if (fstatat(procfs_fd(), path, &st, 0) < 0 || st.st_ino != ns)
		return false;
	snprintf(path, sizeof(path), "%d/status", process);
	if (proc_status_read(procfs_fd(), path, &status, NULL) < 0)
		return false;
	bool is = status.pids[status.ns_pid_depth - 1] == pid;
	proc_status_fini(&status);
	return is;
}

pid_t pidns_find(int pidns, pid_t pid)
{
	struct stat st;
	struct proc_ids all = { 0 };
	pid_t found = 0;
	if (fstat(pidns, &st) < 0 || proc_ids_of_dir(procfs_fd(), ".", &all, NULL) < 0)
		return 0;
	for (size_t i = 0; i < all.nr && !found; i++)
		if (is_called(all.items[i], st.st_ino, pid))
			found = all.items[i];
	free(all.items);
	return found;
}

pid_t pidns_taken_by(const struct restore *r, pid_t pid)
{
	if (!ns_restores(r, NS_PID))
		return pid;
	return pidns_is_new(r) ? 0 : pidns_find(r->ns->given[NS_PID], pid);
}

static int load_level(struct rtask *t, const PstreeLevel *from, struct error *err)
{
	struct pid_level *to = &t->levels[t->nr_levels];
	if (!from->ns_id || from->n_threads != t->nr_threads || from->pgid >= PID_LIMIT ||
	    from->sid >= PID_LIMIT)
		return error_set(err, EBADMSG, "pid %d: levels[%zu] makes no sense", t->pid,
				 t->nr_levels);
	for (size_t i = 0; i < from->n_threads; i++)
		if (!from->threads[i] || from->threads[i] >= PID_LIMIT)
			return error_set(err, EBADMSG, "pid %d: levels[%zu]: thread id %u", t->pid,
					 t->nr_levels, from->threads[i]);
	to->ns = from->ns_id;
	to->pgid = (pid_t)from->pgid;
	to->sid = (pid_t)from->sid;
	to->tids = calloc(from->n_threads, sizeof(*to->tids));
	if (!to->tids)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(to->tids, from->threads, from->n_threads * sizeof(*to->tids));
	t->nr_levels++;
	return 0;
}

int pidns_load(struct rtask *t, const PstreeEntry *e, struct error *err)
{
	t->children_apart = e->has_children_ns;
	t->children_ns = e->children_ns;
	if (!e->n_levels)
		return 0;
	if (e->n_levels >= PROC_PID_LEVELS || e->threads[0] != e->pid)
		return error_set(err, EBADMSG, "pid %u: levels of pid namespaces make no sense",
				 e->pid);
	t->levels = calloc(e->n_levels, sizeof(*t->levels));
	if (!t->levels)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->n_levels; i++)
		rc = load_level(t, e->levels[i], err);
	return rc;
}

void pidns_unload(struct rtask *t)
{
	for (size_t i = 0; i < t->nr_levels; i++)
		free(t->levels[i].tids);
	free(t->levels);
}

const struct rtask *pidns_init(const struct restore *r, uint32_t ns)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (t->nr_levels && t->levels[t->nr_levels - 1].ns == ns &&
		    rtask_own_tid(t, 0) == 1)
			return t;
	}
	return NULL;
}

pid_t pidns_group(const struct restore *r, const struct rtask *viewer, pid_t pgid)
{
	size_t depth = viewer->nr_levels;
	if (!depth)
		return pgid;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (t->pgid == pgid && t->nr_levels >= depth &&
		    t->levels[depth - 1].ns == viewer->levels[depth - 1].ns)
			return t->levels[depth - 1].pgid;
	}
	return 0;
}
