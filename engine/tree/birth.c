/* SPDX-License-Identifier: MIT
 * Tasks bear each other as planned, find their sessions and groups, and become what the images
 * say. Everything here but birth_root() runs in the tasks.
 */
#include "engine/tree/birth.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/context/shortage.h"
#include "engine/files/file.h"
#include "engine/mem/mem.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/pid.h"
#include "engine/ns/real-ids.h"
#include "engine/ns/time.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "engine/tree/adopt.h"
#include "engine/tree/become.h"
#include "engine/tree/birth-clone.h"
#include "engine/tree/birth-error.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/giver.h"
#include "engine/tree/late.h"
#include "engine/tree/share.h"
#include "engine/tree/stage.h"
#include "engine/tree/taken-ids.h"

#define PEER_TRIES  600000 /* ms to wait for a task that another one bears, after its memory */
#define GIVEN_TRIES 10000  /* where others may be faster */
#define TAKEN_TRIES 50     /* ms to wait for one of the tree that has a wrong number */

static _Noreturn void live(struct restore *r, size_t index);

/* A pid namespace is there when its pid 1 is. */
static int await_init(struct restore *r, uint32_t ns, struct error *err)
{
	struct restore_slot *slot = &r->shared->slots[birth_init(r->plan, ns)];
	for (int i = 0; !__atomic_load_n(&slot->real, __ATOMIC_ACQUIRE); i++) {
		if (restore_is_over(r->shared))
			return error_set(err, ECANCELED, "the restore has failed");
		if (i == PEER_TRIES)
			return error_set(err, ETIMEDOUT,
					 "pid namespace %u is to be entered before its pid 1 can "
					 "be born",
					 ns);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return slot->real;
}

/* Children of this process are born there from now on. */
static int bear_into(struct restore *r, uint32_t ns, struct error *err)
{
	char path[32];
	int init = await_init(r, ns, err);
	if (init < 0)
		return init;
	snprintf(path, sizeof(path), "%d/ns/pid", init);
	auto_fd fd = procfs_open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWPID) < 0)
		return error_sys(err, "enter pid namespace %u", ns);
	return 0;
}

static int bear_here_again(struct error *err)
{
	auto_fd fd = procfs_open("self/ns/pid", O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWPID) < 0)
		return error_sys(err, "go back to the own pid namespace");
	return 0;
}

/* A signal that tells the end of a child is not to kill who bears others until one is right. */
struct deaf {
	sigset_t set, before;
};

static struct deaf deafen(int signo)
{
	struct deaf deaf;
	sigemptyset(&deaf.set);
	if (signo != SIGCHLD) /* which kills nobody; 0 is none */
		sigaddset(&deaf.set, signo);
	sigprocmask(SIG_BLOCK, &deaf.set, &deaf.before);
	return deaf;
}

static void hear_again(const struct deaf *deaf)
{
	while (sigtimedwait(&deaf->set, NULL, &(struct timespec){ 0 }) > 0)
		;
	sigprocmask(SIG_SETMASK, &deaf->before, NULL);
}

static int reap(pid_t pid, int *status)
{
	while (waitpid(pid, status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Somebody else may have made a process in between. @return -EAGAIN: and its parent, who is
 * another, has to reap it (slot.wrong) */
static pid_t bear_exactly(struct restore *r, size_t index, const struct birth *by, uint32_t users,
			  uint64_t flags)
{
	struct restore_slot *slot = &r->shared->slots[index];
	for (int i = 0, taken = 0; i < GIVEN_TRIES; i++) {
		slot->given = 0;
		pid_t pid = given_birth(r, users, &r->plan->items[index], by, flags);
		if (pid == 0)
			live(r, index);
		if (pid == -EBUSY || (pid == -EEXIST && taken++ < TAKEN_TRIES)) {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			continue;
		}
		int rc = pid < 0 ? pid : given_await(r, index, pid);
		if (rc <= 0)
			return rc < 0 ? rc : pid;
		slot->wrong = pid;
		if (flags & CLONE_PARENT)
			return -EAGAIN;
		reap(pid, NULL);
	}
	return -EEXIST;
}

/* By who has entered the user namespace that its pid namespace belongs to; it is in that, too. */
static _Noreturn void bear_from_inside(struct restore *r, size_t index, const struct birth *self,
				       uint32_t own, uint32_t users)
{
	struct error err = { 0 };
	const struct birth *b = &r->plan->items[index];
	uint64_t flags = CLONE_NEWPID | CLONE_PARENT | share_flags(r, index);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int rc = userns_enter_to_bear(r, b->task, own, users, &err);
	pid_t pid = rc < 0 ? rc : bear_exactly(r, index, self, users, flags);
	if (rc == 0 && pid < 0 && pid != -EAGAIN)
		rc = birth_error(r, b->pid, pid, &err);
	if (rc < 0)
		stage_fail(r->shared, &err);
	_exit(pid == -EAGAIN);
}

/* What its sibling to be inherits: the table of descriptors, and the signal when it ends.
 * @param own  the user namespace of the caller. @return as clone(2), in both; or -errno */
static pid_t bear_helper(struct restore *r, uint32_t own, size_t index, struct birth *helper)
{
	const struct birth *b = &r->plan->items[index], *by = &r->plan->items[b->by];
	uint64_t flags = share_flags(r, index) & CLONE_FILES;
	*helper = (struct birth){ .place = by->place, .exit_signal = b->exit_signal };
	birth_choose_unused(r->plan, helper);
	pid_t pid = own ? given_birth(r, own, helper, by, flags) : birth_clone_any(helper, flags);
	for (int i = 0; i < BIRTH_ANY_TRIES && own && birth_number_is_refused(-pid); i++) {
		birth_choose_next(helper, -pid);
		pid = given_birth(r, own, helper, by, flags);
	}
	return pid < 0 && !own ? -errno : pid;
}

/* @return 1: it got another number; 0; -errno */
static int bear_inside_once(struct restore *r, size_t index, uint32_t own, uint32_t users,
			    struct error *err)
{
	int status = 0;
	struct birth helper;
	pid_t pid = bear_helper(r, own, index, &helper);
	if (pid == 0)
		bear_from_inside(r, index, &helper, own, users);
	if (pid < 0)
		return error_code(err, pid, "create a process%s", shortage_of_tasks(-pid));
	int rc = reap(pid, &status);
	if (rc < 0)
		return error_code(err, rc, "wait for a process");
	if (restore_is_over(r->shared))
		return error_set(err, ECANCELED, "the restore has failed");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return error_set(err, ECHILD,
			 "task %d: who was to bear it has died of signal %d (killed from outside, "
			 "or out of memory?)",
			 r->plan->items[index].pid, WTERMSIG(status));
}

static int bear_inside_users(struct restore *r, size_t index, uint32_t own, uint32_t users,
			     struct error *err)
{
	int rc = 1;
	const struct birth *b = &r->plan->items[index];
	const struct deaf deaf = deafen(b->exit_signal);
	for (int i = 0; rc > 0 && i < GIVEN_TRIES; i++) {
		rc = bear_inside_once(r, index, own, users, err);
		if (rc > 0)
			reap(r->shared->slots[index].wrong, NULL);
	}
	hear_again(&deaf);
	if (rc == 0)
		r->shared->slots[index].born = 1;
	return rc > 0 ? birth_error(r, b->pid, -EEXIST, err) : rc;
}

/* @param first  it is pid 1 of a new pid namespace */
static uint64_t flags_of(const struct restore *r, size_t index, bool sibling, bool first)
{
	return share_flags(r, index) | (sibling ? CLONE_PARENT : 0) | (first ? CLONE_NEWPID : 0);
}

/* In a user namespace inside of the tree's, by who is in it. */
static int bear_given(struct restore *r, size_t index, uint32_t users, bool sibling,
		      struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	bool first = birth_into(r->plan, b) == BIRTH_NEW;
	uint64_t flags = flags_of(r, index, sibling, first);
	const struct birth *by = &r->plan->items[b->by];
	const struct deaf deaf = deafen(b->exit_signal);
	pid_t pid = bear_exactly(r, index, by, users, flags);
	hear_again(&deaf);
	if (pid < 0)
		return birth_error(r, b->pid, pid == -EAGAIN ? -EEXIST : pid, err);
	r->shared->slots[index].born = 1;
	return 0;
}

static int bear(struct restore *r, size_t index, bool sibling, struct error *err)
{
	struct birth *b = &r->plan->items[index];
	uint32_t users = birth_users(r, index);
	uint32_t own = b->by == BIRTH_BY_COORDINATOR ? 0 : birth_users(r, b->by);
	if (users != own)
		return bear_inside_users(r, index, own, users, err);
	if (users)
		return bear_given(r, index, users, sibling, err);
	pid_t want = b->pid;
	bool apart = ns_restores(r, NS_PID), fresh = pidns_is_new(r);
	enum birth_into into = birth_into(r->plan, b);
	bool first = into == BIRTH_NEW || (fresh && index == 0);
	uint64_t flags = flags_of(r, index, sibling, first);
	int rc = into == BIRTH_ENTER ? bear_into(r, b->place.ns[b->place.nr - 1], err) : 0;
	if (rc < 0)
		return error_wrap(err, rc, "task %d", want);
	pid_t pid = b->any_pid ? birth_clone_any(b, 0) : birth_clone(b, flags);
	struct pid_wait wait = { 0 };
	while (pid < 0 && errno == EEXIST && !fresh) {
		if (!pid_is_leaving(pidns_taken_by(r, want), &wait))
			return birth_error(r, want, -EEXIST, err);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		pid = birth_clone(b, flags);
	}
	if (pid == 0)
		live(r, index);
	if (pid < 0)
		return birth_error(r, want, -errno, err);
	r->shared->slots[index].born = 1;
	if (index == 0 || (!apart && !r->plan->items[b->by].place.nr))
		r->shared->slots[index].real = pid;
	return into == BIRTH_ENTER ? bear_here_again(err) : 0;
}

static int bear_root(struct restore *r, bool sibling, struct error *err)
{
	struct ns_visit visit;
	int rc = pidns_visit_given(r, &visit, err);
	if (rc < 0)
		return rc;
	rc = bear(r, 0, sibling, err);
	if (rc == -ENOMEM && ns_restores(r, NS_PID) && !pidns_is_new(r))
		error_set(err, ENOMEM,
			  "create task %d in the pid namespace that is given: its pid 1 has ended "
			  "(or memory is short): give another one",
			  r->root->pid);
	/* from a user namespace there is no way back, and who went there ends */
	int back = r->users ? 0 : ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

/* In a user namespace the root is born by a process that enters it for that, and ends. */
static _Noreturn void bear_inside(struct restore *r)
{
	struct error err = { 0 };
	int rc = ns_enter_user(r, &err);
	if (rc == 0)
		rc = bear_root(r, true, &err);
	if (rc < 0)
		stage_fail(r->shared, &err);
	_exit(0);
}

/* It may be nobody's child here, so this looks at its end, not for it. */
static int await_end(int pidfd, struct error *err)
{
	while (poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, -1) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for a process");
	return 0;
}

static int bear_root_inside(struct restore *r, struct error *err)
{
	int end = -1;
	struct clone_args ca = {
		.flags = CLONE_PIDFD | (r->opts->restore_sibling ? CLONE_PARENT : 0),
		.pidfd = (uintptr_t)&end,
		.exit_signal = r->opts->restore_sibling ? 0 : SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		bear_inside(r);
	if (pid < 0)
		return error_sys(err, "create a process%s", shortage_of_tasks(errno));
	auto_fd pidfd = end;
	int rc = await_end(pidfd, err);
	if (rc == 0 && !r->opts->restore_sibling)
		reap(pid, NULL);
	if (rc < 0 || r->shared->slots[0].born || restore_is_over(r->shared))
		return rc;
	return error_set(err, ECHILD,
			 "task %d: who was to bear it has died (killed from outside, or out of "
			 "memory?)",
			 r->root->pid);
}

int birth_root(struct restore *r, struct error *err)
{
	return r->users ? bear_root_inside(r, err) : bear_root(r, r->opts->restore_sibling, err);
}

/* @param entering  those who go into a pid namespace that others make, or all but those */
static int bear_some(struct restore *r, size_t by, bool early, bool entering, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		const struct birth *b = &r->plan->items[i];
		if (b->by != by || b->early != early || (b->task && b->task->late) ||
		    (birth_into(r->plan, b) == BIRTH_ENTER) != entering)
			continue;
		int signo = r->plan->items[by].exit_signal;
		if (b->sibling && b->exit_signal != signo)
			log_warn("task %d: its parent gets signal %d when it ends, not %d, as it "
				 "is in another session than its parent",
				 b->pid, signo, b->exit_signal);
		int rc = bear(r, i, b->sibling, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Who waits for the birth of another is last. */
static int bear_planned(struct restore *r, size_t by, bool early, struct error *err)
{
	int rc = bear_some(r, by, early, false, err);
	return rc < 0 ? rc : bear_some(r, by, early, true, err);
}

static int join_group(const struct birth *b, struct error *err)
{
	if (!b->own_pgid || b->pgid == b->pid || setpgid(0, b->own_pgid) == 0)
		return 0;
	return error_sys(err, "task %d: join process group %d", b->pid, b->pgid);
}

/* Before all are there: who leads it may have to be born yet. */
static int await_group(const struct restore *r, const struct birth *b, struct error *err)
{
	int rc = join_group(b, err);
	for (int i = 0; rc < 0 && i < PEER_TRIES && !restore_is_over(r->shared); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		rc = join_group(b, err);
	}
	return rc;
}

/* Where its children are born, once those of the images are. */
static int set_children_ns(struct restore *r, const struct birth *b, struct error *err)
{
	if (!b->task || !b->task->children_apart)
		return 0;
	int rc = b->task->children_dead      ? pid_held_make_own(err)
		 : b->task->children_ns      ? bear_into(r, b->task->children_ns, err)
		 : unshare(CLONE_NEWPID) < 0 ? error_sys(err, "make a pid namespace")
					     : 0;
	return rc < 0 ? error_wrap(err, rc, "task %d", b->pid) : 0;
}

/* STAGE_BIRTH: memory before children, as they share it; children before or after setsid(). */
static int be_born(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	int rc = birth_is_mortal(b) ? 0 : mem_premap(r, b->task, err);
	if (rc == 0 && !birth_is_mortal(b))
		rc = late_plan(r, index, err);
	if (rc == 0)
		rc = bear_planned(r, index, true, err);
	if (rc < 0)
		return rc;
	if (b->sid == b->pid && setsid() < 0)
		return error_sys(err, "task %d: make its session", b->pid);
	if (b->sid == b->pid && !birth_is_mortal(b) &&
	    (rc = files_take_terminal(r, b->task, err)) < 0)
		return rc;
	if (b->sid != b->pid && b->pgid == b->pid && setpgid(0, 0) < 0)
		return error_sys(err, "task %d: make its process group", b->pid);
	rc = birth_hands_on_group(r->plan, index) ? await_group(r, b, err) : 0;
	if (rc == 0)
		rc = bear_planned(r, index, false, err);
	if (rc == 0 && !birth_is_mortal(b))
		rc = timens_make_children(r, b->task, err);
	return rc < 0 ? rc : set_children_ns(r, b, err);
}

static void default_core_limit(void)
{
	struct rlimit none = { 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static _Noreturn void die_of_signal(int signo)
{
	sigset_t set;
	default_core_limit(); /* the core file was written when it died for the first time */
	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	syscall(SYS_tgkill, getpid(), getpid(), signo);
	syscall(SYS_tgkill, getpid(), getpid(), SIGKILL); /* a signal that does not kill */
	_exit(0);
}

/* A pid 1 cannot do that to itself, as it is deaf to signals from inside. */
static bool is_killed_first(const struct birth *b)
{
	int status = b->task ? (int)b->task->cores[0]->tc->exit_code : 0;
	return b->task && b->task->nr_levels && rtask_own_tid(b->task, 0) == 1 &&
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int kill_first(const struct restore *r, size_t index, pid_t pid, struct error *err)
{
	while (!__atomic_load_n(&r->shared->slots[index].to_kill, __ATOMIC_ACQUIRE)) {
		if (restore_is_over(r->shared))
			return error_set(err, ECANCELED, "the restore has failed");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return kill(pid, SIGKILL) < 0 ? error_sys(err, "kill task %d", r->plan->items[index].pid)
				      : 0;
}

static _Noreturn void die(const struct restore *r, size_t index)
{
	const struct birth *b = &r->plan->items[index];
	if (!b->task)
		_exit(0);
	const TaskCoreEntry *tc = b->task->cores[0]->tc;
	int status = (int)tc->exit_code;
	prctl(PR_SET_NAME, tc->comm);
	if (is_killed_first(b)) {
		__atomic_store_n(&r->shared->slots[index].to_kill, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	if (WIFSIGNALED(status))
		die_of_signal(WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

/* Helpers are reaped by who has them as child; zombies must be dead, and stay. */
static int await_mortals(struct restore *r, size_t index, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		const struct birth *b = &r->plan->items[i];
		if (b->parent != index || !birth_is_mortal(b))
			continue;
		siginfo_t info;
		id_t id = (id_t)birth_seen_as(b, &r->plan->items[index]);
		int rc = is_killed_first(b) ? kill_first(r, i, (pid_t)id, err) : 0;
		if (rc < 0)
			return rc;
		if (waitid(P_PID, id, &info, WEXITED | __WALL | (b->task ? WNOWAIT : 0)) < 0)
			return error_sys(err, "wait for the end of task %d", b->pid);
		if (!b->task)
			r->shared->slots[i].born = 0; /* the pid is anybody's now */
	}
	return 0;
}

static pid_t expected_parent(const struct restore *r, const struct birth *b)
{
	size_t parent = b->orphan ? b->by : b->parent;
	if (parent != BIRTH_BY_COORDINATOR)
		return birth_seen_as(&r->plan->items[parent], b);
	/* the caller's pid is not known here; only it can be the parent of a sibling */
	return r->opts->restore_sibling ? getppid() : r->shared->coordinator;
}

static int grow_up(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	/* until the death signal of the image is set: no task outlives a failed restore */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_sys(err, "task %d: set its death signal", b->pid);
	if (getppid() != expected_parent(r, b))
		return error_set(err, ESRCH, "task %d: its parent died during the restore", b->pid);
	int rc = be_born(r, index, err);
	if (rc < 0)
		return rc;
	if ((index == 0 && pidns_is_new(r)) || birth_into(r->plan, b) == BIRTH_NEW) {
		pid_counter_set(r, b->task);
		pidns_set_max(r, b->task);
	}
	stage_arrive(r->shared, index, STAGE_BIRTH, 1 + late_count(r));
	rc = join_group(b, err);
	if (rc == 0 && !birth_is_mortal(b))
		rc = files_set_foreground(r, b->task, err);
	if (rc == 0)
		rc = adopt_prepare(b, err);
	if (rc < 0)
		return rc;
	stage_arrive(r->shared, index, STAGE_GROUPS, 1 + late_count(r));
	if ((rc = adopt(r, index, err)) < 0 || (rc = await_mortals(r, index, err)) < 0)
		return rc;
	if (birth_is_mortal(b))
		die(r, index);
	return become_restored(r, b->task, err);
}

static _Noreturn void live(struct restore *r, size_t index)
{
	struct error err = { 0 };
	r->late = NULL; /* those are its parent's */
	if (birth_users(r, index) && !given_these(r, index))
		_exit(0);
	r->shared->slots[index].born = 1;
	r->shared->slots[index].real = real_id_of_self();
	if (r->shared->slots[index].real > 0)
		grow_up(r, index, &err);
	else
		error_set(&err, EIO, "task %d: /proc/self does not tell its own number",
			  r->plan->items[index].pid);
	stage_fail(r->shared, &err);
	_exit(1);
}
