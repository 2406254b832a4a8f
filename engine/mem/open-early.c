/* SPDX-License-Identifier: MIT
 * Mapped files that a task could not open itself.
 */
#include <fcntl.h>

#include "engine/files/file.h"
#include "engine/mem/mem.h"
#include "engine/ns/mnt.h"
#include "images/vma-status.h"

static int open_all_of(struct restore *r, const struct rtask *t, struct error *err)
{
	int fd = files_get_mapped(r, t->mm->exe_file_id, O_RDONLY, err);
	for (size_t i = 0; fd >= 0 && i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if ((v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) &&
		    !files_waits(r, (uint32_t)v->shmid))
			fd = mem_file_of(r, v, err);
	}
	return fd < 0 ? error_wrap(err, fd, TASK_FMT, RTASK_ARGS(t)) : 0;
}

int mem_open_for_users(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->mounts && i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (rtask_is_living(t) && t->users_at_birth &&
		    mntns_is_nested(r, ns_id_of(t->ids, NS_MNT)))
			rc = open_all_of(r, t, err);
	}
	return rc;
}
