/* SPDX-License-Identifier: MIT
 * Processes tell their number themselves, by /proc/self; threads are looked up.
 */
#include "engine/ns/real-ids.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/context/birth.h"
#include "engine/ns/ns.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"

pid_t real_id_of_self(void)
{
	char text[16];
	ssize_t len = readlinkat(procfs_fd(), "self", text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = 0;
	return atoi(text);
}

/* Its threads as the pid namespace of another knows them; NULL: that one cannot see it. */
static const uint32_t *seen_tids(const struct rtask *t, const struct rtask *by)
{
	size_t nr = by->nr_levels;
	if (!nr)
		return t->tids;
	bool inside = t->nr_levels >= nr && t->levels[nr - 1].ns == by->levels[nr - 1].ns;
	return inside ? t->levels[nr - 1].tids : NULL;
}

uint32_t ids_largest(const struct restore *r, const struct rtask *self)
{
	uint32_t last = 0;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const uint32_t *tids = seen_tids(r->tasks[i], self);
		for (size_t k = 0; tids && k < r->tasks[i]->nr_threads; k++)
			last = tids[k] > last ? tids[k] : last;
	}
	return last;
}

void pid_counter_set(const struct restore *r, const struct rtask *self)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", ids_largest(r, self));
	auto_fd fd = procfs_open("sys/kernel/ns_last_pid", O_WRONLY);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		log_warn("the next process of the tree may get any free pid: "
			 "/proc/sys/kernel/ns_last_pid: %m");
}

static int find_thread(const struct rtask *t, pid_t real, struct error *err)
{
	char path[48];
	struct proc_status status;
	snprintf(path, sizeof(path), "%d/task/%d/status", t->real[0], real);
	int rc = proc_status_read(procfs_fd(), path, &status, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->nr_threads; i++)
		if (rtask_own_tid(t, i) == status.pids[status.ns_pid_depth - 1])
			t->real[i] = real;
	proc_status_fini(&status);
	return 0;
}

static int find_threads(const struct rtask *t, struct error *err)
{
	char path[32];
	struct proc_ids ids = { 0 };
	snprintf(path, sizeof(path), "%d/task", t->real[0]);
	int rc = proc_ids_of_dir(procfs_fd(), path, &ids, err);
	for (size_t i = 0; rc == 0 && i < ids.nr; i++)
		rc = find_thread(t, ids.items[i], err);
	free(ids.items);
	for (size_t i = 0; rc == 0 && i < t->nr_threads; i++)
		if (!t->real[i])
			rc = error_set(err, ESRCH, "thread %u is not there", t->tids[i]);
	return rc < 0 ? error_wrap(err, rc, "task %d", t->pid) : 0;
}

int real_ids_find(struct restore *r, struct error *err)
{
	int rc = 0;
	if (!ns_restores(r, NS_PID))
		return 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		struct rtask *t = r->tasks[i];
		t->real = calloc(t->nr_threads, sizeof(*t->real));
		if (!t->real)
			return error_set(err, ENOMEM, "out of memory");
		t->real[0] = r->shared->slots[t->slot].real;
		if (rtask_is_living(t) && t->nr_threads > 1)
			rc = find_threads(t, err);
	}
	return rc;
}

pid_t real_id_of(const struct restore *r, pid_t pid)
{
	if (!ns_restores(r, NS_PID))
		return pid;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		for (size_t k = 1; t->real && k < t->nr_threads; k++)
			if (t->tids[k] == (uint32_t)pid)
				return t->real[k];
	}
	for (size_t i = 0; i < r->plan->nr; i++)
		if (r->plan->items[i].pid == pid)
			return r->shared->slots[i].real;
	return 0;
}
