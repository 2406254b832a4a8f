/* SPDX-License-Identifier: MIT
 * Mounts out of images. Two namespaces of the builder's play a part: the workshop, a copy of the
 * host's with the yard in it, and the one that becomes the tree's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "engine/ns/mnt-attach.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/ns/mnt-deleted.h"
#include "engine/ns/mnt-external.h"
#include "engine/ns/mnt-make.h"
#include "engine/ns/mnt-owned.h"
#include "engine/ns/mnt-pids.h"
#include "engine/ns/mnt-share.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/root.h"
#include "images/reader.h"

#define NO_ROOT "CRIU:NO_ROOT"
#define OF_MOUNT                                                                                   \
	(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE | MS_NOSUID | MS_NODEV | MS_NOEXEC |    \
	 MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

struct loading {
	const struct options *opts;
	struct mnt_tree *tree;
	uint32_t ns;
};

/* Of the mount itself: not fscontext= and the like. */
static char *find_context(char *options)
{
	char *at = options;
	while (at && (at = strstr(at, "context=")) != NULL && at > options && at[-1] != ',')
		at++;
	return at;
}

/* context="a:b:c:d,e",more: the label is in quotes when it has a comma. */
static int relabel(const struct options *opts, MntEntry *e, struct error *err)
{
	auto_strbuf out = { 0 };
	const char *at = opts->lsm_mount_context ? find_context(e->options) : NULL;
	if (!at)
		return 0;
	const char *label = at + strlen("context=");
	const char *end = label[0] == '"' ? strchr(label + 1, '"') : label;
	if (!end)
		return error_set(err, EBADMSG, "mount %s: quotes that do not end in its options",
				 e->mountpoint);
	if (strbuf_printf(&out, "%.*s\"%s\"%s", (int)(label - e->options), e->options,
			  opts->lsm_mount_context, end + strcspn(end, ",")) < 0)
		return error_set(err, ENOMEM, "out of memory");
	free(e->options);
	e->options = take_ptr(out.data);
	return 0;
}

/* Old images: the key of an external mount is its root, and all flags are in one word. */
static int update_entry(MntEntry *e, struct error *err)
{
	if (e->has_ext_mount && e->ext_mount && !e->ext_key) {
		e->ext_key = e->root;
		e->root = strdup(NO_ROOT);
	}
	if (!e->has_sb_flags) {
		e->sb_flags = e->flags & ~(uint32_t)OF_MOUNT;
		e->flags &= OF_MOUNT;
	}
	return e->root ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int load_entry(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		      struct error *err)
{
	struct loading *l = ctx;
	MntEntry *e = (MntEntry *)*msg;
	(void)reader;
	*msg = NULL;
	int rc = update_entry(e, err);
	if (rc == 0)
		rc = relabel(l->opts, e, err);
	if (rc == 0 && e->has_with_plugin && e->with_plugin)
		rc = error_set(err, ENOTSUP, "mount %s belongs to a plugin of CRIU", e->mountpoint);
	if (rc < 0) {
		mnt_entry__free_unpacked(e, NULL);
		return rc;
	}
	return mnt_tree_add(l->tree, l->ns, e, err);
}

static int check_outside(const struct restore *r, struct error *err)
{
	int rc = 0;
	const char *path;
	if (!r->opts->root)
		return error_set(err, EINVAL,
				 "the tree has its own mounts: pass --root DIR, what is to be its "
				 "root directory (/ for that of the host)");
	for (size_t i = 0; rc == 0 && i < r->mounts->sources.nr; i++) {
		const struct mnt_source *s = r->mounts->sources.items[i];
		if (s->kind == MNT_FROM_EXTERNAL)
			rc = mnt_external_path(r->opts, s->of, &path, err);
	}
	return rc;
}

static int load_space(struct restore *r, uint32_t id, struct error *err)
{
	struct loading l = { r->opts, r->mounts, id };
	for (size_t i = 0; i < r->mounts->nr; i++)
		if (r->mounts->items[i]->ns == id)
			return 0;
	size_t before = r->mounts->nr;
	int rc = image_each(r->images, IMG_MNTS, id, load_entry, &l, err);
	return rc == 0 && r->mounts->nr == before
		   ? error_set(err, EBADMSG, "mountpoints-%u.img is missing or empty", id)
		   : rc;
}

/* Every namespace that some task was in, or that a descriptor leads to. */
static int load_all(struct restore *r, struct error *err)
{
	const struct mnt_tree *tree = r->mounts;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		uint32_t id = t->ids ? ns_id_of(t->ids, NS_MNT) : 0;
		rc = id && rtask_is_living(t) ? load_space(r, id, err) : 0;
	}
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		for (size_t k = 0; rc == 0 && k < tree->items[i]->e->n_held; k++)
			rc = load_space(r, tree->items[i]->e->held[k], err);
	return rc;
}

static int share_numbers(struct mnt_tree *tree, struct error *err)
{
	void *numbers = mmap(NULL, tree->spaces.nr * sizeof(int), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (numbers == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	tree->numbers = numbers;
	return 0;
}

int mntns_load(struct restore *r, uint32_t id, struct error *err)
{
	r->mounts = mnt_tree_new();
	if (!r->mounts)
		return error_set(err, ENOMEM, "out of memory");
	r->mounts->root_ns = id;
	r->mounts->late_pids = ns_restores(r, NS_PID);
	int rc = load_all(r, err);
	if (rc == 0)
		rc = mnt_tree_link(r->mounts, err);
	if (rc == 0)
		rc = mnt_plan(r->mounts, err);
	if (rc == 0)
		rc = autofs_load(r, err);
	if (rc == 0)
		rc = share_numbers(r->mounts, err);
	if (rc == 0)
		rc = mnt_pids_load(r, err);
	return rc < 0 ? rc : check_outside(r, err);
}

/* In the builder. */

static int open_own(struct error *err)
{
	int fd = procfs_open("self/ns/mnt", O_RDONLY);
	return fd < 0 ? error_sys(err, "open /proc/self/ns/mnt") : fd;
}

/* A namespace with nothing but its root in it. */
static int make_space(void *ctx, struct error *err)
{
	struct mnt_space *space = ctx;
	int root = space->root->fd;
	if (unshare(CLONE_NEWNS) < 0)
		return error_sys(err, "make a mount namespace");
	auto_fd old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return error_sys(err, "open the root directory");
	if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_sys(err, "mount the root");
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return error_sys(err, "pivot_root");
	/* there may be more on it: whatever is on top comes off, until this is nowhere */
	if (fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0)
		return error_sys(err, "take off the old root");
	while (umount2(".", MNT_DETACH) == 0)
		;
	if (chdir("/") < 0)
		return error_sys(err, "change to the new root");
	space->fd = open_own(err);
	return space->fd < 0 ? space->fd : 0;
}

static int make_spaces(struct restore *r, struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->spaces.nr; i++) {
		struct mnt_space *space = &tree->spaces.items[i];
		rc = mnt_enter(tree->workshop, err);
		if (rc == 0)
			rc = mnt_owned_space(r, space->id, make_space, space, err);
		tree->numbers[i] = space->fd;
	}
	return rc;
}

static int enter_first(const struct mnt_tree *tree, struct error *err)
{
	return mnt_enter(mnt_tree_space(tree, tree->root_ns)->fd, err);
}

/* Two for each mount, and some. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int mntns_join(struct restore *r, struct error *err)
{
	uint32_t id = r->root->ids ? ns_id_of(r->root->ids, NS_MNT) : 0;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		if (t->ids && rtask_is_living(t) && ns_id_of(t->ids, NS_MNT) != id)
			return error_set(err, EINVAL,
					 "--join-ns mnt: " TASK_FMT
					 " lived in another mount namespace than " TASK_FMT
					 ": they cannot join one; leave the option out",
					 RTASK_ARGS(t), RTASK_ARGS(r->root));
	}
	return r->opts->root
		   ? error_set(err, EINVAL,
			       "--root and --join-ns mnt: mounts are made below a root, or "
			       "are there already; give one of them")
		   : 0;
}

int mntns_open(struct restore *r, struct error *err)
{
	raise_descriptor_limit();
	return mnt_open_outside(r, r->mounts, err);
}

int mntns_fill(struct restore *r, uint32_t id, struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	(void)id;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make the mounts of a namespace private");
	tree->workshop = open_own(err);
	tree->yard = tree->workshop < 0 ? tree->workshop : mnt_yard_open(err);
	int rc = tree->yard < 0 ? tree->yard : mnt_place_outside(tree, err);
	if (rc == 0)
		rc = mnt_make_sources(r, tree, false, err);
	if (rc == 0)
		rc = mnt_cut(tree, false, err);
	if (rc == 0)
		rc = mnt_owned_lock(r, tree, false, err);
	if (rc == 0)
		rc = make_spaces(r, tree, err);
	if (rc == 0)
		rc = mnt_attach(r, tree, false, err);
	return rc < 0 ? rc : enter_first(tree, err);
}

static int make_late(struct restore *r, int pidns, struct error *err)
{
	if (pidns >= 0 && setns(pidns, CLONE_NEWPID) < 0)
		return error_sys(err, "enter the pid namespace of the tree");
	int rc = mnt_make_sources(r, r->mounts, true, err);
	if (rc == 0)
		rc = mnt_cut(r->mounts, true, err);
	return rc < 0 ? rc : mnt_owned_lock(r, r->mounts, true, err);
}

static int close_space(const struct mnt_tree *tree, const struct mnt_space *space,
		       struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *m = tree->items[i];
		if (m->ns != space->id || !(m->e->flags & MS_RDONLY) || m->fd < 0)
			continue;
		int rc = mnt_set_flags(m->fd, m->e->flags);
		if (rc < 0)
			return error_code(err, rc, "%s: make it read-only", mnt_name(m, name));
	}
	return 0;
}

static int close_spaces(struct mnt_tree *tree, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->spaces.nr; i++) {
		const struct mnt_space *space = &tree->spaces.items[i];
		rc = mnt_enter(space->fd, err);
		if (rc == 0)
			rc = close_space(tree, space, err);
	}
	return rc;
}

int mntns_finish(struct restore *r, int pidns, struct error *err)
{
	struct mnt_tree *tree = r->mounts;
	int rc = mnt_enter(tree->workshop, err);
	if (rc == 0)
		rc = make_late(r, pidns, err);
	if (rc == 0)
		rc = mnt_attach(r, tree, true, err);
	if (rc == 0)
		rc = close_spaces(tree, err);
	if (rc == 0)
		rc = mnt_enter(tree->workshop, err);
	if (rc == 0)
		rc = mnt_share(tree, err);
	if (rc == 0)
		rc = mnt_deleted_remove(tree, err);
	if (rc == 0)
		rc = mnt_close_sources(tree, err);
	return rc < 0 ? rc : enter_first(tree, err);
}
