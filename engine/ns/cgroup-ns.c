/* SPDX-License-Identifier: MIT
 * Where a cgroup namespace begins can be told by comparing what a path is outside and inside.
 */
#include "engine/ns/cgroup-ns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/message.h"
#include "images/reader.h"

static bool is_nested(const struct dump *d, const struct ns_seen *ns)
{
	return ns->kind == NS_CGROUP && !ns->own && ns->id != ns_id(d->tasks[0], NS_CGROUP);
}

static int read_groups(const struct task *t, struct proc_cgroups *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(t->proc_fd, "cgroup", &text, err);
	return rc < 0 ? rc : proc_cgroups_parse(text.data ? text.data : "", text.len, out, err);
}

static int read_inside(const struct ns_seen *ns, const struct task *t, struct proc_cgroups *out,
		       struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = read_groups(t, out, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

/* @return the path without what is below the root of the namespace; NULL: it is outside of that */
static char *path_of_root(const struct proc_cgroup *full, const struct proc_cgroup *inside)
{
	size_t rest = strcmp(inside->path, "/") ? strlen(inside->path) : 0;
	size_t len = strlen(full->path);
	if (!strncmp(inside->path, "/..", 3) || rest > len ||
	    (rest && strcmp(full->path + len - rest, inside->path) != 0))
		return NULL;
	return rest < len ? strndup(full->path, len - rest) : strdup("/");
}

static int fill_one(const struct task *t, const struct proc_cgroup *full,
		    const struct proc_cgroup *inside, CgMemberEntry *out, struct error *err)
{
	out->name = strdup(full->name);
	out->path = path_of_root(full, inside);
	if (!out->path)
		return error_set(err, ENOTSUP,
				 TASK_FMT " is in control group %s:%s, outside of its cgroup "
					  "namespace: move it below the namespace's root first",
				 TASK_ARGS(t), inside->name, inside->path);
	return out->name ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int fill(const struct task *t, const struct proc_cgroups *full,
		const struct proc_cgroups *inside, CgNamespaceEntry *e, struct error *err)
{
	int rc = 0;
	e->roots = message_array(&cg_member_entry__descriptor, full->nr, &e->n_roots);
	if (full->nr && !e->roots)
		return error_set(err, ENOMEM, "out of memory");
	if (inside->nr != full->nr)
		return error_set(err, EPROTO, "hierarchies of control groups come and go");
	for (size_t i = 0; rc == 0 && i < full->nr; i++)
		rc = fill_one(t, &full->items[i], &inside->items[i], e->roots[i], err);
	return rc;
}

/* @param t  in a group below its root */
static int read_roots(const struct ns_seen *ns, const struct task *t, CgNamespaceEntry *e,
		      struct error *err)
{
	struct proc_cgroups full = { 0 }, inside = { 0 };
	e->id = ns->id;
	int rc = read_groups(t, &full, err);
	if (rc == 0)
		rc = read_inside(ns, t, &inside, err);
	if (rc == 0)
		rc = fill(t, &full, &inside, e, err);
	proc_cgroups_fini(&full);
	proc_cgroups_fini(&inside);
	return rc;
}

static int read_held(const struct dump *d, const struct ns_seen *ns, CgNamespaceEntry **out,
		     struct error *err)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		auto_message CgNamespaceEntry *e = message_new(&cg_namespace_entry__descriptor);
		if (!e)
			return error_set(err, ENOMEM, "out of memory");
		if (d->tasks[i]->state == TASK_ZOMBIE || read_roots(ns, d->tasks[i], e, NULL) < 0)
			continue;
		*out = take_ptr(e);
		return 0;
	}
	return error_set(err, ENOTSUP,
			 "cgroup namespace %lu: no task of the tree is in it, nor in a control "
			 "group that it shows, so where it begins cannot be told: close it before "
			 "the dump",
			 (unsigned long)ns->ino);
}

/* @param out  owned by the caller, on failure, too */
static int read_one(const struct dump *d, const struct ns_seen *ns, CgNamespaceEntry **out,
		    struct error *err)
{
	*out = NULL;
	if (!ns->member)
		return read_held(d, ns, out, err);
	*out = message_new(&cg_namespace_entry__descriptor);
	return *out ? read_roots(ns, ns->member, *out, err)
		    : error_set(err, ENOMEM, "out of memory");
}

int cgroup_ns_collect(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	auto_message CgNamespaceEntry *e = NULL;
	return is_nested(d, ns) ? read_one(d, ns, &e, err) : 0;
}

bool cgroup_ns_has_nested(const struct dump *d)
{
	for (size_t i = 0; i < d->ns->nr; i++)
		if (is_nested(d, &d->ns->items[i]))
			return true;
	return false;
}

int cgroup_ns_dump(const struct dump *d, CgroupEntry *e, struct error *err)
{
	int rc = 0;
	e->namespaces = calloc(d->ns->nr + 1, sizeof(*e->namespaces));
	if (!e->namespaces)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++) {
		CgNamespaceEntry *one = NULL;
		if (is_nested(d, &d->ns->items[i]))
			rc = read_one(d, &d->ns->items[i], &one, err);
		if (one)
			e->namespaces[e->n_namespaces++] = one;
	}
	return rc;
}

const CgNamespaceEntry *cgroup_ns_find(const CgroupEntry *e, uint32_t id)
{
	for (size_t i = 0; i < e->n_namespaces; i++)
		if (e->namespaces[i]->id == id)
			return e->namespaces[i];
	return NULL;
}
