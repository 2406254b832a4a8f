/* SPDX-License-Identifier: MIT
 * Freezing a tree: rounds of "seize what is new, wait for it" until a round finds nothing new.
 * All that was known before the last round stood still then, so nothing can have been missed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/task/label.h"
#include "engine/task/seccomp.h"
#include "engine/trace/collect.h"
#include "engine/trace/seize.h"
#include "engine/trace/trace.h"

#define MAX_ROUNDS     1000 /* a tree that forks faster than we look is refused */
#define RETRY_PAUSE_MS 5
#define LATE_MS        1000 /* for threads that had not stopped yet when it was given up */
#define DEATH_MS       10000
#define DEATH_SLICE_MS 20 /* for one thread, before it is the next one's turn */

struct freeze {
	struct dump *d;
	int64_t deadline_ms;
	size_t cap; /* of d->tasks */
};

static bool is_known(const struct dump *d, pid_t pid)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		if (d->tasks[i]->pid == pid)
			return true;
	}
	return false;
}

/* The kernel's words for the id of a thread: EINVAL, since Linux 6.9 ENOENT. */
static int explain_no_pidfd(pid_t pid, struct error *err)
{
	if (errno == EINVAL || errno == ENOENT)
		return error_set(err, EINVAL,
				 "%d is a thread, not a task: name its task (Tgid in "
				 "/proc/%d/status)",
				 pid, pid);
	return error_sys(err, "task %d: pidfd_open", pid);
}

/* 0: done; 1: it went away meanwhile. */
static int task_open(struct task *t, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d", t->pid);
	t->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->proc_fd < 0)
		return errno == ENOENT ? 1 : error_sys(err, "open %s", path);
	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (t->pidfd < 0)
		return errno == ESRCH ? 1 : explain_no_pidfd(t->pid, err);
	return 0;
}

void trace_task_free(struct task *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_threads; i++) {
		arch_regs_fini(&t->threads[i].regs);
		proc_status_fini(&t->threads[i].status);
		free(t->threads[i].siginfos);
		seccomp_thread_fini(&t->threads[i]);
		label_thread_fini(&t->threads[i]);
	}
	free(t->threads);
	proc_status_fini(&t->status);
	free(t->shared_siginfos);
	free(t->timers);
	free(t->fds);
	free(t->policies);
	free(t->ldt);
	trace_free(t->trace);
	fd_close(t->proc_fd);
	fd_close(t->pidfd);
	fd_close(t->mem_fd);
	free(t);
}

static struct task *task_new(pid_t pid, struct task *parent)
{
	struct task *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->pid = pid;
	t->parent = parent;
	t->state = TASK_ALIVE;
	t->proc_fd = t->pidfd = t->mem_fd = -1;
	t->trace = trace_new(pid);
	if (!t->trace) {
		trace_task_free(t);
		return NULL;
	}
	return t;
}

static int tasks_append(struct freeze *f, struct task *t)
{
	struct dump *d = f->d;
	struct task **grown = array_grow_(d->tasks, &f->cap, d->nr_tasks + 1, sizeof(*d->tasks));
	if (!grown)
		return -ENOMEM;
	d->tasks = grown;
	d->tasks[d->nr_tasks++] = t;
	return 0;
}

/* @return 1: added; 0: gone already */
static int task_add(struct freeze *f, pid_t pid, struct task *parent, struct error *err)
{
	if (pid == getpid())
		return error_set(err, EINVAL,
				 "the tree contains stasis itself (%d): start it from elsewhere",
				 pid);
	struct task *t = task_new(pid, parent);
	if (!t)
		return error_set(err, ENOMEM, "out of memory");
	int rc = task_open(t, err);
	if (rc != 0) {
		trace_task_free(t);
		return rc < 0 ? rc : 0;
	}
	struct proc_stat st = { 0 };
	if (!parent) /* of others it is found out when they cannot be stopped */
		rc = proc_stat_read(t->proc_fd, "stat", &st, err);
	if (rc < 0 || st.state == 'X' || st.state == 'x') {
		trace_task_free(t);
		return rc < 0 && rc != -ESRCH ? rc : 0;
	}
	rc = tasks_append(f, t);
	if (rc < 0) {
		trace_task_free(t);
		return error_set(err, ENOMEM, "out of memory");
	}
	return 1;
}

/* Zombies have no thread to seize; one whose other threads live on is refused by trace_seize(). */
static int seize_threads(struct task *t, const struct proc_ids *tids, size_t *nr_new,
			 struct error *err)
{
	if (t->state == TASK_ZOMBIE)
		return 0;
	for (size_t i = 0; i < tids->nr; i++) {
		int rc = trace_seize(t->trace, tids->items[i], err);
		if (rc < 0)
			return rc;
		*nr_new += (size_t)rc;
	}
	struct proc_stat st;
	if (tids->nr == 1 && t->trace->nr == 0 &&
	    proc_stat_read(t->proc_fd, "stat", &st, NULL) == 0 && st.state == 'Z')
		t->state = TASK_ZOMBIE;
	return 0;
}

struct parents {
	const struct task *t;
	const struct proc_ids *tids;
	struct proc_ids children[2]; /* of the first threads, and of those from another on */
};

static int read_children(void *ctx, size_t from, size_t to, struct error *err)
{
	struct parents *p = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++) {
		char path[48];
		snprintf(path, sizeof(path), "task/%d/children", p->tids->items[i]);
		rc = proc_ids_of_children(p->t->proc_fd, path, &p->children[from > 0], err);
	}
	return rc;
}

static int add_some(struct freeze *f, struct task *t, const struct proc_ids *children,
		    size_t *nr_new, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < children->nr; i++) {
		/* a program that asks for its own dump may have started us */
		bool is_self = f->d->opts->self_dump && children->items[i] == getpid();
		if (is_self || is_known(f->d, children->items[i]))
			continue;
		rc = task_add(f, children->items[i], t, err);
		*nr_new += rc > 0;
	}
	return rc < 0 ? rc : 0;
}

static int add_children(struct freeze *f, struct task *t, const struct proc_ids *tids,
			size_t *nr_new, struct error *err)
{
	struct parents p = { .t = t, .tids = tids };
	int rc = run_halves(read_children, &p, tids->nr, tids->nr >= THREADS_PAY, err);
	for (size_t i = 0; i < ARRAY_SIZE(p.children); i++) {
		if (rc == 0)
			rc = add_some(f, t, &p.children[i], nr_new, err);
		free(p.children[i].items);
	}
	return rc;
}

/* There will be another round for threads that were new in this one: theirs are asked for then. */
static bool asks_later(const struct proc_ids *tids, size_t nr_new)
{
	return tids->nr > 1 && nr_new;
}

static int scan_task(struct freeze *f, struct task *t, size_t *nr_new, struct error *err)
{
	struct proc_ids tids = { 0 };
	size_t new_threads = 0;
	int rc = proc_ids_of_dir(t->proc_fd, "task", &tids, err);
	if (rc == -ESRCH) { /* exited and reaped before it could be stopped */
		free(tids.items);
		return 0;
	}
	if (rc == 0)
		rc = seize_threads(t, &tids, &new_threads, err);
	*nr_new += new_threads;
	if (rc == 0 && !asks_later(&tids, new_threads))
		rc = add_children(f, t, &tids, nr_new, err);
	free(tids.items);
	return rc;
}

static int one_round(struct freeze *f, size_t *nr_new, struct error *err)
{
	*nr_new = 0;
	for (size_t i = 0; i < f->d->nr_tasks; i++) { /* grows while it runs */
		int rc = scan_task(f, f->d->tasks[i], nr_new, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < f->d->nr_tasks; i++) {
		int rc = trace_wait_all(f->d->tasks[i]->trace, f->deadline_ms, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int stop_tree(struct freeze *f, pid_t root, struct error *err)
{
	int rc = task_add(f, root, NULL, err);
	if (rc == 0)
		return error_set(err, ESRCH,
				 "there is no process %d here: stasis takes pids of the pid "
				 "namespace that it runs in",
				 root);
	char name[32];
	size_t nr_new = 1;
	for (int round = 0; rc >= 0 && nr_new > 0; round++) {
		if (round == MAX_ROUNDS || (round > 1 && clock_ms() > f->deadline_ms))
			return error_set(
			    err, ETIMEDOUT,
			    "%s: new tasks keep appearing below it: freeze its cgroup "
			    "meanwhile (--freeze-cgroup), or give it more time (--timeout)",
			    trace_name(root, name));
		rc = one_round(f, &nr_new, err);
	}
	return rc < 0 ? rc : 0;
}

void trace_release(struct dump *d, enum trace_end how)
{
	for (size_t i = 0; i < d->nr_tasks; i++) {
		struct task *t = d->tasks[i];
		if (!t->trace || t->trace->nr == 0)
			continue;
		if (how == TRACE_KILL)
			kill(t->pid, SIGKILL);
		else if (how == TRACE_STOP)
			kill(t->pid, SIGSTOP);
	}
	for (size_t i = 0; how != TRACE_KILL && i < d->nr_tasks; i++)
		trace_detach(d->tasks[i]->trace);
	/* Those that have stopped unnoticed first: others may wait for them. */
	int64_t deadline_ms = clock_ms() + LATE_MS;
	for (int64_t until = 0; how != TRACE_KILL && until <= deadline_ms; until += deadline_ms) {
		for (size_t i = 0; i < d->nr_tasks; i++)
			trace_detach_late(d->tasks[i]->trace, until);
	}
}

/* Children first. Who is last in the init of a pid namespace waits until all that were in it have
 * been waited for, its other threads as well: nobody is waited for alone. */
void trace_await_death(struct dump *d)
{
	int64_t deadline_ms = clock_ms() + DEATH_MS;
	for (bool left = true; left && clock_ms() < deadline_ms;) {
		left = false;
		for (size_t i = d->nr_tasks; i-- > 0;) {
			int64_t slice_ms = clock_ms() + DEATH_SLICE_MS;
			int64_t until_ms = slice_ms < deadline_ms ? slice_ms : deadline_ms;
			if (d->tasks[i]->trace && trace_wait_dead(d->tasks[i]->trace, until_ms) < 0)
				left = true;
		}
	}
	for (size_t i = d->nr_tasks; i-- > 0;) {
		const struct task *t = d->tasks[i];
		if (t->trace && trace_wait_dead(t->trace, 0) < 0)
			log_warn(TASK_FMT ": killed, but not gone after %d s: it waits in the "
					  "kernel; what it holds is free when it has ended",
				 TASK_ARGS(t), DEATH_MS / 1000);
	}
}

/* Let everybody go for a moment: a child of vfork has to exec or exit before its parent stops. */
static void start_over(struct freeze *f)
{
	const struct timespec pause = { .tv_nsec = RETRY_PAUSE_MS * 1000000L };
	struct dump *d = f->d;
	trace_release(d, TRACE_RESUME);
	for (size_t i = 0; i < d->nr_tasks; i++)
		trace_task_free(d->tasks[i]);
	d->nr_tasks = 0;
	nanosleep(&pause, NULL);
}

/* Parents were added before their children; the image wants each child right below its parent. */
static void add_subtree(struct dump *d, struct task *t, struct task **out, size_t *nr)
{
	out[(*nr)++] = t;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		if (d->tasks[i]->parent == t)
			add_subtree(d, d->tasks[i], out, nr);
	}
}

static int sort_depth_first(struct dump *d, struct error *err)
{
	struct task **sorted = calloc(d->nr_tasks, sizeof(*sorted));
	if (!sorted)
		return error_set(err, ENOMEM, "out of memory");
	size_t nr = 0;
	add_subtree(d, d->tasks[0], sorted, &nr);
	free(d->tasks);
	d->tasks = sorted;
	return 0;
}

static int read_tasks(void *ctx, size_t from, size_t to, struct error *err)
{
	const struct dump *d = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = trace_read(d->tasks[i], err);
	return rc;
}

/* What is known of everybody, once all stand still. */
static int stop_and_collect(struct freeze *f, pid_t root, struct error *err)
{
	auto_label_host host = { 0 };
	int rc = stop_tree(f, root, err);
	size_t nr = f->d->nr_tasks;
	if (rc == 0)
		rc = label_host_find(procfs_fd(), &host, err);
	if (rc == 0)
		rc = run_halves(read_tasks, f->d, nr, nr >= TASKS_PAY, err);
	for (size_t i = 0; rc == 0 && i < f->d->nr_tasks; i++)
		rc = trace_collect(f->d->tasks[i], &host, err);
	return rc;
}

int trace_freeze(struct dump *d, pid_t root, struct error *err)
{
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL); /* for sigtimedwait() */

	struct freeze f = { .d = d, .deadline_ms = d->deadline_ms };
	int64_t start = clock_us();
	int rc = stop_and_collect(&f, root, err);
	while (rc == -EAGAIN && clock_ms() < f.deadline_ms) {
		start_over(&f);
		rc = stop_and_collect(&f, root, err);
	}
	d->stats.freezing_time += (uint32_t)(clock_us() - start);
	if (rc == 0)
		rc = trace_drop_gone(d, err);
	if (rc == 0)
		rc = sort_depth_first(d, err);
	if (rc == 0)
		rc = trace_share_ids(d, err);
	if (rc < 0)
		trace_release(d, TRACE_RESUME);
	return rc;
}
