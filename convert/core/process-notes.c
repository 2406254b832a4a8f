/* SPDX-License-Identifier: MIT
 * Notes of a process.
 */
#include "convert/core/process-notes.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "convert/core/file-note.h"

#define PSARGS_LEN  80
#define FNAME_LEN   16
#define SIGINFO_LEN 128
#define ARGS_MAX    4096

/* task_core_entry.task_state of images */
#define STATE_STOPPED 3

struct subject {
	const struct checkpoint *cp;
	const struct process *p;
	struct memory_view *mv;
	const struct core_machine *machine;
	const CoreEntry *leader;
};

static int stop_signal(const struct subject *s)
{
	const TaskCoreEntry *tc = s->leader->tc;
	return tc && tc->task_state == STATE_STOPPED && tc->has_stop_signo ? (int)tc->stop_signo
									   : 0;
}

static void put_ids(struct notes *n, const struct process *p, uint32_t tid)
{
	note_number(n, tid, 4);
	note_number(n, p->entry->ppid, 4);
	note_number(n, p->entry->pgid, 4);
	note_number(n, p->entry->sid, 4);
}

static void put_prstatus(struct notes *n, const struct subject *s, const CoreEntry *core,
			 uint32_t tid)
{
	const ThreadCoreEntry *th = core->thread_core;
	int signal = stop_signal(s);
	note_begin(n, "CORE", NT_PRSTATUS);
	note_number(n, (uint64_t)signal, 4); /* si_signo, si_code, si_errno */
	note_zero(n, 8);
	note_number(n, (uint64_t)signal, 2); /* pr_cursig */
	note_zero(n, 2);
	note_word(n, 0); /* pr_sigpend */
	note_word(n, th ? th->blk_sigset : 0);
	put_ids(n, s->p, tid);
	note_zero(n, s->machine->is64 ? 64 : 32); /* four times of processor use */
	size_t regs = note_len(n);
	s->machine->gregs(n, core);
	note_fit(n, regs + s->machine->gregs_len);
	note_number(n, 1, 4); /* pr_fpvalid */
	if (s->machine->is64)
		note_zero(n, 4);
	note_end(n);
}

/* The command line as ps shows it. */
static size_t read_args(const struct subject *s, char *out, size_t size, struct error *err)
{
	const MmEntry *mm = memory_view_mm(s->mv);
	uint8_t known[ARGS_MAX / PAGE + 2] = { 0 };
	uint64_t len = mm->mm_arg_end > mm->mm_arg_start ? mm->mm_arg_end - mm->mm_arg_start : 0;
	if (len > size - 1)
		len = size - 1;
	if (!len || memory_view_read(s->mv, mm->mm_arg_start, out, len, known, err) < 0 ||
	    !known[0])
		len = 0;
	for (uint64_t i = 0; i < len; i++)
		out[i] = out[i] ? out[i] : ' ';
	out[len] = 0;
	return (size_t)len;
}

static void put_prpsinfo(struct notes *n, const struct subject *s)
{
	const TaskCoreEntry *tc = s->leader->tc;
	const ThreadCoreEntry *th = s->leader->thread_core;
	bool stopped = tc && tc->task_state == STATE_STOPPED;
	unsigned id_size = s->machine->is64 ? 4 : 2;
	char args[PSARGS_LEN] = "", name[FNAME_LEN] = "";
	read_args(s, args, sizeof(args), NULL);
	if (tc && tc->comm)
		snprintf(name, sizeof(name), "%s", tc->comm);
	note_begin(n, "CORE", NT_PRPSINFO);
	note_number(n, stopped ? 3 : 1, 1);
	note_number(n, stopped ? 'T' : 'S', 1);
	note_number(n, 0, 1);
	note_number(n, th ? (uint8_t)th->sched_nice : 0, 1);
	if (s->machine->is64)
		note_zero(n, 4);
	note_word(n, tc ? tc->flags : 0);
	note_number(n, th && th->creds ? th->creds->uid : 0, id_size);
	note_number(n, th && th->creds ? th->creds->gid : 0, id_size);
	put_ids(n, s->p, s->p->pid);
	note_bytes(n, name, sizeof(name));
	note_bytes(n, args, sizeof(args));
	note_end(n);
}

static void put_siginfo(struct notes *n, const struct subject *s)
{
	note_begin(n, "CORE", NT_SIGINFO);
	note_number(n, (uint64_t)stop_signal(s), 4);
	note_fit(n, SIGINFO_LEN);
	note_end(n);
}

static void put_auxv(struct notes *n, const struct subject *s)
{
	const MmEntry *mm = memory_view_mm(s->mv);
	note_begin(n, "CORE", NT_AUXV);
	for (size_t i = 0; i < mm->n_mm_saved_auxv; i++)
		note_word(n, mm->mm_saved_auxv[i]);
	note_word(n, AT_NULL); /* images may leave the last pair out */
	note_word(n, 0);
	note_end(n);
}

static int put_thread(struct notes *n, const struct subject *s, uint32_t tid, bool leader,
		      struct error *err)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(s->cp, tid, &core, err);
	if (rc < 0)
		return rc;
	if (core->mtype != s->machine->march || !s->machine->has_regs(core))
		return error_set(err, EBADMSG, "core-%u.img: no registers of %s", tid,
				 s->machine->name);
	put_prstatus(n, s, core, tid);
	if (leader) {
		put_prpsinfo(n, s);
		put_siginfo(n, s);
		put_auxv(n, s);
		rc = file_note(n, s->cp, s->p, s->mv, err);
		if (rc < 0)
			return rc;
	}
	s->machine->others(n, core);
	return n->failed ? error_set(err, ENOMEM, "out of memory") : 0;
}

int process_notes(const struct checkpoint *cp, const struct process *p, struct memory_view *mv,
		  const struct core_machine *machine, struct notes *out, struct error *err)
{
	struct subject s = { cp, p, mv, machine, NULL };
	auto_message CoreEntry *leader = NULL;
	int rc = process_core(cp, p->pid, &leader, err);
	if (rc < 0)
		return rc;
	s.leader = leader;
	rc = put_thread(out, &s, p->pid, true, err);
	for (size_t i = 0; rc == 0 && i < p->entry->n_threads; i++) {
		uint32_t tid = process_thread(p, i);
		if (tid != p->pid)
			rc = put_thread(out, &s, tid, false, err);
	}
	return rc;
}
