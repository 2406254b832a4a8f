/* SPDX-License-Identifier: MIT
 * Children that have of files what fork(2) gives them.
 */
#include "engine/files/file.h"
#include "engine/files/set.h"

static bool same_dirs(const struct fs_row *a, const struct fs_row *b)
{
	return a && b && a->cwd_id == b->cwd_id && a->root_id == b->root_id &&
	       a->has_umask == b->has_umask && a->umask == b->umask;
}

static bool same_rows(const struct fd_rows *a, const struct fd_rows *b)
{
	if (!a || !b || a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (a->items[i].fd != b->items[i].fd || a->items[i].id != b->items[i].id ||
		    a->items[i].flags != b->items[i].flags)
			return false;
	return true;
}

static bool has_lock(const struct file_set *set, pid_t pid)
{
	for (size_t i = 0; i < set->locks.nr; i++)
		if (set->locks.items[i].pid == pid)
			return true;
	return false;
}

bool files_any_live(const struct restore *r)
{
	for (size_t i = 0; i < r->files->nr_items; i++)
		if (r->files->items[i].live)
			return true;
	return false;
}

bool files_are_parents(const struct restore *r, const struct rtask *t, const struct rtask *parent)
{
	struct file_set *set = r->files;
	return same_rows(file_set_rows(set, t->ids->files_id),
			 file_set_rows(set, parent->ids->files_id)) &&
	       same_dirs(file_set_fs(set, t->pid), file_set_fs(set, parent->pid)) &&
	       !has_lock(set, t->pid);
}
