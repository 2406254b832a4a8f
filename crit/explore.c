/* SPDX-License-Identifier: MIT
 * The list of tasks that every report of `crit x` walks, and its tree.
 */
#include "crit/explore.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "crit/text.h"

#define STATE_DEAD   2 /* task_state as the engine writes it; README of the format */
#define STATE_ZOMBIE 6

void task_list_fini(struct task_list *tasks)
{
	for (size_t i = 0; i < tasks->nr; i++) {
		if (tasks->items[i])
			protobuf_c_message_free_unpacked(&tasks->items[i]->base, NULL);
	}
	free(tasks->items);
	*tasks = (struct task_list){ 0 };
}

int task_list_read(struct source *src, struct task_list *out, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open_typed(src, IMG_PSTREE, 0, &r, err);
	while (rc >= 0) {
		ProtobufCMessage *msg;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		PstreeEntry **item = array_add(out);
		if (!item) {
			protobuf_c_message_free_unpacked(msg, NULL);
			return error_set(err, ENOMEM, "pstree.img: out of memory");
		}
		*item = (PstreeEntry *)msg;
	}
	return rc;
}

bool task_is_zombie(struct source *src, uint32_t pid)
{
	auto_message ProtobufCMessage *msg = NULL;
	if (image_read_one(src, IMG_CORE, pid, &msg, NULL) < 0)
		return false;
	const TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	return tc && (tc->task_state == STATE_DEAD || tc->task_state == STATE_ZOMBIE);
}

int task_image_read(struct source *src, enum image_id type, uint32_t pid, uint64_t id,
		    ProtobufCMessage **out, struct error *err)
{
	int rc = image_read_one(src, type, id, out, err);
	if (rc == -ENOENT && task_is_zombie(src, pid)) {
		printf("\tzombie\n");
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* A task in the tree; indexes into the list, -1: none. */
struct node {
	ssize_t parent, first, last, next;
};

struct pid_index {
	uint32_t pid;
	size_t index;
};

static int pid_compare(const void *a_, const void *b_)
{
	const struct pid_index *a = a_, *b = b_;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Link children to parents in list order; a task whose parent is not in the list is a root. */
static int tree_build(const struct task_list *tasks, struct node **out)
{
	size_t nr = tasks->nr;
	auto_free struct node *nodes = calloc(nr + 1, sizeof(*nodes));
	auto_free struct pid_index *pids = calloc(nr + 1, sizeof(*pids));
	if (!nodes || !pids)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		pids[i] = (struct pid_index){ tasks->items[i]->pid, i };
		nodes[i] = (struct node){ -1, -1, -1, -1 };
	}
	qsort(pids, nr, sizeof(*pids), pid_compare);
	for (size_t i = 0; i < nr; i++) {
		struct pid_index key = { tasks->items[i]->ppid, 0 };
		size_t low = 0, high = nr;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (pid_compare(&pids[middle], &key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == nr || pids[low].pid != key.pid || !key.pid || pids[low].index == i)
			continue;
		struct node *parent = &nodes[pids[low].index];
		nodes[i].parent = (ssize_t)pids[low].index;
		if (parent->last >= 0)
			nodes[parent->last].next = (ssize_t)i;
		else
			parent->first = (ssize_t)i;
		parent->last = (ssize_t)i;
	}
	*out = take_ptr(nodes);
	return 0;
}

static int task_print(struct source *src, const PstreeEntry *task, int depth, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(src, IMG_CORE, task->pid, &msg, err);
	if (rc < 0)
		return rc;
	const TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	printf("%7d%7d%7d   %*s", (int)task->pid, (int)task->pgid, (int)task->sid, depth * 4, "");
	text_print(tc && tc->comm ? tc->comm : "?");
	putchar('\n');
	return 0;
}

/* Children before siblings, without recursion: the depth comes from the image. */
static int subtree_print(struct source *src, const struct task_list *tasks,
			 const struct node *nodes, ssize_t root, struct error *err)
{
	int depth = 0;
	for (ssize_t at = root;;) {
		int rc = task_print(src, tasks->items[at], depth, err);
		if (rc < 0)
			return rc;
		if (nodes[at].first >= 0) {
			at = nodes[at].first;
			depth++;
			continue;
		}
		while (at != root && nodes[at].next < 0) {
			at = nodes[at].parent;
			depth--;
		}
		if (at == root)
			return 0;
		at = nodes[at].next;
	}
}

int explore_ps(struct source *src, struct error *err)
{
	auto_task_list tasks = { 0 };
	auto_free struct node *nodes = NULL;
	int rc = task_list_read(src, &tasks, err);
	if (rc < 0)
		return rc;
	if (tree_build(&tasks, &nodes) < 0)
		return error_set(err, ENOMEM, "pstree.img: out of memory");
	printf("%7s%7s%7s   %s\n", "PID", "PGID", "SID", "COMM");
	for (size_t i = 0; i < tasks.nr; i++) {
		if (nodes[i].parent >= 0)
			continue;
		rc = subtree_print(src, &tasks, nodes, (ssize_t)i, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
