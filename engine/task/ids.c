/* SPDX-License-Identifier: MIT
 * Which kernel objects tasks share: address space, descriptors, and the namespaces they are in.
 */
#include "engine/ns/ns.h"
#include "engine/task/core.h"
#include "engine/task/parts.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"

#define ROOT_OBJECT_ID 1 /* of the engine's own objects; those of tasks begin after it */

void task_root_ids(TaskKobjIdsEntry *ids)
{
	ids->vm_id = ids->files_id = ids->fs_id = ids->sighand_id = ROOT_OBJECT_ID;
	ns_own_ids(ids);
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
	ns_task_ids(t, &ids);
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
	int rc = image_read_pooled(r->images, IMG_IDS, (uint64_t)t->pid, t->messages, &msg, err);
	if (rc < 0)
		return rc;
	t->ids = (TaskKobjIdsEntry *)msg;
	return 0;
}
