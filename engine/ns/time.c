/* SPDX-License-Identifier: MIT
 * Time namespaces, both directions. The image has what the clocks said inside; on restore they go
 * on from there.
 */
#include "engine/ns/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/context/shortage.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

#define NSEC_PER_SEC INT64_C(1000000000)

/* The clocks a time namespace shifts, in the order of struct clocks. */
static const struct clock_kind {
	clockid_t id;
	const char *name; /* in timens_offsets */
} kinds[] = {
	{ CLOCK_MONOTONIC, "monotonic" },
	{ CLOCK_BOOTTIME, "boottime" },
};

struct clocks {
	int64_t ns[ARRAY_SIZE(kinds)];
};

static void read_clocks(struct clocks *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct timespec now;
		clock_gettime(kinds[i].id, &now);
		out->ns[i] = now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
	}
}

/* "monotonic  100 5": as of the namespace that children of the process are born into. */
static int read_offsets(int dir, struct clocks *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(dir, "timens_offsets", &text, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(kinds); i++) {
		const char *at = strstr(text.data, kinds[i].name);
		int64_t sec, nsec;
		if (!at ||
		    sscanf(at + strlen(kinds[i].name), "%" SCNd64 " %" SCNd64, &sec, &nsec) != 2)
			return error_set(err, EPROTO, "timens_offsets: no offset of %s",
					 kinds[i].name);
		out->ns[i] = sec * NSEC_PER_SEC + nsec;
	}
	return rc;
}

static bool is_of_others(const struct dump *d, const struct task *t, uint32_t id)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i] != t && d->tasks[i]->children_time == id)
			return true;
	return false;
}

/* Only unshare(2) makes such a one, so it is one task's. */
int timens_note_children(struct dump *d, struct task *t, ino_t ino, struct error *err)
{
	const struct ns_seen *ns = ns_find(d, NS_TIME, ino);
	int rc = ns ? 0 : ns_add_member(d, NS_TIME, ino, t, &ns, err);
	if (rc < 0)
		return rc;
	if (ns->own || ns->id == ns_id(d->tasks[0], NS_TIME) || is_of_others(d, t, ns->id))
		return error_set(err, ENOTSUP,
				 TASK_FMT " has a time namespace for its children that others "
					  "have, too: not supported; end it before the dump",
				 TASK_ARGS(t));
	t->children_time = ns->id;
	return 0;
}

static void put(Timespec *ts, int64_t ns)
{
	ts->tv_sec = (uint64_t)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (uint64_t)(ns % NSEC_PER_SEC);
}

static int write_clocks(const struct dump *d, const struct clocks *inside, uint32_t id,
			struct error *err)
{
	Timespec monotonic = TIMESPEC__INIT, boottime = TIMESPEC__INIT;
	TimensEntry e = TIMENS_ENTRY__INIT;
	put(&monotonic, inside->ns[0]);
	put(&boottime, inside->ns[1]);
	e.monotonic = &monotonic;
	e.boottime = &boottime;
	return image_write_one(d->images_fd, IMG_TIMENS, id, &e.base, err);
}

/* @param t  a task in it; @param apart  not in that of the engine */
static int dump_of_task(const struct dump *d, const struct task *t, uint32_t id, bool apart,
			struct error *err)
{
	struct clocks now, its = { { 0 } }, own = { { 0 } };
	if (apart) {
		auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
		int rc = read_offsets(t->proc_fd, &its, err);
		if (rc == 0)
			rc = read_offsets(self, &own, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	}
	read_clocks(&now);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		now.ns[i] += its.ns[i] - own.ns[i];
	return write_clocks(d, &now, id, err);
}

static _Noreturn void tell_clocks(int ns, int out)
{
	struct clocks now;
	if (setns(ns, CLONE_NEWTIME) < 0)
		_exit(errno);
	read_clocks(&now);
	_exit(write(out, &now, sizeof(now)) == sizeof(now) ? 0 : EIO);
}

/* Who shares its memory with another process, as one with threads, cannot enter one. */
static int dump_of_held(const struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct clocks inside;
	int ends[2], status = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	auto_fd in = ends[0], out = ends[1];
	pid_t pid = fork();
	if (pid == 0)
		tell_clocks(ns->fd, out);
	if (pid < 0)
		return error_sys(err, "create a process%s", shortage_of_tasks(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD,
				 "enter it to read its clocks: %s",
				 WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed");
	if (fd_read_full(in, &inside, sizeof(inside)) != sizeof(inside))
		return error_set(err, EIO, "its clocks were not told");
	return write_clocks(d, &inside, ns->id, err);
}

int timens_dump(struct dump *d, struct error *err)
{
	const struct task *root = d->tasks[0];
	bool apart = ns_is_apart(d, NS_TIME);
	return dump_of_task(d, root, apart ? ns_id(root, NS_TIME) : 0, apart, err);
}

int timens_dump_nested(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	bool root = ns->id == ns_id(d->tasks[0], NS_TIME); /* timens_dump() writes that */
	if (!ns->member)
		return dump_of_held(d, ns, err);
	return root ? 0 : dump_of_task(d, ns->member, ns->id, true, err);
}

/* Restore. */

static int get(const Timespec *ts, int64_t *ns, struct error *err)
{
	if (ts->tv_nsec >= (uint64_t)NSEC_PER_SEC ||
	    ts->tv_sec > (uint64_t)(INT64_MAX / NSEC_PER_SEC / 2))
		return error_set(err, EBADMSG, "%" PRIu64 ".%09" PRIu64 " is no time", ts->tv_sec,
				 ts->tv_nsec);
	*ns = (int64_t)ts->tv_sec * NSEC_PER_SEC + (int64_t)ts->tv_nsec;
	return 0;
}

/* Programs know that these clocks never go back. */
static bool is_behind(const struct restore *r)
{
	struct clocks now;
	read_clocks(&now);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (now.ns[i] < r->clocks[i])
			return true;
	return false;
}

static int read_clocks_of(const struct restore *r, uint32_t id, int64_t *clocks, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_TIMENS, id, &msg, err);
	if (rc < 0)
		return rc;
	const TimensEntry *e = (const TimensEntry *)msg;
	rc = get(e->monotonic, &clocks[0], err);
	if (rc == 0)
		rc = get(e->boottime, &clocks[1], err);
	return rc < 0 ? error_wrap(err, rc, "timens-%u.img", id) : 0;
}

int timens_load(struct restore *r, struct error *err)
{
	bool apart = ns_restores(r, NS_TIME);
	if (r->ns->given[NS_TIME] >= 0)
		return 0; /* --join-ns: its clocks are what they are */
	uint32_t id = apart ? r->ns->ids[NS_TIME] : 0;
	int rc = read_clocks_of(r, id, r->clocks, err);
	if (rc == -ENOENT && !apart)
		return 0; /* older CRIU wrote none */
	if (rc < 0)
		return rc;
	r->time_ns = apart || is_behind(r);
	return 0;
}

static int set_offsets(const int64_t *clocks, struct error *err)
{
	struct clocks now, own;
	char text[128];
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
	int rc = read_offsets(self, &own, err); /* a new one begins with those of the old */
	if (rc < 0)
		return rc;
	auto_fd fd = openat(self, "timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open timens_offsets");
	read_clocks(&now);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int64_t offset = clocks[i] - now.ns[i] + own.ns[i];
		int64_t sec = offset / NSEC_PER_SEC, nsec = offset % NSEC_PER_SEC;
		if (nsec < 0) {
			sec--;
			nsec += NSEC_PER_SEC;
		}
		int len = snprintf(text, sizeof(text), "%s %" PRId64 " %" PRId64 "\n",
				   kinds[i].name, sec, nsec);
		if (write(fd, text, (size_t)len) != len)
			return error_sys(err, "set the clock %s to what it was at the dump",
					 kinds[i].name);
	}
	return 0;
}

int timens_load_nested(struct restore *r, uint32_t id, struct error *err)
{
	struct clocks clocks;
	return read_clocks_of(r, id, clocks.ns, err);
}

/* It is that of this process's children. */
int timens_fill_nested(struct restore *r, uint32_t id, struct error *err)
{
	struct clocks clocks;
	int rc = read_clocks_of(r, id, clocks.ns, err);
	return rc < 0 ? rc : set_offsets(clocks.ns, err);
}

int timens_make_children(const struct restore *r, const struct rtask *t, struct error *err)
{
	struct clocks clocks;
	if (!t->ids || !t->ids->has_children_time_ns_id)
		return 0;
	int own = ns_nested_fd(r, NS_TIME, ns_id_of(t->ids, NS_TIME));
	int rc = read_clocks_of(r, t->ids->children_time_ns_id, clocks.ns, err);
	if (rc == 0 && own >= 0 && setns(own, CLONE_NEWTIME) < 0)
		rc = error_sys(err, "enter its time namespace");
	if (rc == 0 && unshare(CLONE_NEWTIME) < 0)
		rc = error_sys(err, "make a time namespace for its children");
	if (rc == 0)
		rc = set_offsets(clocks.ns, err);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t)) : 0;
}

static int join(struct ns_set *set, struct error *err)
{
	set->time_back = procfs_open("self/ns/time", O_RDONLY);
	if (set->time_back < 0 || setns(set->given[NS_TIME], CLONE_NEWTIME) < 0)
		return error_sys(err, "--join-ns: enter the time namespace");
	return 0;
}

int timens_enter(struct restore *r, struct error *err)
{
	if (r->ns->given[NS_TIME] >= 0)
		return join(r->ns, err);
	if (!r->time_ns)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return error_sys(err, "make a time namespace (needs CAP_SYS_ADMIN)");
	log_info("the tree gets a time namespace");
	return set_offsets(r->clocks, err);
}

void timens_leave(struct restore *r)
{
	if (!r->time_ns && r->ns->time_back < 0)
		return;
	/* what is made for children only leaves ours in place */
	auto_fd fd = r->time_ns ? procfs_open("self/ns/time", O_RDONLY) : take_fd(r->ns->time_back);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		log_warn("leave the time namespace of the tree: %s", strerror(errno));
}
