/* SPDX-License-Identifier: MIT
 * Memberships and directories of control groups.
 */
#include "engine/ns/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/ns/cgroup-dirs.h"
#include "engine/ns/cgroup-fs.h"
#include "engine/ns/cgroup-ns.h"
#include "engine/ns/cgroup-props.h"
#include "engine/ns/cgroup-root.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"
#include "engine/procfs/read.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"
#include "inventory.pb-c.h"

#define MAX_DEPTH 32 /* of directories in images */

struct cgroup_sets {
	struct proc_cgroups *items; /* items[0] is the engine's own; ids are indexes + 1 */
	size_t nr, cap;
	struct proc_cgroups inside; /* of the root task, as its own cgroup namespace has them */
	char last_text[4096];       /* most threads are where the one before is */
	int last_len;
	uint32_t last_id;        /* of last_text; 0: there is none yet */
	struct cgroup_spec spec; /* --cgroup-props */
};

static int members_read(int dirfd, const char *path, struct proc_cgroups *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(dirfd, path, &text, err);
	return rc < 0 ? rc : proc_cgroups_parse(text.data ? text.data : "", text.len, out, err);
}

static bool same_members(const struct proc_cgroups *a, const struct proc_cgroups *b)
{
	bool same = a->nr == b->nr;
	for (size_t i = 0; same && i < a->nr; i++)
		same = !strcmp(a->items[i].name, b->items[i].name) &&
		       !strcmp(a->items[i].path, b->items[i].path);
	return same;
}

/* Takes the members. @return the id, or -ENOMEM */
static int set_id(struct cgroup_sets *sets, struct proc_cgroups *members, struct error *err)
{
	for (size_t i = 0; i < sets->nr; i++) {
		if (same_members(&sets->items[i], members)) {
			proc_cgroups_fini(members);
			return (int)i + 1;
		}
	}
	struct proc_cgroups *slot = array_add(sets);
	if (!slot) {
		proc_cgroups_fini(members);
		return error_set(err, ENOMEM, "out of memory");
	}
	*slot = *members;
	return (int)sets->nr;
}

static int collect_thread(struct dump *d, const struct task *t, struct thread *th,
			  struct error *err)
{
	char path[48], text[sizeof(d->cgroups->last_text)];
	struct cgroup_sets *sets = d->cgroups;
	struct proc_cgroups members = { 0 };
	snprintf(path, sizeof(path), "task/%d/cgroup", th->tid);
	int len = proc_record_read(t->proc_fd, path, text, sizeof(text), err);
	if (len < 0)
		return error_wrap(err, len, TASK_FMT, TASK_ARGS(t));
	bool whole = (size_t)len < sizeof(text) - 1;
	th->cg_set = sets->last_id;
	if (whole && sets->last_id && len == sets->last_len &&
	    !memcmp(text, sets->last_text, (size_t)len))
		return 0;
	int rc = whole ? proc_cgroups_parse(text, (size_t)len, &members, err)
		       : members_read(t->proc_fd, path, &members, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, TASK_ARGS(t));
	rc = set_id(sets, &members, err);
	if (rc < 0)
		return rc;
	th->cg_set = (uint32_t)rc;
	if (whole) {
		memcpy(sets->last_text, text, (size_t)len);
		sets->last_len = len;
		sets->last_id = th->cg_set;
	}
	return 0;
}

/* Version 1 says that who is dead is in the root, whatever it was in: it counts as its parent does.
 */
static int collect_task(struct dump *d, const struct task *t, struct error *err)
{
	int rc = 0;
	if (t->state == TASK_ZOMBIE && t->parent) {
		t->threads[0].cg_set = t->parent->threads[0].cg_set;
		return 0;
	}
	for (size_t k = 0; rc >= 0 && k < t->nr_threads; k++)
		rc = collect_thread(d, t, &t->threads[k], err);
	return rc;
}

static const char *path_of(const struct proc_cgroups *members, const char *name)
{
	for (size_t i = 0; i < members->nr; i++)
		if (!strcmp(members->items[i].name, name))
			return members->items[i].path;
	return NULL;
}

/* Where the tree's namespace begins can be told by comparing what a path is outside and inside. */
static int collect_namespace(struct dump *d, struct error *err)
{
	const struct task *root = d->tasks[0];
	struct ns_visit visit;
	if (!ns_is_apart(d, NS_CGROUP))
		return 0;
	int rc = ns_visit_begin(root, NS_CGROUP, &visit, err);
	if (rc < 0)
		return rc;
	rc = members_read(root->proc_fd, "cgroup", &d->cgroups->inside, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : back;
	for (size_t i = 0; rc == 0 && i < d->cgroups->inside.nr; i++) {
		const struct proc_cgroup *m = &d->cgroups->inside.items[i];
		if (!strncmp(m->path, "/..", 3))
			rc = error_set(
			    err, ENOTSUP,
			    "pid %d (%s) is in control group %s:%s, outside of its cgroup "
			    "namespace: move it below the namespace's root first",
			    root->pid, root->stat.comm, m->name, m->path);
	}
	return rc;
}

/* @return how much of `path` leads to the root of the tree's namespace; -1: it is not below */
static int namespace_prefix(const struct cgroup_sets *sets, const struct proc_cgroups *root,
			    const struct proc_cgroup *m)
{
	const char *inside = path_of(&sets->inside, m->name), *full = path_of(root, m->name);
	if (!inside || !full)
		return -1;
	size_t rest = strcmp(inside, "/") ? strlen(inside) : 0, len = strlen(full);
	if (rest > len)
		return -1;
	len -= rest;
	return strncmp(m->path, full, len) ? -1 : (int)len;
}

static int spec_read(const struct options *opts, struct cgroup_spec *spec, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = 0;
	if (opts->cgroup_props)
		rc = cgroup_spec_parse(spec, opts->cgroup_props, "--cgroup-props", err);
	if (rc < 0 || !opts->cgroup_props_file)
		return rc;
	rc = file_read_at(AT_FDCWD, opts->cgroup_props_file, &text, err);
	if (rc < 0)
		return error_wrap(err, rc, "--cgroup-props-file");
	return cgroup_spec_parse(spec, text.data ? text.data : "", opts->cgroup_props_file, err);
}

int cgroups_collect(struct dump *d, struct error *err)
{
	struct proc_cgroups own = { 0 };
	d->cgroups = calloc(1, sizeof(*d->cgroups));
	if (!d->cgroups)
		return error_set(err, ENOMEM, "out of memory");
	if (d->opts->manage_cgroups == CGROUPS_IGNORE)
		return 0;
	int rc = cgroup_roots_check(d->opts, err);
	if (rc == 0)
		rc = spec_read(d->opts, &d->cgroups->spec, err);
	if (rc == 0)
		rc = members_read(AT_FDCWD, "/proc/self/cgroup", &own, err);
	if (rc < 0)
		return rc;
	rc = set_id(d->cgroups, &own, err);
	for (size_t i = 0; rc >= 0 && i < d->nr_tasks; i++) /* parents before children */
		rc = collect_task(d, d->tasks[i], err);
	return rc < 0 ? rc : collect_namespace(d, err);
}

static bool is_covered(const CgControllerEntry *c, const char *path)
{
	for (size_t i = 0; i < c->n_dirs; i++) {
		/* of a hierarchy's root only itself is stored */
		const char *dir = c->dirs[i]->dir_name;
		if (*dir ? cgroup_is_below(path, dir) : !*path)
			return true;
	}
	return false;
}

static bool is_wanted(const struct options *opts, const char *name)
{
	for (size_t i = 0; i < opts->cgroup_controllers.nr; i++) {
		if (!strcmp(opts->cgroup_controllers.items[i], name))
			return true;
	}
	return opts->cgroup_controllers.nr == 0;
}

static int path_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A root that is given is stored with all below it. Shorter paths first: what is below them comes
 * with them. */
static int dirs_dump(struct dump *d, CgControllerEntry *c, size_t at, struct error *err)
{
	const struct cgroup_sets *sets = d->cgroups;
	const char *name = sets->items[0].items[at].name;
	const struct cgroup_kept kept = { .hierarchy = name, .spec = &sets->spec };
	auto_fd yard = -1;
	int rc = cgroup_yard_open(d->opts->cgroup_yard, d->work_fd, &yard, err);
	auto_fd root = rc < 0 ? rc : cgroup_fs_open(name, yard, err);
	auto_free const char **paths = calloc(sets->nr, sizeof(*paths));
	size_t nr = 0;
	if (root < 0)
		return root;
	const char *top = cgroup_root_of(d->opts, c->cnames, c->n_cnames);
	top = top ? top + strspn(top, "/") : NULL;
	c->dirs = calloc(sets->nr, sizeof(CgroupDirEntry *));
	if (!paths || !c->dirs)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 1; i < sets->nr; i++) {
		for (size_t k = 0; k < sets->items[i].nr; k++) {
			const struct proc_cgroup *m = &sets->items[i].items[k];
			if (!strcmp(m->name, name))
				paths[nr++] =
				    top && cgroup_is_below(m->path + 1, top) ? top : m->path + 1;
		}
	}
	if (nr)
		qsort(paths, nr, sizeof(*paths), path_compare);
	for (size_t i = 0; i < nr; i++) {
		if (is_covered(c, paths[i]))
			continue;
		CgroupDirEntry *e = message_new(&cgroup_dir_entry__descriptor);
		auto_free char *where = NULL;
		if (!e || asprintf(&where, "%s:/%s", name, paths[i]) < 0) {
			free(e);
			return error_set(err, ENOMEM, "out of memory");
		}
		c->dirs[c->n_dirs++] = e;
		rc = cgroup_dir_dump(root, paths[i], &kept, where, e, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int controller_dump(struct dump *d, CgControllerEntry *c, size_t at, struct error *err)
{
	const char *name = d->cgroups->items[0].items[at].name;
	auto_free char *list = strdup(name);
	c->cnames = calloc(strlen(name) + 1, sizeof(char *));
	if (!list || !c->cnames)
		return error_set(err, ENOMEM, "out of memory");
	char *rest = list, *one;
	while (rest && (one = strsep(&rest, ",")) != NULL) {
		c->cnames[c->n_cnames] = strdup(one);
		if (!c->cnames[c->n_cnames++])
			return error_set(err, ENOMEM, "out of memory");
	}
	c->has_is_threaded = true;
	c->is_threaded = *name; /* threads of one task may be apart; not in the unified one */
	return dirs_dump(d, c, at, err);
}

static int set_dump(const struct dump *d, const struct proc_cgroups *members, uint32_t id,
		    CgSetEntry *e)
{
	const struct cgroup_sets *sets = d->cgroups;
	const struct proc_cgroups *root = &sets->items[d->tasks[0]->threads[0].cg_set - 1];
	e->id = id;
	e->ctls = message_array(&cg_member_entry__descriptor, members->nr, &e->n_ctls);
	if (members->nr && !e->ctls)
		return -ENOMEM;
	for (size_t i = 0; i < members->nr; i++) {
		e->ctls[i]->name = strdup(members->items[i].name);
		e->ctls[i]->path = strdup(members->items[i].path);
		if (!e->ctls[i]->name || !e->ctls[i]->path)
			return -ENOMEM;
		int prefix = namespace_prefix(sets, root, &members->items[i]);
		e->ctls[i]->has_cgns_prefix = prefix >= 0;
		e->ctls[i]->cgns_prefix = prefix >= 0 ? (uint32_t)prefix : 0;
	}
	return 0;
}

static int entry_fill(struct dump *d, CgroupEntry *e, struct error *err)
{
	const struct cgroup_sets *sets = d->cgroups;
	const struct proc_cgroups *own = &sets->items[0];
	e->sets = message_array(&cg_set_entry__descriptor, sets->nr - 1, &e->n_sets);
	if (sets->nr > 1 && !e->sets)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 1; i < sets->nr; i++) {
		if (set_dump(d, &sets->items[i], (uint32_t)i + 1, e->sets[i - 1]) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	e->controllers = calloc(own->nr, sizeof(CgControllerEntry *));
	if (own->nr && !e->controllers)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < own->nr; i++) {
		if (!is_wanted(d->opts, own->items[i].name))
			continue;
		CgControllerEntry *c = message_new(&cg_controller_entry__descriptor);
		if (!c)
			return error_set(err, ENOMEM, "out of memory");
		e->controllers[e->n_controllers++] = c;
		rc = controller_dump(d, c, i, err);
	}
	return rc < 0 ? rc : cgroup_ns_dump(d, e, err);
}

int cgroups_dump(struct dump *d, struct error *err)
{
	bool nested = d->cgroups->nr && cgroup_ns_has_nested(d);
	if (d->cgroups->nr <= 1 && !nested)
		return 0;
	auto_message CgroupEntry *e = message_new(&cgroup_entry__descriptor);
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	int rc = entry_fill(d, e, err);
	return rc < 0 ? rc : image_write_one(d->images_fd, IMG_CGROUP, 0, &e->base, err);
}

void cgroup_sets_free(struct cgroup_sets *sets)
{
	if (!sets)
		return;
	for (size_t i = 0; i < sets->nr; i++)
		proc_cgroups_fini(&sets->items[i]);
	proc_cgroups_fini(&sets->inside);
	cgroup_spec_fini(&sets->spec);
	free(sets->items);
	free(sets);
}

/* Restore. */

struct cgroup_restore {
	CgroupEntry *entry;
	uint32_t own_set; /* of who dumped: such tasks stay where we are */
	struct cgroup_dirs dirs;
	struct proc_cgroups own;
	bool entered;
};

static int path_check(const char *path, const char *what, struct error *err)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return error_set(err, EBADMSG,
					 "cgroup.img: %s %s leads out of its hierarchy", what,
					 path);
	}
	return 0;
}

static int dirs_check(const CgroupDirEntry *e, unsigned depth, struct error *err)
{
	int rc = path_check(e->dir_name, "directory", err);
	if (depth > MAX_DEPTH)
		return error_set(err, EBADMSG,
				 "cgroup.img: directories are nested more than %d deep", MAX_DEPTH);
	for (size_t i = 0; rc == 0 && i < e->n_children; i++) {
		if (!*e->children[i]->dir_name || strchr(e->children[i]->dir_name, '/'))
			return error_set(err, EBADMSG, "cgroup.img: directory %s inside another",
					 e->children[i]->dir_name);
		rc = dirs_check(e->children[i], depth + 1, err);
	}
	return rc;
}

static int members_check(CgMemberEntry *const *members, size_t nr, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const CgMemberEntry *m = members[i];
		const char *path = m->path;
		rc = *path == '/' ? path_check(path, "group", err)
				  : error_set(err, EBADMSG, "cgroup.img: group %s", path);
		if (rc == 0 && m->cgns_prefix > strlen(path))
			rc = error_set(err, EBADMSG,
				       "cgroup.img: group %s: a namespace's root of %u bytes", path,
				       m->cgns_prefix);
	}
	return rc;
}

static int entry_check(const CgroupEntry *e, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->n_controllers; i++) {
		const CgControllerEntry *c = e->controllers[i];
		if (c->n_cnames == 0)
			return error_set(err, EBADMSG, "cgroup.img: a hierarchy without a name");
		for (size_t k = 0; rc == 0 && k < c->n_dirs; k++)
			rc = dirs_check(c->dirs[k], 0, err);
	}
	for (size_t i = 0; rc == 0 && i < e->n_sets; i++)
		rc = members_check(e->sets[i]->ctls, e->sets[i]->n_ctls, err);
	for (size_t i = 0; rc == 0 && i < e->n_namespaces; i++)
		rc = members_check(e->namespaces[i]->roots, e->namespaces[i]->n_roots, err);
	return rc;
}

static const CgSetEntry *set_find(const struct cgroup_restore *cg, uint32_t id)
{
	for (size_t i = 0; i < cg->entry->n_sets; i++) {
		if (cg->entry->sets[i]->id == id)
			return cg->entry->sets[i];
	}
	return NULL;
}

static uint32_t thread_set_id(const struct cgroup_restore *cg, const struct rtask *t, size_t thread)
{
	const CoreEntry *core = t->cores[thread];
	const ThreadCoreEntry *th = core->thread_core;
	if (th && th->has_cg_set)
		return th->cg_set;
	return core->tc && core->tc->has_cg_set ? core->tc->cg_set : cg->own_set;
}

/* NULL: where we are ourselves. */
static const CgSetEntry *thread_set(const struct cgroup_restore *cg, const struct rtask *t,
				    size_t thread)
{
	uint32_t id = thread_set_id(cg, t, thread);
	return id == cg->own_set ? NULL : set_find(cg, id);
}

static uint32_t own_set_read(struct restore *r)
{
	auto_message ProtobufCMessage *msg = NULL;
	if (image_read_one(r->images, IMG_INVENTORY, 0, &msg, NULL) < 0)
		return CGROUP_OWN_SET;
	const InventoryEntry *e = (const InventoryEntry *)msg;
	return e->has_root_cg_set ? e->root_cg_set : CGROUP_OWN_SET;
}

/* Nobody is put anywhere else than where it was. */
static int sets_check(const struct restore *r, struct error *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		for (size_t k = 0; rtask_is_living(t) && k < t->nr_threads; k++) {
			uint32_t id = thread_set_id(r->cgroups, t, k);
			if (id != r->cgroups->own_set && !set_find(r->cgroups, id))
				return error_set(err, EBADMSG,
						 "cgroup.img has no set %u of control groups, "
						 "which thread %u of pid %d is in",
						 id, t->tids[k], t->pid);
		}
	}
	return 0;
}

static bool is_lived_in(const struct restore *r, uint32_t id)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		for (size_t k = 0; rtask_is_living(t) && k < t->nr_threads; k++)
			if (thread_set_id(r->cgroups, t, k) == id)
				return true;
	}
	return false;
}

/* Of who is dead version 1 says that it is in the root, and CRIU stores that: nobody goes there. */
static void sets_prune(const struct restore *r, CgroupEntry *e)
{
	size_t nr = 0;
	for (size_t i = 0; i < e->n_sets; i++) {
		if (is_lived_in(r, e->sets[i]->id))
			e->sets[nr++] = e->sets[i];
		else
			cg_set_entry__free_unpacked(e->sets[i], NULL);
	}
	e->n_sets = nr;
}

int cgroups_load(struct restore *r, struct error *err)
{
	ProtobufCMessage *msg = NULL;
	if (r->opts->manage_cgroups == CGROUPS_IGNORE)
		return 0;
	int rc = image_read_one(r->images, IMG_CGROUP, 0, &msg, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	r->cgroups = calloc(1, sizeof(*r->cgroups));
	if (!r->cgroups) {
		protobuf_c_message_free_unpacked(msg, NULL);
		return error_set(err, ENOMEM, "out of memory");
	}
	r->cgroups->entry = (CgroupEntry *)msg;
	r->cgroups->own_set = own_set_read(r);
	r->cgroups->dirs = (struct cgroup_dirs){ .opts = r->opts, .entry = r->cgroups->entry };
	rc = entry_check(r->cgroups->entry, err);
	if (rc == 0)
		rc = sets_check(r, err);
	if (rc < 0)
		return rc;
	sets_prune(r, r->cgroups->entry);
	return cgroup_roots_rewrite(r->opts, r->cgroups->entry, err);
}

static const char *member_path(const CgSetEntry *set, const char *name)
{
	for (size_t i = 0; set && i < set->n_ctls; i++) {
		if (!strcmp(set->ctls[i]->name, name))
			return set->ctls[i]->path;
	}
	return NULL;
}

static const char *own_path(const struct cgroup_restore *cg, const char *name)
{
	for (size_t i = 0; i < cg->own.nr; i++) {
		if (!strcmp(cg->own.items[i].name, name))
			return cg->own.items[i].path;
	}
	return NULL;
}

/* @return n_controllers: it was left out of the images */
static size_t hierarchy_of(const struct cgroup_restore *cg, const char *name)
{
	size_t at = 0;
	while (at < cg->entry->n_controllers &&
	       !cgroup_has_controller(cg->entry->controllers[at], name))
		at++;
	return at;
}

/* @param set  where to; NULL: where the engine was. @param from  where it is now; likewise */
static int move(struct cgroup_restore *cg, const CgSetEntry *set, const CgSetEntry *from, pid_t id,
		bool thread, struct error *err)
{
	const CgSetEntry *names = set ? set : from;
	int rc = 0;
	for (size_t i = 0; rc == 0 && names && i < names->n_ctls; i++) {
		const char *name = names->ctls[i]->name;
		const char *own = own_path(cg, name);
		const char *to = member_path(set, name) ?: own;
		const char *now = member_path(from, name) ?: own;
		size_t at = hierarchy_of(cg, name);
		/* a hierarchy that was left out of the images stays as it is */
		if (to && (!now || strcmp(to, now)) && at < cg->entry->n_controllers)
			rc = cgroup_fs_move(cg->dirs.roots[at], name, to, id, thread, err);
	}
	return rc;
}

int cgroups_make(struct restore *r, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	return cg ? cgroup_dirs_make(&cg->dirs, r->work_fd, err) : 0;
}

int cgroups_enter(struct restore *r, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	if (!cg)
		return 0;
	int rc = members_read(AT_FDCWD, "/proc/self/cgroup", &cg->own, err);
	if (rc < 0)
		return rc;
	cg->entered = true;
	return move(cg, thread_set(cg, r->root, 0), NULL, 0, false, err);
}

/* Down from the root of the namespace to be to the root task's group, or the way up. */
static int move_in_namespace(struct cgroup_restore *cg, const CgSetEntry *set, bool up,
			     struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->n_ctls; i++) {
		const CgMemberEntry *m = set->ctls[i];
		size_t at = hierarchy_of(cg, m->name);
		if (!m->has_cgns_prefix || m->cgns_prefix == strlen(m->path) ||
		    at == cg->entry->n_controllers)
			continue;
		auto_free char *top = strndup(m->path, m->cgns_prefix);
		if (!top)
			return error_set(err, ENOMEM, "out of memory");
		rc = cgroup_fs_move(cg->dirs.roots[at], m->name, up ? *top ? top : "/" : m->path, 0,
				    false, err);
	}
	return rc;
}

int cgroups_unshare(struct restore *r, uint32_t id, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	const CgSetEntry *set = cg ? thread_set(cg, r->root, 0) : NULL;
	int rc = set ? move_in_namespace(cg, set, true, err) : 0;
	if (rc == 0)
		rc = userns_enter_owner(r, NS_CGROUP, id, err);
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0)
		rc = error_sys(err, "make a cgroup namespace (needs CAP_SYS_ADMIN)");
	/* who makes it for an owner has done all it was to */
	bool goes_on = rc == 0 && set && !userns_owner_id(r, NS_CGROUP, id);
	return goes_on ? move_in_namespace(cg, set, false, err) : rc;
}

/* To where a namespace begins. */
static int move_to_root(struct cgroup_restore *cg, const CgNamespaceEntry *ns,
			const CgSetEntry *born, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ns->n_roots; i++) {
		const CgMemberEntry *m = ns->roots[i];
		const char *home = member_path(born, m->name) ?: own_path(cg, m->name);
		size_t at = hierarchy_of(cg, m->name);
		if (home && strcmp(home, m->path) && at < cg->entry->n_controllers)
			rc = cgroup_fs_move(cg->dirs.roots[at], m->name, m->path, 0, false, err);
	}
	return rc;
}

int cgroups_unshare_nested(struct restore *r, uint32_t id, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	const CgNamespaceEntry *ns = cg ? cgroup_ns_find(cg->entry, id) : NULL;
	int rc = ns ? move_to_root(cg, ns, thread_set(cg, r->root, 0), err) : 0;
	if (rc == 0)
		rc = userns_enter_owner(r, NS_CGROUP, id, err);
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0)
		rc = error_sys(err, "make a cgroup namespace (needs CAP_SYS_ADMIN)");
	return rc;
}

static int leave(struct restore *r, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	if (!cg->entered)
		return 0;
	cg->entered = false;
	return move(cg, NULL, thread_set(cg, r->root, 0), 0, false, err);
}

static int place_task(struct cgroup_restore *cg, const struct rtask *t, const CgSetEntry *born,
		      struct error *err)
{
	const CgSetEntry *set = thread_set(cg, t, 0);
	int rc = set == born ? 0 : move(cg, set, born, rtask_tid(t, 0), false, err);
	for (size_t i = 1; rc == 0 && rtask_is_living(t) && i < t->nr_threads; i++) {
		const CgSetEntry *own = thread_set(cg, t, i);
		rc = own == set ? 0 : move(cg, own, set, rtask_tid(t, i), true, err);
	}
	return rc;
}

int cgroups_place(struct restore *r, struct error *err)
{
	struct cgroup_restore *cg = r->cgroups;
	if (!cg)
		return 0;
	const CgSetEntry *born = thread_set(cg, r->root, 0);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = rtask_is_living(r->tasks[i]) ? place_task(cg, r->tasks[i], born, err) : 0;
	if (rc == 0)
		rc = leave(r, err);
	return rc < 0 ? rc : cgroup_dirs_set(&cg->dirs, CGROUP_PROP_FULL, err);
}

void cgroups_freeze(struct restore *r)
{
	struct error err;
	if (r->cgroups && cgroup_dirs_set(&r->cgroups->dirs, CGROUP_PROP_LAST, &err) < 0)
		log_warn("%s", err.text);
}

void cgroups_undo(struct restore *r)
{
	struct cgroup_restore *cg = r->cgroups;
	struct error err;
	if (!cg)
		return;
	if (leave(r, &err) < 0)
		log_warn("%s", err.text);
	cgroup_dirs_undo(&cg->dirs);
}

void cgroup_restore_free(struct cgroup_restore *cg)
{
	if (!cg)
		return;
	cgroup_dirs_fini(&cg->dirs);
	proc_cgroups_fini(&cg->own);
	cgroup_entry__free_unpacked(cg->entry, NULL);
	free(cg);
}
