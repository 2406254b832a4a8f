/* SPDX-License-Identifier: MIT
 * What has no file of its own: names, personality, oom score, prctl settings, robust lists, rseq.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/mem/numa.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/user.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/task/core.h"
#include "engine/task/parts.h"
#include "images/message.h"
#include "memory.pb-c.h"

#define COMM_MAX      15 /* TASK_COMM_LEN without the NUL */
#define OOM_ADJ_MIN   (-1000)
#define OOM_ADJ_MAX   1000
#define NR_SIGNALS    64
#define LOGINUID_NONE UINT32_MAX
#define RSEQ_MIN_SIZE 32u

#define MEMBARRIER_KNOWN                                                                           \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |    \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |                                     \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)

/* None when it means nothing inside: nobody could set it there. */
static uint32_t login_inside(const struct user_maps *maps, uint32_t outside)
{
	uint32_t inside = id_inside(maps, ID_USER, outside);
	return id_outside(maps, ID_USER, inside) == outside ? inside : LOGINUID_NONE;
}

static int dump_numbers(const struct dump *d, const struct task *t, TaskCoreEntry *tc,
			struct error *err)
{
	long long n;
	int rc = proc_number_read(t->proc_fd, "loginuid", 10, &n, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	tc->has_loginuid = rc == 0;
	tc->loginuid = rc == 0 ? login_inside(d->users, (uint32_t)n) : LOGINUID_NONE;

	rc = proc_number_read(t->proc_fd, "oom_score_adj", 10, &n, err);
	if (rc < 0)
		return rc;
	tc->has_oom_score_adj = true;
	tc->oom_score_adj = (int32_t)n;
	return 0;
}

/* A session of the tree's own, with or without its leader? Others keep what they have. */
static bool is_own_session(const struct task *t)
{
	const struct task *root = t;
	while (root->parent)
		root = root->parent;
	return root->sid == root->vpid || t->sid != root->sid;
}

/* "/autogroup-102 nice 0": sessions compete with each other as if each had one nice value. */
static void dump_autogroup(const struct task *t, TaskCoreEntry *tc)
{
	char text[64];
	int nice;
	if (!is_own_session(t) ||
	    proc_record_read(t->proc_fd, "autogroup", text, sizeof(text), NULL) < 0 ||
	    sscanf(text, "/autogroup-%*u nice %d", &nice) != 1)
		return;
	tc->has_autogroup_nice = nice != 0;
	tc->autogroup_nice = nice;
}

/* Their keys are often of kinds that nobody can read. The session's are those of who restores. */
static void warn_of_keyrings(const struct task *t)
{
	if (t->inside.keyrings & KEYRING_THREAD)
		log_warn(TASK_FMT ": the keys of its thread keyring are not carried", TASK_ARGS(t));
	if (t->inside.keyrings & KEYRING_PROCESS)
		log_warn(TASK_FMT ": the keys of its process keyring are not carried",
			 TASK_ARGS(t));
}

int misc_dump(const struct dump *d, const struct task *t, TaskCoreEntry *tc, struct error *err)
{
	int rc = dump_numbers(d, t, tc, err);
	if (rc < 0)
		return error_wrap(err, rc, "/proc/%d", t->pid);
	dump_autogroup(t, tc);
	warn_of_keyrings(t);
	tc->personality = t->inside.personality;
	tc->flags = t->stat.flags;
	tc->has_child_subreaper = true;
	tc->child_subreaper = t->inside.child_subreaper > 0;
	if (t->inside.membarrier > 0) {
		tc->has_membarrier_registration_mask = true;
		tc->membarrier_registration_mask = (uint32_t)t->inside.membarrier;
	}
	tc->has_extended_state = t->inside.extended != 0;
	tc->extended_state = t->inside.extended;
	if (t->state == TASK_STOPPED) {
		tc->has_stop_signo = true;
		tc->stop_signo = t->stop_signo > 0 ? (uint32_t)t->stop_signo : SIGSTOP;
		tc->has_stop_told = tc->stop_told = t->stop_told;
	}
	return 0;
}

static int dump_rseq(const struct arch_rseq *from, ThreadCoreEntry *tc)
{
	if (!from->addr)
		return 0;
	RseqEntry *e = tc->rseq_entry = message_new(&rseq_entry__descriptor);
	if (!e)
		return -ENOMEM;
	e->rseq_abi_pointer = from->addr;
	e->rseq_abi_size = from->size;
	e->signature = from->signature;
	/* No rseq_cs_pointer: a critical section was left for its abort handler at the freeze. */
	return 0;
}

int misc_dump_thread(const struct thread *th, ThreadCoreEntry *tc, struct error *err)
{
	tc->comm = strdup(th->status.comm);
	if (!tc->comm || dump_rseq(&th->rseq, tc) < 0)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	tc->futex_rla = th->robust_list;
	tc->futex_rla_len = (uint32_t)th->robust_list_len;
	tc->has_pdeath_sig = th->inside.pdeath_signal > 0;
	tc->pdeath_sig = tc->has_pdeath_sig ? (uint32_t)th->inside.pdeath_signal : 0;
	if (th->inside.policy.mode != NUMA_DEFAULT) {
		tc->numa = numa_entry_new(&th->inside.policy);
		if (!tc->numa)
			return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	}
	tc->has_cg_set = true;
	tc->cg_set = th->cg_set ? th->cg_set : CGROUP_OWN_SET;
	return 0;
}

static int check_comm(const char *comm, struct error *err)
{
	size_t len = comm ? strlen(comm) : 0;
	if (len <= COMM_MAX)
		return 0;
	return error_set(err, EBADMSG, "comm is %zu bytes, at most %d", len, COMM_MAX);
}

int misc_check(const TaskCoreEntry *tc, struct error *err)
{
	if (tc->has_oom_score_adj &&
	    (tc->oom_score_adj < OOM_ADJ_MIN || tc->oom_score_adj > OOM_ADJ_MAX))
		return error_set(err, EBADMSG, "oom_score_adj: %d is not in -1000 to 1000",
				 tc->oom_score_adj);
	if (tc->has_stop_signo && tc->stop_signo && !is_stop_signal(tc->stop_signo))
		return error_set(err, EBADMSG, "stop_signo: %u does not stop a task",
				 tc->stop_signo);
	if (tc->has_membarrier_registration_mask &&
	    (tc->membarrier_registration_mask & ~(uint32_t)MEMBARRIER_KNOWN))
		return error_set(err, EBADMSG,
				 "membarrier_registration_mask: unknown commands in %#x",
				 tc->membarrier_registration_mask);
	if (tc->has_autogroup_nice && (tc->autogroup_nice < -20 || tc->autogroup_nice > 19))
		return error_set(err, EBADMSG, "autogroup_nice: %d is not in -20 to 19",
				 tc->autogroup_nice);
	if (tc->has_old_seccomp_mode && tc->old_seccomp_mode != SECCOMP_MODE__disabled)
		return error_set(err, ENOTSUP, "the task runs under seccomp: not supported yet");
	return check_comm(tc->comm, err);
}

int misc_check_thread(const ThreadCoreEntry *tc, struct error *err)
{
	if (tc->has_pdeath_sig && tc->pdeath_sig > NR_SIGNALS)
		return error_set(err, EBADMSG, "pdeath_sig: no signal has number %u",
				 tc->pdeath_sig);
	const RseqEntry *rs = tc->rseq_entry;
	if (rs && rs->rseq_abi_pointer && rs->rseq_abi_size < RSEQ_MIN_SIZE)
		return error_set(err, EBADMSG, "rseq_entry: area of %u bytes, at least %u",
				 rs->rseq_abi_size, RSEQ_MIN_SIZE);
	int rc = numa_check(tc->numa, err);
	return rc < 0 ? rc : check_comm(tc->comm, err);
}

static int write_number(const char *path, long long n)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld", n);
	auto_fd fd = procfs_open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	return fd_write_full(fd, text, (size_t)len);
}

static int set_oom_score_adj(const struct rtask *t, int32_t want, struct error *err)
{
	long long now;
	int rc = proc_number_read(procfs_fd(), "self/oom_score_adj", 10, &now, err);
	if (rc < 0 || now == want)
		return rc;
	rc = write_number("self/oom_score_adj", want);
	if (rc == 0)
		return 0;
	return error_code(err, rc,
			  "task %d: set oom_score_adj from %lld to %d (lowering it needs "
			  "CAP_SYS_RESOURCE)",
			  t->pid, now, want);
}

/* For the audit log only: a task that runs on under another login is no damage. */
static void set_loginuid(const struct rtask *t, uint32_t want)
{
	long long now;
	if (proc_number_read(procfs_fd(), "self/loginuid", 10, &now, NULL) < 0 || now == want)
		return;
	int rc = write_number("self/loginuid", want);
	if (rc < 0)
		log_warn("task %d: login id stays %lld instead of %u: %s", t->pid, now, want,
			 strerror(-rc));
}

static void set_autogroup(const struct rtask *t, int32_t nice)
{
	int rc = write_number("/proc/self/autogroup", nice);
	if (rc < 0)
		log_warn("task %d: the nice value of its session stays 0 instead of %d: %s", t->pid,
			 nice, strerror(-rc));
}

static int set_coredump_filter(const struct rtask *t, uint32_t want, struct error *err)
{
	long long now;
	int rc = proc_number_read(AT_FDCWD, "/proc/self/coredump_filter", 16, &now, NULL);
	if (rc == -ENOENT || (rc == 0 && now == want)) /* built without core dumps: no loss */
		return 0;
	rc = rc < 0 ? rc : write_number("/proc/self/coredump_filter", want);
	return rc < 0 ? error_code(err, rc, "task %d: set coredump_filter to %#x", t->pid, want)
		      : 0;
}

/* CRIU takes the hexadecimal digits of /proc/PID/personality for decimal ones: 0x40000 is 40000 in
 * its images, which has bits that no personality has. See docs/format.md for what is lost so. */
static uint32_t read_personality(uint32_t n)
{
	const uint32_t flags = UNAME26 | ADDR_NO_RANDOMIZE | FDPIC_FUNCPTRS | MMAP_PAGE_ZERO |
			       ADDR_COMPAT_LAYOUT | READ_IMPLIES_EXEC | ADDR_LIMIT_32BIT |
			       SHORT_INODE | WHOLE_SECONDS | STICKY_TIMEOUTS | ADDR_LIMIT_3GB;
	char digits[16];
	if (!(n & ~(flags | PER_MASK)))
		return n;
	snprintf(digits, sizeof(digits), "%u", n);
	return (uint32_t)strtoul(digits, NULL, 16);
}

int misc_fill(const struct rtask *t, struct restorer_args *args, struct error *err)
{
	const TaskCoreEntry *tc = t->cores[0]->tc;
	const MmEntry *mm = t->mm;
	args->personality = read_personality(tc->personality);
	args->child_subreaper = tc->has_child_subreaper && tc->child_subreaper;
	args->membarrier =
	    tc->has_membarrier_registration_mask ? tc->membarrier_registration_mask : 0;
	args->extended = tc->has_extended_state ? tc->extended_state : 0;
	args->dumpable = mm && mm->has_dumpable ? mm->dumpable : 1;
	args->exit_signal = t->exit_signal;
	args->future_lock = mm && mm->has_future_lock ? mm->future_lock : 0;
	args->thp_disabled = mm && mm->has_thp_disabled && mm->thp_disabled;
	args->has_oom_score_adj = false; /* set here, while /proc can be reached */
	if (t->late)
		return 0;
	if (tc->has_loginuid)
		set_loginuid(t, tc->loginuid);
	if (tc->has_autogroup_nice)
		set_autogroup(t, tc->autogroup_nice);
	int rc = 0;
	if (mm && mm->has_coredump_filter)
		rc = set_coredump_filter(t, mm->coredump_filter, err);
	if (rc < 0)
		return rc;
	return tc->has_oom_score_adj ? set_oom_score_adj(t, tc->oom_score_adj, err) : 0;
}

/* Of a value that an image may lack; then it is whatever the parent has. */
static bool is_parents(bool has, bool parent_has, uint64_t value, uint64_t parents)
{
	return has == parent_has && (!has || value == parents);
}

/* Both would come along at a birth, whether the child had them or not. */
static bool has_ldt_or_policies(const struct rtask *t)
{
	return arch_ldt_count(t->cores[0]) || t->cores[0]->thread_core->numa || numa_args_size(t);
}

bool task_state_is_parents(const struct rtask *t, const struct rtask *parent)
{
	const TaskCoreEntry *a = t->cores[0]->tc, *b = parent->cores[0]->tc;
	if (has_ldt_or_policies(t) || has_ldt_or_policies(parent))
		return false;
	return is_parents(a->has_loginuid, b->has_loginuid, a->loginuid, b->loginuid) &&
	       is_parents(a->has_autogroup_nice, b->has_autogroup_nice, (uint64_t)a->autogroup_nice,
			  (uint64_t)b->autogroup_nice) &&
	       is_parents(a->has_oom_score_adj, b->has_oom_score_adj, (uint64_t)a->oom_score_adj,
			  (uint64_t)b->oom_score_adj) &&
	       is_parents(t->mm->has_coredump_filter, parent->mm->has_coredump_filter,
			  t->mm->coredump_filter, parent->mm->coredump_filter) &&
	       is_parents(a->has_membarrier_registration_mask, b->has_membarrier_registration_mask,
			  a->membarrier_registration_mask, b->membarrier_registration_mask) &&
	       is_parents(a->has_extended_state, b->has_extended_state, a->extended_state,
			  b->extended_state);
}

void misc_fill_thread(const ThreadCoreEntry *tc, struct restorer_thread *out)
{
	memset(out->comm, 0, sizeof(out->comm));
	if (tc->comm)
		memcpy(out->comm, tc->comm, strnlen(tc->comm, COMM_MAX));
	out->robust_list = tc->futex_rla;
	out->robust_list_len = tc->futex_rla_len;
	out->pdeath_signal = tc->has_pdeath_sig ? (int32_t)tc->pdeath_sig : 0;
	if (!tc->rseq_entry)
		return;
	out->rseq_addr = tc->rseq_entry->rseq_abi_pointer;
	out->rseq_size = tc->rseq_entry->rseq_abi_size;
	out->rseq_signature = tc->rseq_entry->signature;
}
