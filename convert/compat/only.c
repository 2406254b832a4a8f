/* SPDX-License-Identifier: MIT
 * One process alone: what it has open, mapped and under its feet.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/compat/check.h"
#include "images/vma-status.h"

static int file_add(struct compat *c, uint32_t id, struct error *err)
{
	uint32_t *slot = array_add(&c->files);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = id;
	return 0;
}

static int fds_add(struct compat *c, const struct process *p, struct error *err)
{
	auto_fd_list fds = { 0 };
	int rc = process_fds(c->cp, p, &fds, err);
	for (size_t i = 0; rc == 0 && i < fds.nr; i++)
		rc = file_add(c, fds.items[i]->id, err);
	return rc;
}

static int memory_add(struct compat *c, const struct process *p, struct error *err)
{
	auto_message MmEntry *mm = NULL;
	int rc = process_mm(c->cp, p, &mm, err);
	if (rc == 0)
		rc = file_add(c, mm->exe_file_id, err);
	for (size_t i = 0; rc == 0 && i < mm->n_vmas; i++) {
		const VmaEntry *vma = mm->vmas[i];
		if (vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED))
			rc = file_add(c, (uint32_t)vma->shmid, err);
	}
	return rc;
}

static int directories_add(struct compat *c, const struct process *p, struct error *err)
{
	auto_message FsEntry *fs = NULL;
	int rc = process_fs(c->cp, p, &fs, err);
	if (rc == 0)
		rc = file_add(c, fs->cwd_id, err);
	return rc < 0 ? rc : file_add(c, fs->root_id, err);
}

int compat_only_load(struct compat *c, struct error *err)
{
	static int (*const parts[])(struct compat * c, const struct process *p,
				    struct error *err) = { fds_add, memory_add, directories_add };
	const struct process *p = c->options->only;
	for (size_t i = 0; p && i < ARRAY_SIZE(parts); i++) {
		struct error why;
		int rc = parts[i](c, p, &why);
		if (rc < 0 && rc != -ENOENT) /* a zombie has none of them */
			return error_set(err, rc, "%s", why.text);
	}
	return 0;
}

bool compat_wants(const struct compat *c, const struct process *p)
{
	return !c->options->only || c->options->only == p;
}

bool compat_wants_file(const struct compat *c, uint32_t id)
{
	if (!c->options->only)
		return true;
	for (size_t i = 0; i < c->files.nr; i++) {
		if (c->files.items[i] == id)
			return true;
	}
	return false;
}
