/* SPDX-License-Identifier: MIT
 * Mounts into images.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/kernel-dev.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-content.h"
#include "engine/ns/mnt-cover.h"
#include "engine/ns/mnt-deleted.h"
#include "engine/ns/mnt-external.h"
#include "engine/ns/mnt-held.h"
#include "engine/ns/mnt-locks.h"
#include "engine/ns/mnt-overlay.h"
#include "engine/ns/mnt-pids.h"
#include "engine/ns/mnt-shown.h"
#include "engine/ns/mnt.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/writer.h"

#define DELETED "//deleted"

static int read_mounts(struct proc_mounts *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(procfs_fd(), "self/mountinfo", &text, err);
	return rc < 0 ? rc : proc_mounts_parse(text.data ? text.data : "", text.len, out, err);
}

/* As its tasks see them: paths from its own root; groups as the root task sees them, in whose
 * cgroup namespace they are mounted again. */
static int read_inside(struct dump *d, const struct ns_seen *ns, struct proc_mounts *out,
		       struct error *err)
{
	struct ns_visit cgroup = { 0 };
	struct ns_mount_place back;
	bool apart = ns_is_apart(d, NS_CGROUP);
	int rc = apart ? ns_visit_begin(d->tasks[0], NS_CGROUP, &cgroup, err) : 0;
	if (rc < 0)
		return rc;
	rc = ns_mount_enter_seen(ns, &back, err);
	if (rc == 0) {
		rc = read_mounts(out, err);
		int left = ns_mount_leave(&back, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : left;
	}
	int left = apart ? ns_visit_end(&cgroup, rc < 0 ? NULL : err) : 0;
	return rc < 0 ? rc : left;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len > n && !strcmp(text + len - n, end);
}

static uint32_t group_flags(const struct proc_mount *p)
{
	return (p->shared ? (uint32_t)MS_SHARED : 0) | (p->master ? (uint32_t)MS_SLAVE : 0) |
	       (p->unbindable ? (uint32_t)MS_UNBINDABLE : 0);
}

/* The kernel says which file system it is in the words of its options as well; some of them no
 * mount takes. */
static void drop_option(char *options, const char *word)
{
	size_t len = strlen(word);
	for (char *at = options; (at = strstr(at, word)) != NULL; at++) {
		bool begins = at == options || at[-1] == ',';
		if (!begins || (at[len] && at[len] != ','))
			continue;
		char *rest = at + len;
		if (*rest)
			rest++;
		else if (at > options)
			at--;
		memmove(at, rest, strlen(rest) + 1);
		return;
	}
}

static MntEntry *entry_new(const struct proc_mount *p)
{
	MntEntry *e = malloc(sizeof(*e));
	if (!e)
		return NULL;
	mnt_entry__init(e);
	e->mnt_id = (uint32_t)p->id;
	e->parent_mnt_id = (uint32_t)p->parent;
	e->root_dev = kernel_dev_encode(p->dev);
	e->flags = p->flags | group_flags(p);
	e->has_sb_flags = e->has_shared_id = e->has_master_id = true;
	e->sb_flags = p->sb_flags;
	e->shared_id = (uint32_t)p->shared;
	e->master_id = (uint32_t)p->master;
	e->has_deleted = e->deleted = ends_with(p->root, DELETED);
	e->root = strndup(p->root, strlen(p->root) - (e->deleted ? strlen(DELETED) : 0));
	e->mountpoint = strdup(p->path);
	e->source = strdup(p->source);
	e->options = strdup(p->options);
	if (e->root && e->mountpoint && e->source && e->options)
		return e;
	mnt_entry__free_unpacked(e, NULL);
	return NULL;
}

static bool has_dev(const struct proc_mounts *mounts, dev_t dev)
{
	for (size_t i = 0; i < mounts->nr; i++)
		if (mounts->items[i].dev == dev)
			return true;
	return false;
}

/* The kernel does not tell that it is another instance than the host's. */
static int note_new_instance(MntEntry *e, struct error *err)
{
	auto_strbuf options = { 0 };
	if (strbuf_printf(&options, "%s%snewinstance", e->options, *e->options ? "," : "") < 0)
		return error_set(err, ENOMEM, "out of memory");
	free(e->options);
	e->options = take_ptr(options.data);
	return 0;
}

static int set_type(const struct dump *d, struct mnt *m, const struct proc_mount *p,
		    const struct proc_mounts *own, struct error *err)
{
	MntEntry *e = m->e;
	m->idmapped = p->idmapped;
	m->type = strdup(p->type);
	m->fs = mnt_fs_by_name(p->type);
	if (m->fs->code == FSTYPE__UNSUPPORTED && mnt_fs_is_enabled(d->opts, p->type)) {
		m->fs = mnt_fs_by_code(FSTYPE__AUTO);
		e->fsname = strdup(p->type);
	}
	if (!m->type || (m->fs->code == FSTYPE__AUTO && !e->fsname))
		return error_set(err, ENOMEM, "out of memory");
	e->fstype = m->fs->code;
	drop_option(e->options, "seclabel");
	if (m->fs->code == FSTYPE__DEVPTS && !has_dev(own, p->dev))
		return note_new_instance(e, err);
	return 0;
}

static int add_mounts(struct dump *d, const struct ns_seen *ns, const struct proc_mounts *inside,
		      const struct proc_mounts *own, struct error *err)
{
	int rc = 0;
	for (size_t i = inside->nr; rc == 0 && i-- > 0;) {
		const struct proc_mount *p = &inside->items[i];
		if (mnt_is_skipped(d->opts, p->path))
			continue;
		MntEntry *e = entry_new(p);
		rc = e ? mnt_tree_add(d->mounts, ns->id, e, err)
		       : error_set(err, ENOMEM, "out of memory");
		if (rc == 0)
			rc = set_type(d, d->mounts->items[d->mounts->nr - 1], p, own, err);
	}
	return rc;
}

int mntns_collect(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct proc_mounts own = { 0 }, inside = { 0 };
	if (!d->mounts)
		d->mounts = mnt_tree_new();
	if (!d->mounts)
		return error_set(err, ENOMEM, "out of memory");
	d->mounts->root_ns = ns_id(d->tasks[0], NS_MNT);
	int rc = read_mounts(&own, err);
	if (rc == 0)
		rc = read_inside(d, ns, &inside, err);
	if (rc == 0)
		rc = add_mounts(d, ns, &inside, &own, err);
	proc_mounts_fini(&own);
	proc_mounts_fini(&inside);
	return rc;
}

/* What is given at the restore can be one again; nobody else tells whose ids it turns. */
static int refuse_idmapped(const struct dump *d, const struct mnt_tree *tree, struct error *err)
{
	char holder[96];
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *m = tree->items[i];
		bool given = m->source->of == m && m->source->kind != MNT_FROM_NEW;
		if (m->idmapped && !given)
			return error_set(
			    err, ENOTSUP,
			    "%s: %s is idmapped: whose ids it turns into whose cannot be "
			    "carried; pass --external mnt[%s]:NAME (and --external "
			    "mnt[NAME]:SOURCE, such a mount, at the restore), or "
			    "leave it out by --skip-mnt %s",
			    ns_seen_holder(ns_find_id(d, NS_MNT, m->ns), holder, sizeof(holder)),
			    mnt_name(m, name), m->e->mountpoint, m->e->mountpoint);
	}
	return 0;
}

int mntns_settle(struct dump *d, struct error *err)
{
	struct proc_mounts own = { 0 };
	if (!d->mounts)
		return 0;
	int rc = read_mounts(&own, err);
	if (rc == 0)
		rc = mnt_tree_link(d->mounts, err);
	d->mounts->late_pids = ns_is_apart(d, NS_PID);
	if (rc == 0)
		rc = mnt_external_mark(d, d->mounts, &own, err);
	if (rc == 0)
		rc = mnt_plan(d->mounts, err);
	if (rc == 0)
		rc = refuse_idmapped(d, d->mounts, err);
	for (size_t i = 0; rc == 0 && i < d->mounts->nr; i++)
		rc = mnt_overlay_check(d->mounts, d->mounts->items[i], err);
	proc_mounts_fini(&own);
	return rc;
}

int mntns_id_of(const struct dump *d, int fd)
{
	struct statx st;
	if (!d->mounts || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID) || !mnt_tree_find(d->mounts, (uint32_t)st.stx_mnt_id))
		return -1;
	return (int)st.stx_mnt_id;
}

int mntns_of_dev(const struct dump *d, uint32_t dev)
{
	for (size_t i = 0; d->mounts && i < d->mounts->nr; i++)
		if (d->mounts->items[i]->e->root_dev == dev)
			return (int)d->mounts->items[i]->e->mnt_id;
	return -1;
}

struct uncovering {
	const struct mnt_covers *covers;
	int users, ns;
};

/* A copy of the current namespace without them; made by who is in the user namespace it belongs to,
 * else all mounts of the copy were locked to each other. */
static int copy_without(void *ctx, struct error *err)
{
	struct uncovering *u = ctx;
	if (u->users >= 0 && setns(u->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter a user namespace of the tree");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make a mount namespace");
	int rc = mnt_covers_drop(u->covers, err);
	if (rc == 0)
		u->ns = procfs_open("self/ns/mnt", O_RDONLY);
	return rc == 0 && u->ns < 0 ? error_sys(err, "open /proc/self/ns/mnt") : rc;
}

/* Stand where nothing hides a file. Where that cannot be, it stays hidden, and will be refused. */
static void uncover(const struct dump *d, const struct mnt *m, const char *path)
{
	auto_covers covers = { 0 };
	struct error err;
	if (!mnt_below(path, m->e->mountpoint) ||
	    mnt_covers_find(d->mounts, m, path, &covers, &err) < 0 || covers.nr == 0)
		return;
	const struct ns_seen *ns = ns_find_id(d, NS_MNT, m->ns);
	auto_fd users = mnt_locks_users(d, ns, &err);
	struct uncovering u = { &covers, users, -1 };
	if (((d->users || ns->owner) && users < 0) || ns_aside(copy_without, &u, &err) < 0)
		log_debug("%s stays hidden: %s", path, err.text);
	else if (setns(u.ns, CLONE_NEWNS) < 0)
		log_debug("%s stays hidden: %m", path);
	fd_close(u.ns);
}

int mntns_enter(const struct dump *d, const struct task *t, int mnt_id, const char *path,
		struct ns_mount_place *back, struct error *err)
{
	const struct mnt *m = mnt_id >= 0 ? mnt_tree_find(d->mounts, (uint32_t)mnt_id) : NULL;
	const struct ns_seen *ns = m ? ns_find_id(d, NS_MNT, m->ns) : NULL;
	int rc = ns ? ns_mount_enter_seen(ns, back, err) : ns_mount_enter(t, back, err);
	if (rc == 0 && m)
		uncover(d, m, path);
	return rc;
}

/* Options of file systems have ids as the engine has them: "uid=100000" */
static uint32_t turn_id(const struct dump *d, const MntEntry *e, enum id_kind kind, uint32_t id)
{
	id = id_inside(d->users, kind, id);
	return e->has_user_ns ? userns_seen_inside(d, e->user_ns, kind, id) : id;
}

static int turn_ids(struct dump *d, MntEntry *e, struct error *err)
{
	auto_strbuf out = { 0 };
	int rc = 0;
	uint32_t id;
	char *word, *rest = e->options;
	while (rc == 0 && (word = strsep(&rest, ",")) != NULL) {
		rc = out.len ? strbuf_char(&out, ',') : 0;
		if (rc == 0 && sscanf(word, "uid=%" SCNu32, &id) == 1)
			rc = strbuf_printf(&out, "uid=%u", turn_id(d, e, ID_USER, id));
		else if (rc == 0 && sscanf(word, "gid=%" SCNu32, &id) == 1)
			rc = strbuf_printf(&out, "gid=%u", turn_id(d, e, ID_GROUP, id));
		else if (rc == 0)
			rc = strbuf_str(&out, word);
	}
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (out.data) {
		free(e->options);
		e->options = take_ptr(out.data);
	}
	return 0;
}

static int write_entries(struct dump *d, uint32_t ns, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_MNTS, ns, &w, err);
	for (size_t i = 0; rc == 0 && i < d->mounts->nr; i++) {
		MntEntry *e = d->mounts->items[i]->e;
		if (d->mounts->items[i]->ns != ns)
			continue;
		rc = d->users || e->has_user_ns ? turn_ids(d, e, err) : 0;
		if (rc == 0 && ns == d->mounts->root_ns && !d->mounts->items[i]->parent)
			rc = mnt_held_note(d, e, err);
		if (rc == 0)
			rc = image_write(w, &e->base, err);
	}
	return rc < 0 ? rc : image_finish(w, err);
}

int mntns_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct ns_mount_place back;
	auto_fd users = d->users ? ns_open(d->tasks[0], NS_USER, err) : -1;
	auto_fd master = mnt_locks_users(d, ns, err);
	if ((d->users && users < 0) || ((d->users || ns->owner) && master < 0))
		return users < 0 ? users : master;
	int rc = ns_mount_enter_seen(ns, &back, err);
	if (rc < 0)
		return rc;
	rc = mnt_locks_read(d, ns, err);
	if (rc == 0)
		rc = mnt_contents_open(d->mounts, ns->id, master, err);
	if (rc == 0)
		rc = mnt_deleted_read(d, ns->id, master, err);
	if (rc == 0)
		rc = mnt_pids_read(d, ns->id, master, err);
	int left = ns_mount_leave(&back, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : left;
	if (rc == 0)
		rc = mnt_shown_collect(d, err);
	if (rc == 0)
		rc = write_entries(d, ns->id, err);
	return rc < 0 ? rc : mnt_contents_dump(d, d->mounts, ns->id, users, err);
}
