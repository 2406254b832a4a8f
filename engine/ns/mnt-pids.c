/* SPDX-License-Identifier: MIT
 * A proc file system shows the pid namespace of who mounted it, and has pid 1 of that, or nobody
 * when all are dead.
 */
#include "engine/ns/mnt-pids.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-content.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid.h"
#include "engine/procfs/root.h"

#define OF_THE_DEAD 0 /* mnt_entry.pid_ns: of one whose tasks are dead, nobody tells them apart */

static int read_one(const struct dump *d, const struct mnt_source *s, int users, struct error *err)
{
	struct stat st;
	auto_fd dir = mnt_source_open(d->mounts, s, users, err);
	if (dir < 0)
		return dir;
	bool dead = fstatat(dir, "1", &st, 0) < 0 && errno == ENOENT;
	if (!dead && fstatat(dir, "1/ns/pid", &st, 0) < 0)
		return 0;
	const struct ns_seen *seen = dead ? NULL : ns_find(d, NS_PID, st.st_ino);
	s->of->e->has_pid_ns = dead || (seen && seen->id != ns_id(d->tasks[0], NS_PID));
	s->of->e->pid_ns = s->of->e->has_pid_ns && !dead ? seen->id : OF_THE_DEAD;
	return 0;
}

int mnt_pids_read(const struct dump *d, uint32_t ns, int users, struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < d->mounts->sources.nr; i++) {
		const struct mnt_source *s = d->mounts->sources.items[i];
		if (s->kind != MNT_FROM_NEW || s->of->ns != ns || s->of->fs->code != FSTYPE__PROC)
			continue;
		int rc = read_one(d, s, users, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(s->of, name));
	}
	return 0;
}

/* Restore. */

int mnt_pids_load(struct restore *r, struct error *err)
{
	char name[MNT_NAME_MAX];
	const struct mnt_tree *tree = r->mounts;
	for (size_t i = 0; i < tree->nr; i++) {
		const MntEntry *e = tree->items[i]->e;
		if (e->has_pid_ns && e->pid_ns != OF_THE_DEAD && !pidns_init(r, e->pid_ns))
			return error_set(err, EBADMSG, "%s: no task is pid 1 of pid namespace %u",
					 mnt_name(tree->items[i], name), e->pid_ns);
	}
	void *inits = mmap(NULL, (tree->sources.nr + 1) * sizeof(int), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inits == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	r->mounts->inits = inits;
	return 0;
}

void mnt_pids_tell(struct restore *r)
{
	const struct mnt_tree *tree = r->mounts;
	for (size_t i = 0; tree && i < tree->sources.nr; i++) {
		const MntEntry *e = tree->sources.items[i]->of->e;
		if (e->has_pid_ns && e->pid_ns != OF_THE_DEAD)
			tree->inits[i] = r->shared->slots[pidns_init(r, e->pid_ns)->slot].real;
	}
}

static int init_of(const struct mnt_tree *tree, const struct mnt_source *s)
{
	size_t i = 0;
	while (tree->sources.items[i] != s)
		i++;
	return tree->inits[i];
}

struct visit {
	int (*visit)(void *ctx, struct error *err);
	void *ctx;
};

/* By a pid 1 that ends. */
static int among_dead(void *ctx, struct error *err)
{
	const struct visit *v = ctx;
	return unshare(CLONE_NEWPID) < 0 ? error_sys(err, "make a pid namespace")
					 : ns_aside(v->visit, v->ctx, err);
}

int mnt_pids_aside(const struct mnt_tree *tree, const struct mnt_source *s,
		   int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err)
{
	char path[32];
	if (!s->of->e->has_pid_ns)
		return ns_aside(visit, ctx, err);
	if (s->of->e->pid_ns == OF_THE_DEAD)
		return ns_aside(among_dead, &(struct visit){ visit, ctx }, err);
	snprintf(path, sizeof(path), "%d/ns/pid", init_of(tree, s));
	auto_fd there = procfs_open(path, O_RDONLY);
	auto_fd back = procfs_open("self/ns/pid_for_children", O_RDONLY);
	if (there < 0 || back < 0 || setns(there, CLONE_NEWPID) < 0)
		return error_sys(err, "enter pid namespace %u of the tree", s->of->e->pid_ns);
	int rc = ns_aside(visit, ctx, err);
	if (setns(back, CLONE_NEWPID) < 0 && rc == 0)
		rc = error_sys(err, "leave a pid namespace");
	return rc;
}
