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
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
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

/* @return 1: the same; 0: not; -errno: the kernel has none, or the task is gone */
static int is_same(int dir_a, const char *a, int dir_b, const char *b)
{
	struct stat x, y;
	if (fstatat(dir_a, a, &x, 0) < 0 || fstatat(dir_b, b, &y, 0) < 0)
		return -errno;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_task(const struct task *root, const struct task *t, struct error *err)
{
	int same = is_same(root->proc_fd, "ns/time", t->proc_fd, "ns/time");
	if (same == 0)
		return error_set(err, ENOTSUP,
				 "pid %d (%s) lives in another time namespace than pid %d: not "
				 "supported yet; dump them apart",
				 t->pid, t->stat.comm, root->pid);
	if (same > 0)
		same = is_same(t->proc_fd, "ns/time", t->proc_fd, "ns/time_for_children");
	if (same == 0)
		return error_set(err, ENOTSUP,
				 "pid %d (%s) has a time namespace for its children that it is not "
				 "in itself: not supported yet; end it before it calls unshare",
				 t->pid, t->stat.comm);
	return same < 0 ? error_code(err, same, "/proc/%d/ns/time", t->pid) : 0;
}

int timens_collect(struct dump *d, struct error *err)
{
	auto_fd self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct task *root = d->tasks[0];
	int same = self < 0 ? -errno : is_same(self, "ns/time", root->proc_fd, "ns/time");
	if (same == -ENOENT)
		return 0; /* Linux before 5.6, or without CONFIG_TIME_NS */
	if (same < 0)
		return error_code(err, same, "/proc/%d/ns/time", root->pid);
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		int rc = t->proc_fd < 0 || t->state == TASK_ZOMBIE ? 0 : check_task(root, t, err);
		if (rc < 0)
			return rc;
	}
	if (!same)
		d->time_ns_id = d->next_object_id++;
	return 0;
}

static void put(Timespec *ts, int64_t ns)
{
	ts->tv_sec = (uint64_t)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (uint64_t)(ns % NSEC_PER_SEC);
}

int timens_dump(struct dump *d, struct error *err)
{
	struct clocks now, its = { { 0 } }, own = { { 0 } };
	Timespec monotonic = TIMESPEC__INIT, boottime = TIMESPEC__INIT;
	TimensEntry e = TIMENS_ENTRY__INIT;
	if (d->time_ns_id) {
		auto_fd self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int rc = read_offsets(d->tasks[0]->proc_fd, &its, err);
		if (rc == 0)
			rc = read_offsets(self, &own, err);
		if (rc < 0)
			return error_wrap(err, rc, "pid %d", d->tasks[0]->pid);
	}
	read_clocks(&now);
	put(&monotonic, now.ns[0] + its.ns[0] - own.ns[0]);
	put(&boottime, now.ns[1] + its.ns[1] - own.ns[1]);
	e.monotonic = &monotonic;
	e.boottime = &boottime;
	return image_write_one(d->images_fd, IMG_TIMENS, d->time_ns_id, &e.base, err);
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

static int check_ids(const struct restore *r, uint32_t *id, struct error *err)
{
	const struct rtask *first = r->root;
	*id = first->ids && first->ids->has_time_ns_id ? first->ids->time_ns_id : 0;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (rtask_is_living(t) && t->ids && t->ids->has_time_ns_id &&
		    t->ids->time_ns_id != *id)
			return error_set(err, ENOTSUP,
					 "pid %d lived in another time namespace than pid %d: not "
					 "supported yet",
					 t->pid, first->pid);
	}
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

int timens_load(struct restore *r, struct error *err)
{
	uint32_t id;
	auto_message ProtobufCMessage *msg = NULL;
	int rc = check_ids(r, &id, err);
	if (rc < 0)
		return rc;
	bool apart = id && id != r->dumper_time_ns_id;
	rc = image_read_one(r->images, IMG_TIMENS, apart ? id : 0, &msg, err);
	if (rc == -ENOENT && !apart)
		return 0; /* older CRIU wrote none */
	if (rc < 0)
		return rc;
	const TimensEntry *e = (const TimensEntry *)msg;
	rc = get(e->monotonic, &r->clocks[0], err);
	if (rc == 0)
		rc = get(e->boottime, &r->clocks[1], err);
	if (rc < 0)
		return error_wrap(err, rc, "timens-%u.img", apart ? id : 0);
	r->time_ns = apart || is_behind(r);
	return 0;
}

static int set_offsets(struct restore *r, struct error *err)
{
	struct clocks now, own;
	char text[128];
	auto_fd self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = read_offsets(self, &own, err); /* a new one begins with those of the old */
	if (rc < 0)
		return rc;
	auto_fd fd = openat(self, "timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open timens_offsets");
	read_clocks(&now);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int64_t offset = r->clocks[i] - now.ns[i] + own.ns[i];
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

int timens_enter(struct restore *r, struct error *err)
{
	if (!r->time_ns)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return error_sys(err, "make a time namespace (needs CAP_SYS_ADMIN)");
	log_info("the tree gets a time namespace");
	return set_offsets(r, err);
}

void timens_leave(struct restore *r)
{
	if (!r->time_ns)
		return;
	auto_fd fd = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		log_warn("leave the time namespace of the tree: %s", strerror(errno));
}
