/* SPDX-License-Identifier: MIT
 * The process tree of a set: who is whose child, who has which threads.
 */
#include "engine/task/pstree.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/pid-limit.h"
#include "engine/ns/pid.h"
#include "engine/task/core.h"
#include "images/reader.h"
#include "images/writer.h"

#define NR_SIGNALS 64

static int write_entry(struct image_writer *w, const struct task *t, struct error *err)
{
	auto_free uint32_t *threads = calloc(t->nr_threads, sizeof(*threads));
	if (!threads)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < t->nr_threads; i++)
		threads[i] = (uint32_t)t->threads[i].vtid;
	PstreeEntry e = PSTREE_ENTRY__INIT;
	e.pid = (uint32_t)t->vpid;
	e.ppid = (uint32_t)t->ppid;
	e.pgid = (uint32_t)t->pgid;
	e.sid = (uint32_t)t->sid;
	e.n_threads = t->nr_threads;
	e.threads = threads;
	/* that of the root is for who restores it */
	e.has_exit_signal = t->parent && t->stat.exit_signal != SIGCHLD && t->stat.exit_signal >= 0;
	e.exit_signal = e.has_exit_signal ? (uint32_t)t->stat.exit_signal : 0;
	int rc = pidns_dump(t, &e, err);
	if (rc == 0)
		rc = image_write(w, &e.base, err);
	pidns_free_levels(&e);
	return rc;
}

int pstree_dump(struct dump *d, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_PSTREE, 0, &w, err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = write_entry(w, d->tasks[i], err);
	return rc < 0 ? rc : image_finish(w, err);
}

struct rtask_list {
	struct rtask **items;
	size_t nr, cap;
};

static struct rtask *find(const struct rtask_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (list->items[i]->pid == pid)
			return list->items[i];
	}
	return NULL;
}

static bool valid_id(uint32_t id)
{
	return id > 0 && id < PID_LIMIT;
}

static int check_entry(const PstreeEntry *e, struct error *err)
{
	if (!valid_id(e->pid))
		return error_set(err, EBADMSG, "pid %u is out of range", e->pid);
	if (e->pgid >= PID_LIMIT || e->sid >= PID_LIMIT || e->ppid >= PID_LIMIT)
		return error_set(err, EBADMSG, "pid %u: ppid, pgid or sid is out of range", e->pid);
	if (e->has_exit_signal && e->exit_signal > NR_SIGNALS)
		return error_set(err, EBADMSG, "pid %u: exit_signal: no signal has number %u",
				 e->pid, e->exit_signal);
	if (!e->n_threads)
		return error_set(err, EBADMSG, "pid %u has no threads", e->pid);
	if (e->n_threads == 1)
		return 0; /* the leader: of a zombie, CRIU writes whatever was in its memory */
	bool leader = false;
	for (size_t i = 0; i < e->n_threads; i++) {
		if (!valid_id(e->threads[i]))
			return error_set(err, EBADMSG, "pid %u: thread id %u is out of range",
					 e->pid, e->threads[i]);
		leader |= e->threads[i] == e->pid;
	}
	return leader ? 0 : error_set(err, EBADMSG, "pid %u is not among its threads", e->pid);
}

/* The leader comes first, whatever the order in the image. */
static int copy_threads(struct rtask *t, const PstreeEntry *e)
{
	t->tids = calloc(e->n_threads, sizeof(*t->tids));
	if (!t->tids)
		return -ENOMEM;
	t->tids[t->nr_threads++] = e->pid;
	for (size_t i = 0; i < e->n_threads; i++) {
		if (e->threads[i] == e->pid || t->nr_threads == e->n_threads)
			continue;
		t->tids[t->nr_threads++] = e->threads[i];
	}
	return 0;
}

static int add_child(struct rtask *parent, struct rtask *t)
{
	size_t nr = parent->nr_children;
	struct rtask **grown = reallocarray(parent->children, nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[nr] = t;
	parent->children = grown;
	parent->nr_children = nr + 1;
	t->parent = parent;
	return 0;
}

static int link_to_parent(struct rtask_list *list, struct rtask *t, struct error *err)
{
	if (list->nr == 1)
		return 0; /* the root: its parent stays outside */
	struct rtask *parent = find(list, t->ppid);
	if (!parent || parent == t)
		return error_set(err, EBADMSG, "pid %d: its parent %d is not before it", t->pid,
				 t->ppid);
	return add_child(parent, t) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int add_entry(struct rtask_list *list, const PstreeEntry *e, struct error *err)
{
	int rc = check_entry(e, err);
	if (rc < 0)
		return rc;
	if (find(list, (pid_t)e->pid))
		return error_set(err, EBADMSG, "pid %u is there twice", e->pid);
	struct rtask **place = array_add(list);
	struct rtask *t = place ? calloc(1, sizeof(*t)) : NULL;
	if (!t) {
		list->nr -= place != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	*place = t;
	t->pid = (pid_t)e->pid;
	t->ppid = (pid_t)e->ppid;
	t->pgid = (pid_t)e->pgid;
	t->sid = (pid_t)e->sid;
	t->exit_signal = e->has_exit_signal && list->nr > 1 ? (int)e->exit_signal : SIGCHLD;
	t->state = TASK_ALIVE;
	if (copy_threads(t, e) < 0)
		return error_set(err, ENOMEM, "out of memory");
	rc = pidns_load(t, e, err);
	return rc < 0 ? rc : link_to_parent(list, t, err);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* One id, one thread, in the whole tree. */
static int check_unique(const struct rtask_list *list, struct error *err)
{
	size_t total = 0, nr = 0;
	for (size_t i = 0; i < list->nr; i++)
		total += list->items[i]->nr_threads;
	auto_free uint32_t *ids = calloc(total + 1, sizeof(*ids));
	if (!ids)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < list->nr; i++) {
		const struct rtask *t = list->items[i];
		memcpy(ids + nr, t->tids, t->nr_threads * sizeof(*ids));
		nr += t->nr_threads;
	}
	qsort(ids, nr, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < nr; i++) {
		if (ids[i] == ids[i - 1])
			return error_set(err, EBADMSG, "thread id %u is there twice", ids[i]);
	}
	return 0;
}

static int read_entries(struct image_reader *in, struct rtask_list *list, struct error *err)
{
	for (size_t nr = 0;; nr++) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(in, &msg, err);
		if (rc <= 0)
			return rc;
		rc = add_entry(list, (const PstreeEntry *)msg, err);
		if (rc < 0)
			return error_wrap(err, rc, "pstree.img: entry %zu", nr);
	}
}

int pstree_load(struct restore *r, struct error *err)
{
	auto_image_reader in = NULL;
	struct rtask_list list = { 0 };
	int rc = image_open_typed(r->images, IMG_PSTREE, 0, &in, err);
	if (rc == 0)
		rc = read_entries(in, &list, err);
	r->tasks = list.items;
	r->nr_tasks = list.nr;
	if (rc < 0)
		return rc;
	if (!list.nr)
		return error_set(err, EBADMSG, "pstree.img: no task in it");
	r->root = list.items[0];
	rc = check_unique(&list, err);
	return rc < 0 ? error_wrap(err, rc, "pstree.img") : 0;
}

void pstree_free(struct restore *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct rtask *t = r->tasks[i];
		free(t->cores);
		vma_list_fini(&t->vmas);
		free(t->children);
		pidns_unload(t);
		free(t->tids);
		free(t->real);
		free(t);
	}
	free(r->tasks);
	r->tasks = NULL;
	r->nr_tasks = 0;
	r->root = NULL;
}
