/* SPDX-License-Identifier: MIT
 * The reports of `crit x`, each on standard output.
 */
#pragma once

#include "images/reader.h"
#include "images/source.h"
#include "task.pb-c.h"

int explore_ps(struct source *src, struct error *err);
int explore_fds(struct source *src, struct error *err);
int explore_mems(struct source *src, struct error *err);
int explore_rss(struct source *src, struct error *err);

/* The tasks of a checkpoint, in the order of pstree.img. */
struct task_list {
	PstreeEntry **items;
	size_t nr, cap;
};
int task_list_read(struct source *src, struct task_list *out, struct error *err);
void task_list_fini(struct task_list *tasks);
#define auto_task_list __attribute__((cleanup(task_list_fini))) struct task_list

/** Whether the task is dead and only waits for its parent: it has neither memory nor files. */
bool task_is_zombie(struct source *src, uint32_t pid);
/**
 * An image of a task that zombies do not have: the line that says so is printed for them.
 * @return 1; 0 for a zombie; -errno
 */
int task_image_read(struct source *src, enum image_id type, uint32_t pid, uint64_t id,
		    ProtobufCMessage **out, struct error *err);
