/* SPDX-License-Identifier: MIT
 * Process ids and sessions.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/compat/check.h"

struct pid_list {
	uint32_t *items;
	size_t nr, cap;
};

static void pid_list_fini(struct pid_list *list)
{
	free(list->items);
}

static int pid_compare(const void *a_, const void *b_)
{
	uint32_t a = *(const uint32_t *)a_, b = *(const uint32_t *)b_;
	return (a > b) - (a < b);
}

static int pid_add(struct pid_list *list, uint32_t pid)
{
	uint32_t *slot = pid ? array_add(list) : NULL;
	if (slot)
		*slot = pid;
	return slot || !pid ? 0 : -ENOMEM;
}

/* Threads; groups and sessions whose leaders are gone need their numbers as well. */
static int pids_collect(struct compat *c, struct pid_list *out, struct error *err)
{
	for (size_t i = 0; i < checkpoint_nr_processes(c->cp); i++) {
		const struct process *p = checkpoint_process(c->cp, i);
		if (!compat_wants(c, p))
			continue;
		int rc = pid_add(out, p->pid);
		for (size_t k = 0; rc == 0 && k < p->entry->n_threads; k++)
			rc = pid_add(out, process_thread(p, k));
		if (rc == 0 && checkpoint_find(c->cp, p->entry->sid))
			rc = pid_add(out, p->entry->pgid);
		if (rc < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), pid_compare);
	return 0;
}

/* @return 1 with the name of the task that has it; 0: free */
static int pid_in_use(uint32_t pid, struct strbuf *comm)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	strbuf_reset(comm);
	if (file_read_at(AT_FDCWD, path, comm, NULL) < 0)
		return 0;
	if (comm->data)
		comm->data[strcspn(comm->data, "\n")] = '\0';
	return 1;
}

static uint64_t pid_limit(void)
{
	auto_strbuf text = { 0 };
	if (file_read_at(AT_FDCWD, "/proc/sys/kernel/pid_max", &text, NULL) < 0 || !text.data)
		return UINT64_MAX;
	return strtoull(text.data, NULL, 10);
}

static int check_pids(struct compat *c, struct error *err)
{
	__attribute__((cleanup(pid_list_fini))) struct pid_list pids = { 0 };
	auto_strbuf comm = { 0 };
	int rc = pids_collect(c, &pids, err);
	if (rc < 0 || !pids.nr)
		return rc;
	enum answer own = own_namespace(c, CLONE_NEWPID);
	if (own != ANSWER_NO) {
		compat_say(c, CHECK_PID, own, NULL,
			   own == ANSWER_YES ? "a pid namespace of its own: all are free"
					     : "whether the pid namespace is its own is not known");
		return 0;
	}
	uint32_t last = pids.items[pids.nr - 1];
	size_t different = 0, used = 0;
	uint64_t limit = pid_limit();
	if (last >= limit)
		compat_say(c, CHECK_PID, ANSWER_NO, NULL,
			   "%" PRIu32 " is needed, pid_max is %" PRIu64 " here", last, limit);
	for (size_t i = 0; i < pids.nr; i++) {
		char object[16];
		if (i && pids.items[i] == pids.items[i - 1])
			continue;
		different++;
		if (!pid_in_use(pids.items[i], &comm))
			continue;
		used++;
		snprintf(object, sizeof(object), "%" PRIu32, pids.items[i]);
		compat_say(c, CHECK_PID, ANSWER_NO, object, "is in use by %s", comm.data ?: "?");
	}
	if (used < different)
		compat_say(c, CHECK_PID, ANSWER_YES, NULL, "free: %zu of %zu", different - used,
			   different);
	return 0;
}

static void check_session(struct compat *c)
{
	for (size_t i = 0; i < checkpoint_nr_processes(c->cp); i++) {
		const struct process *p = checkpoint_process(c->cp, i);
		if (p->parent || checkpoint_find(c->cp, p->entry->sid) || !p->entry->sid)
			continue;
		char object[16];
		snprintf(object, sizeof(object), "%" PRIu32, p->entry->sid);
		compat_say(c, CHECK_SESSION, ANSWER_UNKNOWN, object,
			   "of process %" PRIu32
			   " is outside: restore with --shell-job, from a shell",
			   p->pid);
		return;
	}
	compat_say(c, CHECK_SESSION, ANSWER_YES, NULL, "in the tree");
}

int compat_tasks(struct compat *c, struct error *err)
{
	int rc = check_pids(c, err);
	if (rc == 0)
		check_session(c);
	return rc;
}
