/* SPDX-License-Identifier: MIT
 * Maps of user and group ids, both directions.
 */
#include "engine/ns/user.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/ns/aside.h"
#include "engine/ns/limits.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "namespaces.pb-c.h"

static const char *const map_names[ID_MAPS] = {
	[ID_USER] = "uid_map",
	[ID_GROUP] = "gid_map",
	[ID_PROJECT] = "projid_map",
};

static int turn(const struct task *t, const struct user_maps *maps, enum id_kind kind, uint32_t *id,
		struct error *err)
{
	uint32_t outside = *id;
	*id = id_inside(maps, kind, outside);
	if (id_outside(maps, kind, *id) == outside)
		return 0;
	return error_set(err, ENOTSUP,
			 "pid %d (%s) has the %s id %u, which its user namespace does not map: it "
			 "could not be set again",
			 t->pid, t->stat.comm, kind == ID_USER ? "user" : "group", outside);
}

static int turn_thread(const struct user_maps *maps, const struct task *t, struct thread *th,
		       struct error *err)
{
	struct proc_status *st = &th->status;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(st->uids); i++)
		rc = turn(t, maps, ID_USER, &st->uids[i], err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(st->gids); i++)
		rc = turn(t, maps, ID_GROUP, &st->gids[i], err);
	for (size_t i = 0; rc == 0 && i < st->nr_groups; i++)
		rc = turn(t, maps, ID_GROUP, &st->groups[i], err);
	return rc;
}

static int id_map_read(int proc, const char *name, struct id_map *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(proc, name, &text, err);
	if (rc == 0 && strbuf_char(&text, 0) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	return rc < 0 ? rc : id_map_parse(text.data, out, err);
}

/* May nobody inside call setgroups(2)? */
static int user_groups_read(int proc, bool *kept, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(proc, "setgroups", &text, err);
	*kept = rc == 0 && text.len && text.data[0] == 'd'; /* "deny" */
	return rc;
}

/* Of a process, as this one sees them. @param proc  its directory in /proc */
static int user_maps_read(int proc, struct user_maps *maps, struct error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < ID_MAPS; i++)
		rc = id_map_read(proc, map_names[i], &maps->kinds[i], err);
	return rc < 0 ? rc : user_groups_read(proc, &maps->keeps_groups, err);
}

int user_owner_read(int ns, uint32_t *owner, struct error *err)
{
	uid_t uid;
	if (ioctl(ns, NS_GET_OWNER_UID, &uid) < 0)
		return error_sys(err, "ask who owns a user namespace");
	*owner = uid;
	return 0;
}

struct look {
	int ns;
	struct user_maps *maps;
};

static int look_inside(void *ctx, struct error *err)
{
	const struct look *look = ctx;
	if (setns(look->ns, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace (needs CAP_SYS_ADMIN in it)");
	prctl(PR_SET_DUMPABLE, 1); /* the memory is that of this program */
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
	if (self < 0)
		return error_sys(err, "open /proc/self");
	return user_maps_read(self, look->maps, err);
}

int user_maps_look(int ns, struct user_maps *maps, struct error *err)
{
	struct look look = { ns, maps };
	return ns_aside(look_inside, &look, err);
}

bool groups_are_same(const struct proc_status *a, const struct proc_status *b)
{
	return a->nr_groups == b->nr_groups &&
	       (!a->nr_groups || !memcmp(a->groups, b->groups, a->nr_groups * sizeof(*a->groups)));
}

/* Who comes in later brings its own along. */
static bool all_have_groups(const struct dump *d, const struct thread *as)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		for (size_t k = 0; k < d->tasks[i]->nr_threads; k++)
			if (d->tasks[i]->state != TASK_ZOMBIE &&
			    !groups_are_same(&d->tasks[i]->threads[k].status, &as->status))
				return false;
	return true;
}

/* That of the root, and what credentials are in it. */
static int collect_apart(struct dump *d, struct error *err)
{
	d->users = calloc(1, sizeof(*d->users));
	if (!d->users)
		return error_set(err, ENOMEM, "out of memory");
	auto_fd fd = ns_open(d->tasks[0], NS_USER, err);
	int rc = fd < 0 ? fd : user_maps_read(d->tasks[0]->proc_fd, d->users, err);
	if (rc == 0)
		rc = user_owner_read(fd, &d->users->owner, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, TASK_ARGS(d->tasks[0]));
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		for (size_t k = 0; rc == 0 && k < d->tasks[i]->nr_threads; k++)
			if (d->tasks[i]->state != TASK_ZOMBIE)
				rc = turn_thread(d->users, d->tasks[i], &d->tasks[i]->threads[k],
						 err);
	if (rc == 0 && d->users->keeps_groups && !all_have_groups(d, &d->tasks[0]->threads[0])) {
		log_warn(TASK_FMT ": its user namespace denies setgroups(2), but tasks in it have "
				  "different groups: restored, it will not deny it",
			 TASK_ARGS(d->tasks[0]));
		d->users->keeps_groups = false;
	}
	return rc;
}

uint32_t userns_home(const struct dump *d)
{
	bool whole = ns_is_apart(d, NS_PID) && !pidns_external(d);
	return whole ? ns_id(d->tasks[0], NS_USER) : ns_own_id(NS_USER);
}

int userns_collect(struct dump *d, struct error *err)
{
	int rc = userns_home(d) != ns_own_id(NS_USER) ? collect_apart(d, err) : 0;
	return rc < 0 ? rc : userns_check_nested(d, err);
}

/* Restore. */

static int id_map_write(const struct id_map *map, pid_t member, const char *name, struct error *err)
{
	char path[32];
	auto_strbuf text = { 0 };
	for (size_t i = 0; i < map->nr; i++)
		if (strbuf_printf(&text, "%u %u %u\n", map->items[i].inside, map->items[i].outside,
				  map->items[i].count) < 0)
			return error_set(err, ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%d/%s", member, name);
	auto_fd fd = procfs_open(path, O_WRONLY);
	int rc = fd < 0 ? -errno : fd_write_full(fd, text.data, text.len);
	return rc < 0 ? error_code(err, rc, "set the %s of the user namespace (%s)", name,
				   text.data ? text.data : "")
		      : 0;
}

static int deny_groups(pid_t member, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "%d/setgroups", member);
	auto_fd fd = procfs_open(path, O_WRONLY);
	int rc = fd < 0 ? -errno : fd_write_full(fd, "deny", 4);
	return rc < 0 ? error_code(err, rc, "have the user namespace deny setgroups(2)") : 0;
}

int userns_finish(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_USERNS, id, &msg, err);
	return rc < 0 ? rc : limits_user_set((const UsernsEntry *)msg, r->opts->weak_sysctls, err);
}

int userns_write_maps(const struct user_maps *maps, pid_t member, struct error *err)
{
	int rc = maps->keeps_groups ? deny_groups(member, err) : 0;
	for (int i = 0; rc == 0 && i < ID_MAPS; i++)
		rc = maps->kinds[i].nr ? id_map_write(&maps->kinds[i], member, map_names[i], err)
				       : 0;
	return rc;
}

int userns_become_root(const struct user_maps *maps, struct error *err)
{
	uint32_t uid = maps->root[ID_USER], gid = maps->root[ID_GROUP];
	if ((!maps->keeps_groups && syscall(SYS_setgroups, 0, NULL) < 0) ||
	    syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
		return error_sys(err, "become root of the user namespace");
	prctl(PR_SET_DUMPABLE, 1); /* else its files in /proc are those of root outside */
	return 0;
}

/* Another file system id than root's takes the capabilities on files away. */
int userns_raise_capabilities(struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &head, data) < 0)
		return error_sys(err, "capget");
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &head, data) < 0 ? error_sys(err, "capset") : 0;
}

int userns_files_as_root(const struct user_maps *maps, uint32_t before[ID_KINDS], struct error *err)
{
	before[ID_USER] = before[ID_GROUP] = UINT32_MAX;
	if (!maps || setfsuid((uid_t)-1) != 0)
		return 0; /* what a user does stays that user's */
	before[ID_GROUP] = (uint32_t)setfsgid(id_outside(maps, ID_GROUP, maps->root[ID_GROUP]));
	before[ID_USER] = (uint32_t)setfsuid(id_outside(maps, ID_USER, maps->root[ID_USER]));
	prctl(PR_SET_DUMPABLE, 1);
	return userns_raise_capabilities(err);
}

void userns_files_as(uint32_t before[ID_KINDS])
{
	if (before[ID_USER] == UINT32_MAX)
		return;
	setfsuid(before[ID_USER]);
	setfsgid(before[ID_GROUP]);
	prctl(PR_SET_DUMPABLE, 1);
	before[ID_USER] = UINT32_MAX;
}
