/* SPDX-License-Identifier: MIT
 * One dump, from the first descriptor to the last task let go.
 */
#include "engine/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/context/dump.h"
#include "engine/context/hooks.h"
#include "engine/context/interrupt.h"
#include "engine/context/shortage.h"
#include "engine/dirs.h"
#include "engine/dump-again.h"
#include "engine/dump-set.h"
#include "engine/files/file.h"
#include "engine/inventory.h"
#include "engine/mem/mem.h"
#include "engine/mem/pages.h"
#include "engine/mem/sysv.h"
#include "engine/net/hold.h"
#include "engine/net/net.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/freezer.h"
#include "engine/ns/mnt-nsfs.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/ns.h"
#include "engine/ns/time.h"
#include "engine/ns/user.h"
#include "engine/stats.h"
#include "engine/task/core.h"
#include "engine/trace/collect.h"
#include "engine/trace/seize.h"
#include "engine/trace/trace.h"

static bool is_alive(const struct task *t)
{
	return t->state != TASK_ZOMBIE;
}

/* Is it quicker for two? */
static bool is_large(const struct dump *d)
{
	size_t nr = 0;
	for (size_t i = 0; i < d->nr_tasks; i++)
		nr += d->tasks[i]->nr_threads;
	return d->nr_tasks >= TASKS_PAY || nr >= THREADS_PAY;
}

/* Sessions that begin outside of the tree need somebody to restore into one. */
static int check_root(const struct dump *d, struct error *err)
{
	const struct task *root = d->tasks[0];
	if (!is_alive(root))
		return error_set(err, ESRCH, TASK_FMT " has ended and is a zombie: nothing to dump",
				 TASK_ARGS(root));
	if (root->sid != root->vpid && !d->opts->shell_job)
		return error_set(err, EINVAL,
				 TASK_FMT " is no session leader (its session is %d): "
					  "start it with setsid, or use --shell-job",
				 TASK_ARGS(root), root->sid);
	return 0;
}

static int not_owned(pid_t pid, uid_t owner, struct error *err)
{
	return error_set(err, EPERM, "pid %d is not user %u's own: ask root", pid, owner);
}

/* The owner of /proc/PID is root where a task guards itself (PR_SET_DUMPABLE, privileges) */
static int check_root_owner(const struct dump *d, struct error *err)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d", d->opts->pid);
	if (!d->opts->owned_only || stat(path, &st) < 0 || st.st_uid == d->opts->owner)
		return 0;
	return not_owned(d->opts->pid, d->opts->owner, err);
}

static int check_owner(const struct dump *d, const struct task *t, struct error *err)
{
	uid_t owner = d->opts->owner;
	struct stat st = { .st_uid = owner };
	if (t->proc_fd >= 0 && fstat(t->proc_fd, &st) < 0)
		return error_sys(err, "pid %d: stat /proc/%d", t->pid, t->pid);
	bool owned = st.st_uid == owner;
	for (size_t i = 0; owned && i < t->nr_threads; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(t->threads[i].status.uids); k++)
			owned = owned && t->threads[i].status.uids[k] == owner;
	}
	return owned ? 0 : not_owned(t->pid, owner, err);
}

/* The kernel takes its time to write these files. */
static int read_mappings(void *ctx, size_t from, size_t to, struct error *err)
{
	const struct dump *d = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = is_alive(d->tasks[i]) ? mem_read(d->tasks[i], err) : 0;
	return rc;
}

/* Everything that could make us say no, before anything is changed or written. */
static int collect(struct dump *d, struct error *err)
{
	int rc = check_root(d, err);
	if (rc == 0)
		rc = ns_collect(d, err);
	if (rc == 0)
		rc = net_dump_begin(d, err);
	if (rc == 0)
		rc = ns_dump_begin(d, err);
	if (rc == 0)
		rc = net_dump_early(d, err);
	sched_host_read(&d->sched);
	for (size_t i = 0; rc == 0 && d->opts->owned_only && i < d->nr_tasks; i++)
		rc = check_owner(d, d->tasks[i], err);
	if (rc == 0)
		rc = run_halves(read_mappings, d, d->nr_tasks, d->nr_tasks >= TASKS_PAY, err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = is_alive(d->tasks[i]) ? mem_collect(d, d->tasks[i], err) : 0;
	if (rc == 0)
		rc = sysv_collect(d, err);
	return rc < 0 ? rc : userns_collect(d, err);
}

/* From where the task stands, so that paths lead where they lead for it. */
static int write_files_of(struct dump *d, struct task *t, struct error *err)
{
	struct ns_mount_place back;
	struct error late;
	int rc = interrupt_check(err);
	if (rc == 0)
		rc = ns_mount_enter(t, &back, err);
	if (rc < 0)
		return rc;
	rc = files_dump_task(d, t, err);
	int left = ns_mount_leave(&back, rc < 0 ? &late : err);
	return rc < 0 ? rc : left;
}

/* Descriptors of all tasks come before the memory of any: they are what is refused most. */
static int write_files(struct dump *d, struct error *err)
{
	int rc = mnt_nsfs_collect(d, err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = is_alive(d->tasks[i]) ? write_files_of(d, d->tasks[i], err) : 0;
	if (rc == 0)
		rc = files_dump_settle(d, err);
	return rc == 0 ? net_dump_check(d, err) : rc;
}

static int write_cores(void *ctx, struct error *err)
{
	struct dump *d = ctx;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = task_dump_cores(d, d->tasks[i], err);
	return rc;
}

struct memory {
	struct dump *d;
	struct mem_run_list *pages; /* of each task, to be written */
	bool two;                   /* write them */
};

static int write_pages(void *ctx, size_t from, size_t to, struct error *err)
{
	const struct memory *m = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = is_alive(m->d->tasks[i])
			 ? pages_dump_task(m->d, m->d->tasks[i], &m->pages[i], err)
			 : 0;
	return rc;
}

static int write_memory(void *ctx, struct error *err)
{
	const struct memory *m = ctx;
	struct dump *d = m->d;
	int64_t start = clock_us();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = is_alive(d->tasks[i]) ? mem_dump_task(d, d->tasks[i], &m->pages[i], err) : 0;
	if (rc == 0 && !m->two)
		rc = write_pages(ctx, 0, d->nr_tasks, err);
	d->stats.memdump_time = (uint32_t)(clock_us() - start);
	return rc;
}

/* Where there is much of them, two write cores and what memory there is, then its pages. */
static int write_tasks(struct dump *d, struct error *err)
{
	struct memory m = { d, calloc(d->nr_tasks, sizeof(*m.pages)), d->nr_tasks >= TASKS_PAY };
	if (!m.pages)
		return error_set(err, ENOMEM, "out of memory");
	/* what asks by ptrace stays in this thread */
	const struct part cores = { write_cores, d }, memory = { write_memory, &m };
	int rc = run_both(&cores, &memory, is_large(d), err);
	int64_t start = clock_us();
	if (rc == 0 && m.two)
		rc = run_halves(write_pages, &m, d->nr_tasks, true, err);
	d->stats.memdump_time += (uint32_t)(clock_us() - start);
	for (size_t i = 0; i < d->nr_tasks; i++)
		free(m.pages[i].items);
	free(m.pages);
	return rc;
}

static int write_images(struct dump *d, struct error *err)
{
	int rc = write_files(d, err);
	if (rc == 0)
		log_info("descriptors written");
	if (rc == 0)
		rc = write_tasks(d, err);
	if (rc == 0)
		rc = mem_dump_shared(d, err);
	if (rc == 0)
		log_info("cores and memory written");
	if (rc == 0)
		rc = cgroups_dump(d, err);
	if (rc == 0)
		rc = ns_dump(d, err);
	if (rc == 0)
		rc = net_dump_finish(d, err);
	if (rc == 0)
		rc = files_dump_finish(d, err);
	return rc < 0 ? rc : dump_set_finish(d, err);
}

static enum trace_end end_of(const struct options *opts)
{
	if (opts->leave_running)
		return TRACE_RESUME;
	return opts->leave_stopped ? TRACE_STOP : TRACE_KILL;
}

static int look_at_threads(void *ctx, struct error *err)
{
	struct dump *d = ctx;
	int rc = ns_check_threads(d, err);
	return rc < 0 ? rc : cgroups_collect(d, err);
}

static int ask_inside(void *ctx, struct error *err)
{
	return trace_interrogate(ctx, err);
}

/* Nothing is written yet. */
static int look(struct dump *d, struct error *err)
{
	const struct part inside = { ask_inside, d }, outside = { look_at_threads, d };
	int rc = collect(d, err);
	if (rc == 0)
		rc = run_both(&inside, &outside, is_large(d), err);
	if (rc == 0)
		log_info("asked from inside");
	return rc;
}

static int write_set(struct dump *d, struct error *err)
{
	int rc = dump_set_begin(d, err);
	if (rc < 0)
		return rc;
	rc = write_images(d, err);
	ns_dump_end(d); /* hooks are run where stasis is */
	d->final = d->final || rc == 0;
	if (rc == 0)
		rc = hook_call(d->opts, HOOK_POST_DUMP, d->images_fd, d->opts->pid, err);
	if (rc == 0)
		rc = interrupt_check(err);
	if (rc == 0)
		rc = net_dump_commit(d, err);
	if (rc < 0)
		dump_set_undo(d);
	else
		dump_set_settle(d);
	return rc;
}

/* Afterwards every signal waits: it is done, whatever comes. @param before  for interrupt_end() */
static int dump_frozen(struct dump *d, sigset_t *before, struct error *err)
{
	int rc = look(d, err);
	if (rc == 0) {
		interrupt_hold(before); /* what is half written is removed again */
		rc = write_set(d, err);
		if (rc == -EBUSY && interrupt_check(err) < 0)
			rc = err->code;
		if (rc < 0)
			interrupt_end(before, true); /* the failure has been told by then */
	}
	ns_dump_end(d);
	return rc;
}

/* @return 0; -EBUSY: it may be tried again; another -errno */
static int dump_once(struct dump *d, sigset_t *before, struct error *err)
{
	int rc = file_table_new(d, err);
	struct freezer freezer = { .fd = -1 };
	if (rc == 0)
		ns_preload(d);
	if (rc == 0)
		rc = freezer_thaw(d->opts->freeze_cgroup, &freezer, err);
	d->final = freezer.was_frozen; /* who froze it wants it to run as little as can be */
	if (rc == 0)
		rc = trace_freeze(d, d->opts->pid, err);
	if (rc < 0) {
		freezer_restore(&freezer, true);
		return rc;
	}
	int64_t frozen_at = clock_us();
	log_info("stopped: %zu tasks", d->nr_tasks);
	rc = dump_frozen(d, before, err);
	if (rc < 0 || d->opts->leave_running)
		files_remove_links(d);
	net_dump_end(d);
	enum trace_end end = rc == 0 ? end_of(d->opts) : TRACE_RESUME;
	trace_release(d, end);
	freezer_restore(&freezer, end != TRACE_KILL);
	d->stats.frozen_time += (uint32_t)(clock_us() - frozen_at);
	if (rc == 0) /* before their end is waited for, as these are their sockets */
		hold_end(take_ptr(d->hold), end != TRACE_KILL);
	if (end == TRACE_KILL)
		trace_await_death(d);
	return rc;
}

/* Everything that was found out about the tree. */
static void forget(struct dump *d)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		trace_task_free(d->tasks[i]);
	free(d->tasks);
	if (d->files)
		files_dump_free(d->files);
	free(d->filters.items);
	shmem_table_free(d->shmem);
	sysv_table_free(d->sysv);
	net_table_free(d->net);
	cgroup_sets_free(d->cgroups);
	mnt_tree_free(d->mounts);
	ns_table_free(d->ns);
	user_maps_free(d->users);
}

static struct dump dump_of(const struct options *opts)
{
	return (struct dump){
		.opts = opts,
		.images_fd = -1,
		.work_fd = -1,
		.network_lock = opts->network_lock,
		.next_object_id = NS_KINDS + 1, /* the engine's own namespaces have those before */
	};
}

/* What is not of the tree stays: how long it was stopped is counted on. */
static void start_over(struct dump *d)
{
	struct dump fresh = dump_of(d->opts);
	forget(d);
	fresh.images_fd = d->images_fd;
	fresh.work_fd = d->work_fd;
	memcpy(fresh.run_id, d->run_id, sizeof(fresh.run_id));
	fresh.hold = d->hold;
	fresh.again = true;
	fresh.deadline_ms = d->deadline_ms;
	fresh.stats.freezing_time = d->stats.freezing_time;
	fresh.stats.frozen_time = d->stats.frozen_time;
	*d = fresh;
}

static int dump_all(struct dump *d, sigset_t *before, struct error *err)
{
	int rc = check_root_owner(d, err);
	if (rc == 0)
		rc = hook_call(d->opts, HOOK_PRE_DUMP, d->images_fd, d->opts->pid, err);
	if (rc < 0)
		return rc;
	again_begin(d);
	rc = dump_once(d, before, err);
	for (unsigned nr = 0; rc == -EBUSY && !d->final; nr++) {
		start_over(d);
		if (!again_wait(d, nr, err))
			break;
		rc = dump_once(d, before, err);
	}
	hold_end(take_ptr(d->hold), true);
	d->stats.frozen_time += d->stats.freezing_time;
	if (rc == 0)
		dump_stats_write(d);
	return rc;
}

static void dump_fini(struct dump *d)
{
	forget(d);
	fd_close(d->images_fd);
	fd_close(d->work_fd);
}

/* A tree of many tasks needs a few descriptors for each. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int dump_tree(const struct options *opts, struct error *err)
{
	struct dump d = dump_of(opts);
	sigset_t before;
	inventory_make_run_id(d.run_id);
	raise_descriptor_limit();
	int rc = dirs_open(opts, &d.images_fd, &d.work_fd, err);
	if (rc == 0)
		rc = dump_all(&d, &before, err);
	dump_fini(&d);
	if (*shortage_of_files(rc)) {
		const struct error why = *err;
		rc = error_set(err, rc, "%s%s", why.text, shortage_of_files(rc));
	}
	if (rc < 0) {
		dirs_log_failure(opts, err);
		return rc;
	}
	log_info("the dump is complete");
	interrupt_end(&before, true);
	return rc;
}
