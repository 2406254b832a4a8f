/* SPDX-License-Identifier: MIT
 * Restoring a tree: everything is read, checked and opened before the first task is born, and
 * nothing runs before everything is in place.
 */
#include "engine/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/context/hooks.h"
#include "engine/context/interrupt.h"
#include "engine/context/restore.h"
#include "engine/cpuinfo.h"
#include "engine/dirs.h"
#include "engine/files/file.h"
#include "engine/inventory.h"
#include "engine/mem/mem.h"
#include "engine/mem/thp.h"
#include "engine/mem/sysv.h"
#include "engine/net/net.h"
#include "engine/net/ns.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"
#include "engine/ns/real-ids.h"
#include "engine/ns/time.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "engine/stats.h"
#include "engine/task/core.h"
#include "engine/task/label.h"
#include "engine/task/pstree.h"
#include "engine/task/seccomp.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/birth.h"
#include "engine/tree/giver.h"
#include "engine/tree/launcher.h"
#include "engine/tree/remap-pids.h"
#include "engine/tree/share.h"
#include "engine/tree/stage.h"
#include "engine/tree/undo.h"

static int load_tasks(void *ctx, size_t from, size_t to, struct error *err)
{
	struct restore *r = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++) {
		struct rtask *t = r->tasks[i];
		t->messages = &r->messages[from != 0];
		rc = task_load_cores(r, t, err);
		if (rc == 0 && rtask_is_living(t))
			rc = mem_load(r, t, err);
	}
	return rc;
}

static int load_all_tasks(struct restore *r, struct error *err)
{
	size_t nr = r->nr_tasks;
	arch_cpu_probe(&r->cpu);
	int rc = run_halves(load_tasks, r, nr, nr >= TASKS_PAY, err);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = rtask_is_living(r->tasks[i]) ? mem_resolve(r, r->tasks[i], err) : 0;
	return rc;
}

static uint32_t last_capability(void)
{
	auto_strbuf text = { 0 };
	if (file_read_at(procfs_fd(), "sys/kernel/cap_last_cap", &text, NULL) < 0 || !text.len)
		return 40; /* CAP_CHECKPOINT_RESTORE, the last one of Linux 5.9 to 6.18 */
	return (uint32_t)strtoul(text.data, NULL, 10);
}

static int load_images(struct restore *r, struct error *err)
{
	r->user_end = mem_user_end();
	r->cap_last = last_capability();
	r->thp = thp_policy();
	int rc = inventory_load(r, err);
	if (rc == 0 && r->opts->cpu_cap & CPU_CAP_IMAGE)
		rc = cpuinfo_check(r->images, r->opts->cpu_cap, err);
	if (rc == 0)
		rc = pid_remap_plan(r, err);
	if (rc == 0)
		rc = pstree_load(r, err);
	if (rc == 0)
		rc = load_all_tasks(r, err);
	if (rc == 0 && !rtask_is_living(r->root))
		rc = error_set(err, ENOTSUP, TASK_FMT ", the root, is a zombie: nothing to restore",
			       RTASK_ARGS(r->root));
	if (rc == 0)
		rc = label_prepare(r, err);
	if (rc == 0)
		rc = seccomp_load(r, err);
	if (rc == 0)
		rc = ns_load(r, err);
	if (rc == 0)
		rc = timens_load(r, err);
	if (rc == 0)
		rc = cgroups_load(r, err);
	if (rc == 0)
		rc = files_load(r, err);
	if (rc == 0)
		rc = ns_nested_load(r, err);
	if (rc == 0)
		rc = netns_load_nested(r, err);
	return rc < 0 ? rc : net_load(r, err);
}

/* @return a duplicate where no task has a descriptor: it outlives files_install() */
static int keep_copy(struct restore *r, int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return error_sys(err, "duplicate fd %d", fd);
	int kept = files_keep(r, copy, err);
	if (kept < 0)
		close(copy);
	return kept;
}

static int keep_own(struct restore *r, struct error *err)
{
	int log = keep_copy(r, log_fd(), err);
	if (log < 0)
		return log;
	log_move(log);
	int proc = keep_copy(r, procfs_fd(), err);
	if (proc < 0)
		return proc;
	procfs_move(proc);
	auto_fd holder = (int)syscall(SYS_pidfd_open, ns_holder(r), 0);
	r->holder_fd = holder < 0 ? error_sys(err, "pidfd_open of a process of the restore")
				  : keep_copy(r, holder, err);
	return r->holder_fd < 0 ? r->holder_fd : userns_start_holders(r, err);
}

static int prepare(struct restore *r, struct error *err)
{
	int rc = birth_plan_make(r->tasks, r->nr_tasks, r->opts->shell_job, r->plan, err);
	if (rc == 0)
		rc = share_plan(r, err);
	if (rc == 0)
		rc = givers_plan(r, err);
	if (rc == 0)
		rc = stage_init(r, err);
	if (rc == 0)
		rc = mem_prepare_shared(r, err);
	if (rc == 0)
		rc = files_open_all(r, err);
	if (rc == 0)
		rc = mem_open_for_users(r, err);
	if (rc == 0)
		rc = keep_own(r, err);
	return rc;
}

static uint32_t count_threads(const struct restore *r)
{
	uint32_t nr = 0;
	for (size_t i = 0; i < r->nr_tasks; i++)
		nr += rtask_is_living(r->tasks[i]) ? (uint32_t)r->tasks[i]->nr_threads : 0;
	return nr;
}

static int run_stages(struct restore *r, struct restore_stats *stats, struct error *err)
{
	uint32_t births = (uint32_t)r->plan->nr;
	stage_start(r, births);
	int rc = birth_root(r, err);
	if (rc == 0)
		rc = givers_start(r, err);
	if (rc == 0 || restore_is_over(r->shared)) /* which says why */
		rc = stage_wait(r, STAGE_BIRTH, err);
	restore_stats_forked(stats);
	if (rc < 0)
		return rc;
	log_info("%zu tasks are born", r->nr_tasks);
	if ((rc = ns_finish(r, err)) < 0 || (rc = autofs_keep_dirs(r, err)) < 0 ||
	    (rc = files_finish(r, err)) < 0)
		return rc;
	stage_pass(r, STAGE_BIRTH, births);
	if ((rc = stage_wait(r, STAGE_GROUPS, err)) < 0)
		return rc;
	stage_pass(r, STAGE_GROUPS, count_threads(r));
	rc = stage_wait(r, STAGE_READY, err);
	givers_end(r);
	userns_end_holders(r);
	return rc < 0 ? rc : real_ids_find(r, err);
}

static int hook(const struct restore *r, enum hook hook, struct error *err)
{
	return hook_call(r->opts, hook, r->images_fd, rtask_tid(r->root, 0), err);
}

static int start_tree(struct restore *r, struct launcher *l, struct error *err)
{
	int rc = dirs_write_pidfile(r->opts, r->work_fd, rtask_tid(r->root, 0), err);
	if (rc < 0)
		return rc;
	if (ns_restores(r, NS_NET))
		rc = hook(r, HOOK_NETWORK_UNLOCK, err);
	if (rc == 0)
		rc = launcher_go(l, r, err);
	if (rc < 0 && r->opts->pidfile)
		unlinkat(r->work_fd, r->opts->pidfile, 0);
	return rc;
}

/* Last is what leaves a trace outside the tree. */
static int finish(struct restore *r, struct launcher *l, struct error *err)
{
	int rc = files_watch(r, err);
	if (rc == 0)
		rc = files_set_owners(r, err);
	if (rc == 0)
		rc = ns_leave_files(r, err);
	if (rc == 0)
		rc = netns_filter(r, err);
	if (rc == 0)
		rc = cgroups_place(r, err);
	if (rc == 0)
		rc = sched_set_more(r, err);
	if (rc == 0)
		rc = launcher_start(l, r, err);
	if (rc == 0)
		rc = pid_remap_write(r, err);
	if (rc == 0)
		rc = tty_give_orphans(r, err);
	if (rc == 0)
		rc = hook(r, HOOK_POST_RESTORE, err);
	if (rc == 0)
		rc = hook(r, HOOK_PRE_RESUME, err);
	if (rc == 0)
		rc = interrupt_check(err);
	return rc < 0 ? rc : start_tree(r, l, err);
}

static int restore_tasks(struct restore *r, struct restore_stats *stats, struct error *err)
{
	/* orphans of a failed restore come to us, so that none is left */
	int adopts = 0; /* said by who started us */
	prctl(PR_GET_CHILD_SUBREAPER, &adopts);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct error late;
	struct launcher launcher = { .line = -1 };
	int rc = timens_enter(r, err);
	if (rc == 0)
		rc = run_stages(r, stats, err);
	timens_leave(r);
	if (rc == 0)
		rc = finish(r, &launcher, err);
	launcher_end(&launcher);
	givers_end(r);
	if (rc < 0)
		undo_births(r);
	else
		cgroups_freeze(r);
	ns_leave(r);
	if (rc == 0 && hook(r, HOOK_POST_RESUME, &late) < 0)
		log_warn("%s: the tree runs already", late.text);
	if (rc == 0)
		files_restored(r);
	if (rc == 0)
		sysv_keep(r->sysv);
	prctl(PR_SET_CHILD_SUBREAPER, adopts);
	return rc;
}

static int restore_with_images(struct restore *r, struct restore_stats *stats, struct error *err)
{
	int rc = load_images(r, err);
	if (rc == 0)
		rc = hook_call(r->opts, HOOK_PRE_RESTORE, r->images_fd, 0, err);
	if (rc == 0)
		rc = cgroups_make(r, err);
	if (rc == 0)
		rc = cgroups_enter(r, err);
	if (rc == 0)
		rc = ns_make(r, err);
	if (rc == 0)
		rc = prepare(r, err);
	if (rc == 0)
		rc = restore_tasks(r, stats, err);
	userns_end_holders(r);
	ns_leave(r);
	if (rc < 0) {
		netns_undo(r);
		cgroups_undo(r);
		net_warn_locked(r);
	}
	return rc;
}

static void restore_fini(struct restore *r)
{
	stage_fini(r);
	birth_plan_fini(r->plan);
	givers_free(r->givers);
	file_set_free(r->files);
	shmem_set_free(r->shmem);
	sysv_set_free(r->sysv);
	net_set_free(r->net);
	netns_set_free(r->netns);
	cgroup_restore_free(r->cgroups);
	mnt_tree_free(r->mounts);
	ns_set_free(r->ns);
	user_maps_free(r->users);
	free(r->busy.items);
	free(r->own.items);
	free(r->kernel_maps);
	if (r->seccomp)
		seccomp_entry__free_unpacked(r->seccomp, NULL);
	pstree_free(r);
	for (size_t i = 0; i < ARRAY_SIZE(r->messages); i++)
		pool_fini(&r->messages[i]);
	source_close(r->images);
	pid_remap_free(r->pids);
	fd_close(r->holder_fd);
}

static int restore_set(const struct options *opts, int images_fd, int work_fd, struct error *err)
{
	struct birth_plan plan = { 0 };
	struct restore r = { .opts = opts,
			     .images_fd = images_fd,
			     .work_fd = work_fd,
			     .holder_fd = -1,
			     .plan = &plan };
	struct restore_stats stats;
	sigset_t before;

	restore_stats_start(&stats);
	int rc =
	    source_open_dirfd(images_fd, opts->images_dir ? opts->images_dir : ".", &r.images, err);
	if (rc < 0)
		return rc;
	/* tasks are born with every signal blocked, and an impatient Ctrl-C waits for the end */
	interrupt_hold(&before);
	rc = restore_with_images(&r, &stats, err);
	if (rc == 0)
		restore_stats_write(&stats, &r);
	pid_t pid = rc == 0 ? rtask_tid(r.root, 0) : 0;
	interrupt_end(&before, rc == 0 && opts->restore_detached);
	restore_fini(&r);
	return rc < 0 ? rc : pid;
}

int restore_tree(const struct options *opts, struct error *err)
{
	int images_fd, work_fd;
	int rc = dirs_open(opts, &images_fd, &work_fd, err);
	if (rc < 0)
		return rc;
	struct error why = { 0 };
	rc = restore_set(opts, images_fd, work_fd, &why);
	if (rc < 0) {
		dirs_log_failure(opts, &why);
		rc = error_set(err, rc, "%s", why.text);
	}
	close(images_fd);
	close(work_fd);
	return rc;
}
