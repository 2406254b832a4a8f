/* SPDX-License-Identifier: MIT
 * Mount namespaces that are only held: found among the descriptors of tasks, and then as those that
 * tasks are in. Restored, they are made with these, and nobody enters them.
 */
#include "engine/ns/mnt-held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/ns/held.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/read.h"

static int look_at(struct dump *d, const struct task *t, int dir, int number, struct error *err)
{
	char name[16], link[32], what[64];
	unsigned long ino;
	const struct ns_seen *added;
	snprintf(name, sizeof(name), "%d", number);
	ssize_t len = readlinkat(dir, name, link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	if (sscanf(link, "mnt:[%lu]", &ino) != 1 || ns_find(d, NS_MNT, ino))
		return 0;
	snprintf(what, sizeof(what), TASK_FMT ": fd %d", TASK_ARGS(t), number);
	auto_fd fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "%s: open it again", what);
	int rc = ns_held_check(d, NS_MNT, fd, what, err);
	if (rc == 0)
		rc = ns_add_held(d, NS_MNT, fd, &added, err);
	if (rc == 0)
		ns_note_holder(d, added, what);
	return rc;
}

static int look_through(struct dump *d, const struct task *t, struct error *err)
{
	struct proc_ids numbers = { 0 };
	auto_fd dir = openat(t->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "open /proc/%d/fd", t->pid);
	int rc = proc_ids_of_dir(dir, ".", &numbers, err);
	for (size_t i = 0; rc == 0 && i < numbers.nr; i++)
		rc = look_at(d, t, dir, numbers.items[i], err);
	free(numbers.items);
	return rc;
}

int mnt_held_find(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && ns_is_apart(d, NS_MNT) && i < d->nr_tasks; i++)
		rc = d->tasks[i]->state == TASK_ZOMBIE ? 0 : look_through(d, d->tasks[i], err);
	return rc;
}

int mnt_held_note(const struct dump *d, MntEntry *e, struct error *err)
{
	e->held = calloc(d->ns->nr, sizeof(*e->held));
	if (!e->held)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < d->ns->nr; i++)
		if (d->ns->items[i].kind == NS_MNT && !d->ns->items[i].member)
			e->held[e->n_held++] = d->ns->items[i].id;
	return 0;
}

int mnt_held_check(const struct restore *r, uint32_t id, struct error *err)
{
	if (ns_inhabitant(r, NS_MNT, id) || mntns_is_nested(r, id))
		return 0;
	return r->mounts ? error_set(err, EBADMSG,
				     "no task is in it, and none of its mounts is in "
				     "the images")
			 : error_set(err, EINVAL,
				     "no task is in it, and the mounts of the tree are not made "
				     "again (--join-ns mnt)");
}
