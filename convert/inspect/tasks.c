/* SPDX-License-Identifier: MIT
 * Processes of an inspection, one by one: who they are, what they may, what they wait for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cgroup.pb-c.h"
#include "convert/describe/process.h"
#include "convert/describe/words.h"
#include "convert/inspect/sections.h"

/* A value made of words: key, title, and what wrote them into the buffer. */
static void words_value(struct doc *doc, const char *key, const char *title, struct strbuf *words,
			int rc)
{
	const char *none = title && doc_is_text(doc) ? "none" : "";
	doc_str(doc, key, title, rc < 0 ? NULL : words->len ? words->data : none);
	strbuf_reset(words);
}

static void identity_write(const struct process_facts *facts, const struct process *p,
			   const FsEntry *fs, struct doc *doc)
{
	const TaskCoreEntry *tc = facts->core->tc;
	doc_u64(doc, "pid", "Pid", p->pid);
	doc_u64(doc, "ppid", "Parent", p->entry->ppid);
	doc_u64(doc, "pgid", "Group", p->entry->pgid);
	doc_u64(doc, "sid", "Session", p->entry->sid);
	doc_u64(doc, "threads", "Threads", p->entry->n_threads);
	doc_str(doc, "comm", "Name", facts->comm);
	doc_str(doc, "state", "State", facts->state);
	if (core_is_zombie(facts->core))
		doc_hex(doc, "exit_code", "Exit code", tc->exit_code);
	doc_str(doc, "exe", "Program", facts->exe);
	doc_str(doc, "cwd", "Working directory", facts->cwd);
	doc_str(doc, "root", "Root", facts->root);
	if (fs && fs->has_umask)
		doc_strf(doc, "umask", "Umask", "%03o", fs->umask);
	if (!tc)
		return;
	doc_hex(doc, "personality", "Personality", tc->personality);
	if (tc->has_oom_score_adj)
		doc_i64(doc, "oom_score_adj", "OOM score", tc->oom_score_adj);
	if (tc->has_loginuid)
		doc_i64(doc, "loginuid", "Login user", (int32_t)tc->loginuid);
	if (tc->has_child_subreaper)
		doc_bool(doc, "child_subreaper", "Takes in orphans", tc->child_subreaper);
}

static void creds_write(const CredsEntry *c, struct doc *doc)
{
	const struct {
		const char *key, *title;
		size_t nr;
		const uint32_t *words;
	} sets[] = {
		{ "effective", "Effective", c->n_cap_eff, c->cap_eff },
		{ "permitted", "Permitted", c->n_cap_prm, c->cap_prm },
		{ "inheritable", "Inheritable", c->n_cap_inh, c->cap_inh },
		{ "bounding", "Bounding", c->n_cap_bnd, c->cap_bnd },
		{ "ambient", "Ambient", c->n_cap_amb, c->cap_amb },
	};
	auto_strbuf words = { 0 };
	int rc = 0;
	doc_object(doc, "credentials", "Credentials");
	doc_strf(doc, "users", "User", "real %u, effective %u, saved %u, of files %u", c->uid,
		 c->euid, c->suid, c->fsuid);
	doc_strf(doc, "groups", "Group", "real %u, effective %u, saved %u, of files %u", c->gid,
		 c->egid, c->sgid, c->fsgid);
	for (size_t i = 0; rc == 0 && i < c->n_groups; i++)
		rc = strbuf_printf(&words, "%s%u", i ? ", " : "", c->groups[i]);
	words_value(doc, "supplementary_groups", "Supplementary groups", &words, rc);
	doc_hex(doc, "securebits", "Securebits", c->secbits);
	if (c->has_no_new_privs)
		doc_bool(doc, "no_new_privs", "No new privileges", c->no_new_privs);
	doc_str(doc, "lsm_profile", "Security profile", c->lsm_profile);
	doc_object(doc, "capabilities", "Capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		rc = capability_words(sets[i].words, sets[i].nr, &words);
		words_value(doc, sets[i].key, sets[i].title, &words, rc);
	}
	doc_end(doc);
	doc_end(doc);
}

static void limit_cell(uint64_t value, const char *unit, struct doc *doc)
{
	if (value == UINT64_MAX)
		doc_str(doc, NULL, NULL, "unlimited");
	else if (!strcmp(unit, "bytes") && doc_is_text(doc))
		doc_size(doc, NULL, NULL, value);
	else
		doc_u64(doc, NULL, NULL, value);
}

static void limits_write(const TaskRlimitsEntry *limits, struct doc *doc)
{
	static const struct doc_column columns[] = { { "limit", "LIMIT", DOC_LEFT },
						     { "soft", "SOFT", DOC_RIGHT },
						     { "hard", "HARD", DOC_RIGHT },
						     { "unit", "UNIT", DOC_LEFT } };
	doc_table(doc, "limits", "Limits", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < limits->n_rlimits; i++) {
		const char *unit = "", *word = limit_word(i, &unit);
		doc_row(doc);
		doc_str(doc, NULL, NULL, word ?: "?");
		limit_cell(limits->rlimits[i]->cur, unit, doc);
		limit_cell(limits->rlimits[i]->max, unit, doc);
		doc_str(doc, NULL, NULL, unit);
	}
	doc_end(doc);
}

/* Entries stand for signals 1 to 64 in order, without SIGKILL and SIGSTOP. */
static unsigned action_signal(size_t i)
{
	return (unsigned)i + 1 + (i >= 8) + (i >= 17);
}

static void action_row(unsigned number, const SaEntry *sa, struct doc *doc)
{
	auto_strbuf words = { 0 };
	doc_row(doc);
	words_value(doc, NULL, NULL, &words, signal_word(number, &words));
	if (sa->sigaction <= 1)
		doc_str(doc, NULL, NULL, sa->sigaction ? "ignored" : "default");
	else
		doc_hex(doc, NULL, NULL, sa->sigaction);
	words_value(doc, NULL, NULL, &words, signal_flag_words(sa->flags, &words));
	words_value(doc, NULL, NULL, &words, signal_set_words(sa->mask, &words));
}

static void actions_write(const TaskCoreEntry *tc, struct doc *doc)
{
	static const struct doc_column columns[] = { { "signal", "SIGNAL", DOC_LEFT },
						     { "action", "ACTION", DOC_LEFT },
						     { "flags", "FLAGS", DOC_LEFT },
						     { "mask", "BLOCKED MEANWHILE", DOC_LEFT } };
	doc_table(doc, "signal_actions", "Signals not left to their default", columns,
		  ARRAY_SIZE(columns));
	for (size_t i = 0; i < tc->n_sigactions; i++) {
		if (tc->sigactions[i]->sigaction)
			action_row(action_signal(i), tc->sigactions[i], doc);
	}
	doc_end(doc);
}

/* siginfo_t begins with the number of its signal. */
static void pending_write(const char *key, const char *title, const SignalQueueEntry *queue,
			  struct doc *doc)
{
	auto_strbuf words = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && queue && i < queue->n_signals; i++) {
		const ProtobufCBinaryData *info = &queue->signals[i]->siginfo;
		int32_t number = 0;
		if (info->len >= sizeof(number))
			memcpy(&number, info->data, sizeof(number));
		rc = words.len ? strbuf_str(&words, ", ") : 0;
		if (rc == 0)
			rc = signal_word((unsigned)number, &words);
	}
	doc_str(doc, key, title, rc < 0 || !words.len ? "none" : words.data);
}

/* Every process has these three; one that is not set is not worth a row. */
static void itimer_row(const char *name, const ItimerEntry *timer, struct doc *doc)
{
	if (!timer->vsec && !timer->vusec && !timer->isec && !timer->iusec)
		return;
	doc_row(doc);
	doc_str(doc, NULL, NULL, name);
	doc_none(doc, NULL, NULL);
	doc_strf(doc, NULL, NULL, "%" PRIu64 ".%06" PRIu64 " s", timer->vsec, timer->vusec);
	doc_strf(doc, NULL, NULL, "%" PRIu64 ".%06" PRIu64 " s", timer->isec, timer->iusec);
}

static void posix_row(const PosixTimerEntry *timer, struct doc *doc)
{
	auto_strbuf words = { 0 };
	doc_row(doc);
	doc_strf(doc, NULL, NULL, "%u on clock %u", timer->it_id, timer->clock_id);
	words_value(doc, NULL, NULL, &words, signal_word(timer->si_signo, &words));
	doc_strf(doc, NULL, NULL, "%" PRIu64 ".%09" PRIu64 " s", timer->vsec, timer->vnsec);
	doc_strf(doc, NULL, NULL, "%" PRIu64 ".%09" PRIu64 " s", timer->isec, timer->insec);
}

static void timers_write(const TaskTimersEntry *timers, struct doc *doc)
{
	static const struct doc_column columns[] = { { "timer", "TIMER", DOC_LEFT },
						     { "signal", "SIGNAL", DOC_LEFT },
						     { "left", "LEFT", DOC_RIGHT },
						     { "interval", "INTERVAL", DOC_RIGHT } };
	doc_table(doc, "timers", "Timers", columns, ARRAY_SIZE(columns));
	itimer_row("real", timers->real, doc);
	itimer_row("virtual", timers->virt, doc);
	itimer_row("profiling", timers->prof, doc);
	for (size_t i = 0; i < timers->n_posix; i++)
		posix_row(timers->posix[i], doc);
	doc_end(doc);
}

static void ids_write(struct checkpoint *cp, const struct process *p, struct doc *doc)
{
	TaskKobjIdsEntry *read = NULL;
	if (process_ids(cp, p, &read, NULL) < 0)
		return;
	auto_message TaskKobjIdsEntry *ids = read;
	const struct {
		const char *key, *title;
		bool has;
		uint32_t id;
	} rows[] = {
		{ "memory", "Address space", true, ids->vm_id },
		{ "files", "Descriptors", true, ids->files_id },
		{ "fs", "Directories", true, ids->fs_id },
		{ "signals", "Signal actions", true, ids->sighand_id },
		{ "pid_ns", "Pid namespace", ids->has_pid_ns_id, ids->pid_ns_id },
		{ "net_ns", "Network namespace", ids->has_net_ns_id, ids->net_ns_id },
		{ "ipc_ns", "IPC namespace", ids->has_ipc_ns_id, ids->ipc_ns_id },
		{ "uts_ns", "UTS namespace", ids->has_uts_ns_id, ids->uts_ns_id },
		{ "mnt_ns", "Mount namespace", ids->has_mnt_ns_id, ids->mnt_ns_id },
		{ "user_ns", "User namespace", ids->has_user_ns_id, ids->user_ns_id },
		{ "cgroup_ns", "Cgroup namespace", ids->has_cgroup_ns_id, ids->cgroup_ns_id },
		{ "time_ns", "Time namespace", ids->has_time_ns_id, ids->time_ns_id },
	};
	doc_object(doc, "ids", "Shared with whoever has the same number");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].has)
			doc_u64(doc, rows[i].key, rows[i].title, rows[i].id);
	}
	doc_end(doc);
}

static void cgroups_write(struct checkpoint *cp, uint32_t id, struct doc *doc)
{
	static const struct doc_column columns[] = { { "hierarchy", "HIERARCHY", DOC_LEFT },
						     { "path", "PATH", DOC_LEFT } };
	auto_message ProtobufCMessage *msg = NULL;
	if (image_read_one(checkpoint_source(cp), IMG_CGROUP, 0, &msg, NULL) < 0)
		return;
	const CgroupEntry *cgroups = (const CgroupEntry *)msg;
	doc_table(doc, "cgroups", "Control groups", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < cgroups->n_sets; i++) {
		const CgSetEntry *set = cgroups->sets[i];
		for (size_t k = 0; set->id == id && k < set->n_ctls; k++) {
			doc_row(doc);
			doc_str(doc, NULL, NULL, *set->ctls[k]->name ? set->ctls[k]->name : "v2");
			doc_str(doc, NULL, NULL, set->ctls[k]->path);
		}
	}
	doc_end(doc);
}

static void seccomp_write(const ThreadCoreEntry *thread, struct doc *doc)
{
	static const char *const modes[] = { "none", "strict", "filter" };
	unsigned mode = thread->has_seccomp_mode ? thread->seccomp_mode : 0;
	doc_str(doc, "seccomp", "System calls limited by (seccomp)",
		mode < ARRAY_SIZE(modes) ? modes[mode] : "?");
	if (thread->has_seccomp_filter)
		doc_u64(doc, "seccomp_filter", "Last filter in seccomp.img",
			thread->seccomp_filter);
}

static int task_write(struct checkpoint *cp, const struct process *p, struct doc *doc,
		      struct error *err)
{
	auto_process_facts facts = { 0 };
	FsEntry *read = NULL;
	int rc = process_describe(cp, p, false, &facts, err);
	if (rc < 0)
		return rc;
	if (!core_is_zombie(facts.core) && process_fs(cp, p, &read, NULL) < 0)
		read = NULL;
	auto_message FsEntry *fs = read;
	const ThreadCoreEntry *thread = facts.core->thread_core;
	const TaskCoreEntry *tc = facts.core->tc;
	char title[32];
	snprintf(title, sizeof(title), "Process %u", p->pid);
	doc_object(doc, NULL, title);
	identity_write(&facts, p, fs, doc);
	if (thread)
		seccomp_write(thread, doc);
	if (thread && thread->creds)
		creds_write(thread->creds, doc);
	if (tc)
		pending_write("pending_signals", "Signals that wait", tc->signals_s, doc);
	if (tc && tc->n_sigactions)
		actions_write(tc, doc);
	if (tc && tc->timers)
		timers_write(tc->timers, doc);
	if (tc && tc->rlimits)
		limits_write(tc->rlimits, doc);
	ids_write(cp, p, doc);
	if (tc && (tc->has_cg_set || (thread && thread->has_cg_set)))
		cgroups_write(cp, tc->has_cg_set ? tc->cg_set : thread->cg_set, doc);
	doc_end(doc);
	return 0;
}

int inspect_tasks(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		  struct error *err)
{
	int rc = 0;
	doc_list(doc, "tasks", "Tasks");
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (inspect_means(options, p))
			rc = task_write(cp, p, doc, err);
	}
	doc_end(doc);
	return rc;
}

/* @return NULL: it is no message, or not set */
static const ProtobufCMessage *message_field(const ProtobufCMessage *msg,
					     const ProtobufCFieldDescriptor *field)
{
	if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	return *(ProtobufCMessage *const *)((const char *)msg + field->offset);
}

/* General registers by their names in the image; the others are left to `crit show`. */
static void registers_write(const CoreEntry *core, struct doc *doc)
{
	const ProtobufCMessageDescriptor *desc = core->base.descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCMessage *machine = message_field(&core->base, &desc->fields[i]);
		const ProtobufCFieldDescriptor *gpregs =
		    machine ? protobuf_c_message_descriptor_get_field_by_name(machine->descriptor,
									      "gpregs")
			    : NULL;
		auto_flat fields = { 0 };
		if (!message_field(machine, gpregs) ||
		    flat_from_field(machine, gpregs, &fields, NULL) < 0)
			continue;
		doc_object(doc, "registers", "Registers");
		for (size_t k = 0; k < fields.nr; k++)
			doc_str(doc, fields.items[k].path, fields.items[k].path,
				fields.items[k].value);
		doc_end(doc);
	}
}

static void thread_facts_write(const ThreadCoreEntry *thread, struct doc *doc)
{
	auto_strbuf words = { 0 };
	if (thread->has_blk_sigset)
		words_value(doc, "blocked_signals", "Signals blocked", &words,
			    signal_set_words(thread->blk_sigset, &words));
	pending_write("pending_signals", "Signals that wait", thread->signals_p, doc);
	if (thread->has_sched_policy)
		doc_strf(doc, "scheduling", "Scheduling", "%s, priority %u, nice %d",
			 policy_word(thread->sched_policy), thread->sched_prio, thread->sched_nice);
	if (thread->sas && thread->sas->ss_size)
		doc_strf(doc, "signal_stack", "Signal stack", "%#" PRIx64 ", %" PRIu64 " bytes",
			 thread->sas->ss_sp, thread->sas->ss_size);
	if (thread->futex_rla)
		doc_hex(doc, "robust_list", "Robust futexes", thread->futex_rla);
	if (thread->rseq_entry)
		doc_hex(doc, "rseq", "Restartable sequences", thread->rseq_entry->rseq_abi_pointer);
}

static int thread_write(struct checkpoint *cp, const struct process *p, size_t i, struct doc *doc,
			struct error *err)
{
	auto_message CoreEntry *core = NULL;
	uint32_t tid = process_thread(p, i);
	int rc = process_core(cp, tid, &core, err);
	if (rc < 0)
		return rc;
	const char *comm = core->thread_core && core->thread_core->comm ? core->thread_core->comm
			   : core->tc                                   ? core->tc->comm
									: NULL;
	char title[32];
	snprintf(title, sizeof(title), "Thread %u", tid);
	doc_object(doc, NULL, title);
	doc_u64(doc, "tid", NULL, tid);
	doc_u64(doc, "pid", NULL, p->pid);
	doc_str(doc, "comm", "Name", comm);
	if (core->thread_core)
		thread_facts_write(core->thread_core, doc);
	registers_write(core, doc);
	doc_end(doc);
	return 0;
}

int inspect_threads(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		    struct error *err)
{
	int rc = 0;
	doc_list(doc, "threads", "Threads");
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		for (size_t k = 0; rc == 0 && inspect_means(options, p) && k < p->entry->n_threads;
		     k++)
			rc = thread_write(cp, p, k, doc, err);
	}
	doc_end(doc);
	return rc;
}
