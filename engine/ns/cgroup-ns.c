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

static int read_inside(const struct ns_seen *ns, struct proc_cgroups *out, struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = read_groups(ns->member, out, err);
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

static int fill(const struct ns_seen *ns, const struct proc_cgroups *full,
		const struct proc_cgroups *inside, CgNamespaceEntry *e, struct error *err)
{
	int rc = 0;
	e->roots = message_array(&cg_member_entry__descriptor, full->nr, &e->n_roots);
	if (full->nr && !e->roots)
		return error_set(err, ENOMEM, "out of memory");
	if (inside->nr != full->nr)
		return error_set(err, EPROTO, "hierarchies of control groups come and go");
	for (size_t i = 0; rc == 0 && i < full->nr; i++)
		rc = fill_one(ns->member, &full->items[i], &inside->items[i], e->roots[i], err);
	return rc;
}

static int read_roots(const struct ns_seen *ns, CgNamespaceEntry *e, struct error *err)
{
	struct proc_cgroups full = { 0 }, inside = { 0 };
	e->id = ns->id;
	int rc = read_groups(ns->member, &full, err);
	if (rc == 0)
		rc = read_inside(ns, &inside, err);
	if (rc == 0)
		rc = fill(ns, &full, &inside, e, err);
	proc_cgroups_fini(&full);
	proc_cgroups_fini(&inside);
	return rc;
}

int cgroup_ns_collect(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	if (!is_nested(d, ns))
		return 0;
	auto_message CgNamespaceEntry *e = message_new(&cg_namespace_entry__descriptor);
	return e ? read_roots(ns, e, err) : error_set(err, ENOMEM, "out of memory");
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
	size_t nr = 0;
	for (size_t i = 0; i < d->ns->nr; i++)
		nr += is_nested(d, &d->ns->items[i]);
	if (!nr)
		return 0;
	e->namespaces = message_array(&cg_namespace_entry__descriptor, nr, &e->n_namespaces);
	if (!e->namespaces)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++)
		if (is_nested(d, &d->ns->items[i]))
			rc = read_roots(&d->ns->items[i], e->namespaces[--nr], err);
	return rc;
}

const CgNamespaceEntry *cgroup_ns_find(const CgroupEntry *e, uint32_t id)
{
	for (size_t i = 0; i < e->n_namespaces; i++)
		if (e->namespaces[i]->id == id)
			return e->namespaces[i];
	return NULL;
}
