/* SPDX-License-Identifier: MIT
 * Rows of processes, their threads, descriptors and namespaces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "cgroup.pb-c.h"
#include "convert/export/rows.h"
#include "images/process-strings.h"

/* What is really true: the words of `show` swap two of them. */
static const char *state_name(uint32_t state)
{
	static const char *const names[] = { NULL,     "alive",  "dead",  "stopped",
					     "helper", "thread", "zombie" };
	return state < ARRAY_SIZE(names) ? names[state] : NULL;
}

struct registers {
	uint64_t ip, sp;
};

static bool registers_of(const CoreEntry *core, struct registers *out)
{
#define REGS(member, regs, ip_, sp_)                                                               \
	if (core->member) {                                                                        \
		*out = (struct registers){ core->member->regs->ip_, core->member->regs->sp_ };     \
		return true;                                                                       \
	}
	REGS(thread_info, gpregs, ip, sp)
	REGS(ti_aarch64, gpregs, pc, sp)
	REGS(ti_arm, gpregs, pc, sp)
	REGS(ti_riscv64, gpregs, pc, sp)
	REGS(ti_mips, gpregs, cp0_epc, r29)
#undef REGS
	return false; /* elsewhere the stack pointer is one of the numbered registers */
}

/* The command line as one string; arguments are joined by spaces. */
static void command_line(struct memory_view *mv, struct row_writer *w)
{
	auto_strbuf args = { 0 };
	if (!mv || process_strings(mv, PROCESS_ARGS, &args, NULL) != 1) {
		row_null(w);
		return;
	}
	size_t len = args.len;
	while (len && !args.data[len - 1])
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!args.data[i])
			args.data[i] = ' ';
	}
	row_bytes(w, args.data, len);
}

/* Where a process is in the unified hierarchy, or in the first there is. */
static const char *cgroup_path(const CgroupEntry *cgroups, uint32_t set)
{
	for (size_t i = 0; cgroups && i < cgroups->n_sets; i++) {
		const CgSetEntry *entry = cgroups->sets[i];
		const char *path = NULL;
		if (entry->id != set)
			continue;
		for (size_t k = 0; k < entry->n_ctls; k++) {
			if (!path || !*entry->ctls[k]->name)
				path = entry->ctls[k]->path;
		}
		return path;
	}
	return NULL;
}

static void where(struct checkpoint *cp, const struct process *p, struct row_writer *w)
{
	auto_message FsEntry *fs = NULL;
	if (process_fs(cp, p, &fs, NULL) < 0)
		fs = NULL;
	row_str(w, fs ? checkpoint_path(cp, fs->cwd_id) : NULL);
	row_str(w, fs ? checkpoint_path(cp, fs->root_id) : NULL);
	row_optional(w, fs && fs->has_umask, fs ? fs->umask : 0);
}

static int process_row(struct checkpoint *cp, const struct process *p, const CgroupEntry *cgroups,
		       struct row_writer *w, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	auto_memory_view mv = NULL;
	int rc = process_core(cp, p->pid, &core, err);
	if (rc < 0)
		return rc;
	const TaskCoreEntry *tc = core->tc;
	rc = core_is_zombie(core) ? 0 : memory_view_open(cp, p, NULL, &mv, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	row_begin(w, TABLE_PROCESSES);
	row_u64(w, p->pid);
	row_u64(w, p->entry->ppid);
	row_u64(w, p->entry->pgid);
	row_u64(w, p->entry->sid);
	row_str(w, tc ? tc->comm : NULL);
	row_str(w, tc ? state_name(tc->task_state) : NULL);
	command_line(mv, w);
	row_str(w, mv ? checkpoint_path(cp, memory_view_mm(mv)->exe_file_id) : NULL);
	where(cp, p, w);
	row_u64(w, p->entry->n_threads);
	row_optional(w, tc, tc ? tc->exit_code : 0);
	if (tc && tc->has_oom_score_adj)
		row_i64(w, tc->oom_score_adj);
	else
		row_null(w);
	row_optional(w, tc && tc->has_cg_set, tc ? tc->cg_set : 0);
	row_str(w, tc && tc->has_cg_set ? cgroup_path(cgroups, tc->cg_set) : NULL);
	return row_end(w, err);
}

static void caps(struct row_writer *w, const uint32_t *words, size_t nr)
{
	if (nr)
		row_strf(w, "%08x%08x", nr > 1 ? words[1] : 0, words[0]);
	else
		row_null(w);
}

static void creds(struct row_writer *w, const CredsEntry *c)
{
	static const CredsEntry none = CREDS_ENTRY__INIT;
	const CredsEntry *from = c ? c : &none;
	row_optional(w, c, from->uid);
	row_optional(w, c, from->gid);
	row_optional(w, c, from->euid);
	row_optional(w, c, from->egid);
	row_optional(w, c, from->suid);
	row_optional(w, c, from->sgid);
	caps(w, from->cap_eff, from->n_cap_eff);
	caps(w, from->cap_prm, from->n_cap_prm);
	caps(w, from->cap_bnd, from->n_cap_bnd);
	row_optional(w, c && from->has_no_new_privs, from->no_new_privs);
}

static const char *seccomp_name(const CoreEntry *core)
{
	static const char *const names[] = { "disabled", "strict", "filter" };
	const ThreadCoreEntry *thread = core->thread_core;
	unsigned mode = SECCOMP_MODE__disabled;
	if (thread && thread->has_seccomp_mode)
		mode = thread->seccomp_mode;
	else if (core->tc && core->tc->has_old_seccomp_mode)
		mode = core->tc->old_seccomp_mode;
	return mode < ARRAY_SIZE(names) ? names[mode] : NULL;
}

static int thread_row(const struct process *p, uint32_t tid, const CoreEntry *core,
		      struct row_writer *w, struct error *err)
{
	const ThreadCoreEntry *thread = core->thread_core;
	struct registers regs = { 0 };
	bool has_regs = registers_of(core, &regs);
	row_begin(w, TABLE_THREADS);
	row_u64(w, p->pid);
	row_u64(w, tid);
	row_str(w, thread && thread->comm ? thread->comm : core->tc ? core->tc->comm : NULL);
	if (thread && thread->has_sched_nice)
		row_i64(w, thread->sched_nice);
	else
		row_null(w);
	row_optional(w, thread && thread->has_sched_policy, thread ? thread->sched_policy : 0);
	row_optional(w, thread && thread->has_sched_prio, thread ? thread->sched_prio : 0);
	creds(w, thread ? thread->creds : NULL);
	row_str(w, thread ? seccomp_name(core) : NULL);
	row_str(w, thread && thread->creds ? thread->creds->lsm_profile : NULL);
	row_optional(w, has_regs, regs.ip);
	row_optional(w, has_regs, regs.sp);
	return row_end(w, err);
}

static int export_threads(struct checkpoint *cp, const struct process *p, struct row_writer *w,
			  struct error *err)
{
	for (size_t i = 0; i < p->entry->n_threads; i++) {
		uint32_t tid = process_thread(p, i);
		auto_message CoreEntry *core = NULL;
		int rc = process_core(cp, tid, &core, err);
		if (rc == 0)
			rc = thread_row(p, tid, core, w, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int descriptor_rows(struct checkpoint *cp, const struct process *p, struct row_writer *w,
			   struct error *err)
{
	enum { FD_CLOEXEC_BIT = 1 };
	auto_fd_list fds = { 0 };
	int rc = process_fds(cp, p, &fds, err);
	if (rc == -ENOENT) /* a zombie */
		return 0;
	for (size_t i = 0; rc == 0 && i < fds.nr; i++) {
		const FdinfoEntry *fd = fds.items[i];
		const ProtobufCEnumValue *type =
		    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)fd->type);
		row_begin(w, TABLE_DESCRIPTORS);
		row_u64(w, p->pid);
		row_u64(w, fd->fd);
		row_str(w, type ? type->name : NULL);
		row_u64(w, fd->id);
		row_bool(w, fd->flags & FD_CLOEXEC_BIT);
		rc = row_end(w, err);
	}
	return rc;
}

static const struct {
	const char *kind;
	size_t id, has; /* of TaskKobjIdsEntry */
} namespaces[] = {
#define NS(kind)                                                                                   \
	{                                                                                          \
#kind, offsetof(TaskKobjIdsEntry, kind##_ns_id),                                   \
		    offsetof(TaskKobjIdsEntry, has_##kind##_ns_id)                                 \
	}
	NS(pid), NS(net), NS(ipc), NS(uts), NS(mnt), NS(user), NS(cgroup), NS(time),
#undef NS
};

static uint32_t ns_of(const TaskKobjIdsEntry *ids, size_t i)
{
	const char *base = (const char *)ids;
	return *(const protobuf_c_boolean *)(base + namespaces[i].has)
		   ? *(const uint32_t *)(base + namespaces[i].id)
		   : 0;
}

static int namespace_rows(struct checkpoint *cp, const struct process *p, struct row_writer *w,
			  struct error *err)
{
	const InventoryEntry *inventory = checkpoint_inventory(cp);
	const TaskKobjIdsEntry *root = inventory ? inventory->root_ids : NULL;
	auto_message TaskKobjIdsEntry *ids = NULL;
	int rc = process_ids(cp, p, &ids, err);
	if (rc == -ENOENT)
		return 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(namespaces); i++) {
		uint32_t ns = ns_of(ids, i);
		if (!ns)
			continue;
		row_begin(w, TABLE_NAMESPACES);
		row_u64(w, p->pid);
		row_str(w, namespaces[i].kind);
		row_u64(w, ns);
		if (root)
			row_bool(w, ns != ns_of(root, i));
		else
			row_null(w);
		rc = row_end(w, err);
	}
	return rc;
}

int export_processes(struct checkpoint *cp, struct row_writer *w, struct error *err)
{
	auto_message ProtobufCMessage *cgroups = NULL;
	int rc = image_read_one(checkpoint_source(cp), IMG_CGROUP, 0, &cgroups, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		rc = process_row(cp, p, (const CgroupEntry *)cgroups, w, err);
		if (rc == 0)
			rc = export_threads(cp, p, w, err);
		if (rc == 0)
			rc = descriptor_rows(cp, p, w, err);
		if (rc == 0)
			rc = namespace_rows(cp, p, w, err);
		if (rc == 0)
			rc = export_memory(cp, p, w, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
