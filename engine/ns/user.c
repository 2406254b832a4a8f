/* SPDX-License-Identifier: MIT
 * Maps of user and group ids, both directions.
 */
#include "engine/ns/user.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "engine/ns/user-held.h"
#include "engine/procfs/root.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

static const char *const map_names[ID_KINDS] = { "uid_map", "gid_map" };

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

int id_map_read(int proc, const char *name, struct id_map *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(proc, name, &text, err);
	if (rc == 0 && strbuf_char(&text, 0) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	return rc < 0 ? rc : id_map_parse(text.data, out, err);
}

int user_maps_read(int proc, struct user_maps *maps, struct error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < ID_KINDS; i++)
		rc = id_map_read(proc, map_names[i], &maps->kinds[i], err);
	return rc;
}

int user_groups_read(int proc, bool *kept, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(proc, "setgroups", &text, err);
	*kept = rc == 0 && text.len && text.data[0] == 'd'; /* "deny" */
	return rc;
}

int userns_collect(struct dump *d, struct error *err)
{
	if (!ns_is_apart(d, NS_USER))
		return 0;
	if (!ns_is_apart(d, NS_PID) || pidns_external(d))
		return error_set(err, ENOTSUP,
				 TASK_FMT " is in a user namespace, but in no pid namespace of its "
					  "own: a restore could not choose its pids; start it in "
					  "both (unshare --user --pid --fork)",
				 TASK_ARGS(d->tasks[0]));
	d->users = calloc(1, sizeof(*d->users));
	if (!d->users)
		return error_set(err, ENOMEM, "out of memory");
	int rc = user_maps_read(d->tasks[0]->proc_fd, d->users, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, TASK_ARGS(d->tasks[0]));
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		for (size_t k = 0; rc == 0 && k < d->tasks[i]->nr_threads; k++)
			if (d->tasks[i]->state != TASK_ZOMBIE)
				rc = turn_thread(d->users, d->tasks[i], &d->tasks[i]->threads[k],
						 err);
	return rc;
}

int userns_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	if (!ns->member)
		return user_held_dump(d, ns, err);
	auto_message UsernsEntry *e = message_new(&userns_entry__descriptor);
	const struct id_map *maps = d->users->kinds;
	int rc = e ? 0 : error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		rc = id_map_store(&maps[ID_USER], &e->uid_map, &e->n_uid_map, err);
	if (rc == 0)
		rc = id_map_store(&maps[ID_GROUP], &e->gid_map, &e->n_gid_map, err);
	return rc < 0 ? rc : image_write_one(d->images_fd, IMG_USERNS, ns->id, &e->base, err);
}

/* Restore. */

int userns_load(struct restore *r, uint32_t id, struct error *err)
{
	if (id != r->ns->ids[NS_USER])
		return user_held_load(r, id, err);
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_USERNS, id, &msg, err);
	if (rc < 0)
		return rc;
	const UsernsEntry *e = (const UsernsEntry *)msg;
	r->users = calloc(1, sizeof(*r->users));
	if (!r->users)
		return error_set(err, ENOMEM, "out of memory");
	rc = id_map_load(e->uid_map, e->n_uid_map, &r->users->kinds[ID_USER], err);
	if (rc == 0)
		rc = id_map_load(e->gid_map, e->n_gid_map, &r->users->kinds[ID_GROUP], err);
	if (rc < 0)
		return error_wrap(err, rc, "userns-%u.img", id);
	for (int i = 0; i < ID_KINDS; i++)
		if (id_inside(r->users, (enum id_kind)i, id_outside(r->users, (enum id_kind)i, 0)))
			return error_set(err, ENOTSUP,
					 "userns-%u.img: nobody is id 0 of the namespace: not "
					 "supported yet",
					 id);
	return 0;
}

int userns_write_maps(const struct restore *r, pid_t builder, struct error *err)
{
	int rc = 0;
	for (int k = 0; rc == 0 && k < ID_KINDS; k++)
		rc = id_map_write(&r->users->kinds[k], builder, map_names[k], err);
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
