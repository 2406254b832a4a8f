/* SPDX-License-Identifier: MIT
 * Which kernel objects tasks share: address space, descriptors, and the namespaces they are in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/array.h"
#include "engine/task/core.h"
#include "engine/task/message.h"
#include "engine/task/parts.h"
#include "images/reader.h"
#include "images/writer.h"

#define ROOT_OBJECT_ID 1 /* of the engine's own objects; those of tasks begin after it */

/* The numbers under which CRIU lists the namespaces it runs in itself. */
static const struct ns_kind {
	const char *name; /* in /proc/PID/ns */
	uint32_t root_id;
	size_t has, id; /* offsets in TaskKobjIdsEntry */
} ns_kinds[] = {
#define NS(name_, root_, field)                                                                    \
	{                                                                                          \
		.name = (name_), .root_id = (root_),                                               \
		.has = offsetof(TaskKobjIdsEntry, has_##field),                                    \
		.id = offsetof(TaskKobjIdsEntry, field),                                           \
	}
	NS("pid", 1, pid_ns_id),   NS("net", 2, net_ns_id),       NS("ipc", 3, ipc_ns_id),
	NS("uts", 4, uts_ns_id),   NS("time", 5, time_ns_id),     NS("mnt", 6, mnt_ns_id),
	NS("user", 7, user_ns_id), NS("cgroup", 8, cgroup_ns_id),
};

static void set_ns_id(TaskKobjIdsEntry *ids, const struct ns_kind *k)
{
	*(protobuf_c_boolean *)((char *)ids + k->has) = true;
	*(uint32_t *)((char *)ids + k->id) = k->root_id;
}

void task_root_ids(TaskKobjIdsEntry *ids)
{
	ids->vm_id = ids->files_id = ids->fs_id = ids->sighand_id = ROOT_OBJECT_ID;
	for (size_t i = 0; i < ARRAY_SIZE(ns_kinds); i++)
		set_ns_id(ids, &ns_kinds[i]);
}

static int check_same_ns(const struct task *t, const struct ns_kind *k, struct error *err)
{
	char path[32];
	struct stat own, its;
	snprintf(path, sizeof(path), "ns/%s", k->name);
	if (fstatat(t->proc_fd, path, &its, 0) < 0) {
		if (errno == ENOENT)
			return 0; /* the kernel has no such namespaces */
		return error_sys(err, "/proc/%d/%s", t->pid, path);
	}
	char own_path[48];
	snprintf(own_path, sizeof(own_path), "/proc/self/%s", path);
	if (stat(own_path, &own) < 0)
		return error_sys(err, "%s", own_path);
	if (own.st_dev == its.st_dev && own.st_ino == its.st_ino)
		return 0;
	return error_set(err, ENOTSUP, "task %d lives in another %s namespace: not supported yet",
			 t->pid, k->name);
}

int task_check_namespaces(const struct task *t, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(ns_kinds); i++)
		if (ns_kinds[i].has != offsetof(TaskKobjIdsEntry, has_time_ns_id)) /* ns/time.c */
			rc = check_same_ns(t, &ns_kinds[i], err);
	return rc;
}

static uint32_t object_id(struct dump *d, uint32_t *id)
{
	if (!*id) {
		if (d->next_object_id <= ROOT_OBJECT_ID)
			d->next_object_id = ROOT_OBJECT_ID + 1;
		*id = d->next_object_id++;
	}
	return *id;
}

int ids_dump(struct dump *d, struct task *t, struct error *err)
{
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	int rc = task_check_namespaces(t, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(ns_kinds); i++)
		set_ns_id(&ids, &ns_kinds[i]);
	if (d->time_ns_id)
		ids.time_ns_id = d->time_ns_id;
	ids.vm_id = object_id(d, &t->vm_id);
	ids.files_id = object_id(d, &t->files_id);
	ids.fs_id = object_id(d, &t->fs_id);
	ids.sighand_id = object_id(d, &t->sighand_id);
	return image_write_one(d->images_fd, IMG_IDS, (uint64_t)t->vpid, &ids.base, err);
}

/* CRIU keeps them beside the core image; a core image may carry them itself. */
int ids_load(struct restore *r, struct rtask *t, struct error *err)
{
	CoreEntry *core = t->cores[0];
	if (core->ids) {
		t->ids = core->ids;
		core->ids = NULL;
		return 0;
	}
	ProtobufCMessage *msg;
	int rc = image_read_one(r->images, IMG_IDS, (uint64_t)t->pid, &msg, err);
	if (rc < 0)
		return rc;
	t->ids = (TaskKobjIdsEntry *)msg;
	return 0;
}
