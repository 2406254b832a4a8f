/* SPDX-License-Identifier: MIT
 * Signals: dispositions, blocked masks, queued signals of the process and of threads, and the
 * alternate stack.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mem/arena.h"
#include "engine/task/parts.h"
#include "images/message.h"

#define NR_SIGNALS     64
#define NR_SIGACTIONS  62u /* all but SIGKILL and SIGSTOP, in order */
#define SIGINFO_SIZE   128u
#define NR_QUEUED_MAX  (1u << 20)
#define SAS_AUTODISARM (1u << 31)

static bool has_sigaction(int signo)
{
	return signo != SIGKILL && signo != SIGSTOP;
}

static int dump_queue(const void *infos, size_t nr, SignalQueueEntry **out, struct error *err)
{
	SignalQueueEntry *q = *out = message_new(&signal_queue_entry__descriptor);
	if (!q)
		return error_set(err, ENOMEM, "queued signals: out of memory");
	q->signals = message_array(&siginfo_entry__descriptor, nr, &q->n_signals);
	if (nr && !q->signals)
		return error_set(err, ENOMEM, "queued signals: out of memory");
	for (size_t i = 0; i < nr; i++) {
		ProtobufCBinaryData *b = &q->signals[i]->siginfo;
		b->data = malloc(SIGINFO_SIZE);
		if (!b->data)
			return error_set(err, ENOMEM, "queued signals: out of memory");
		b->len = SIGINFO_SIZE;
		memcpy(b->data, (const char *)infos + i * SIGINFO_SIZE, SIGINFO_SIZE);
	}
	return 0;
}

int signals_dump(const struct task *t, TaskCoreEntry *tc, struct error *err)
{
	tc->blk_sigset = t->threads[0].sigmask;
	tc->sigactions = message_array(&sa_entry__descriptor, NR_SIGACTIONS, &tc->n_sigactions);
	if (!tc->sigactions)
		return error_set(err, ENOMEM, "sigactions: out of memory");
	SaEntry **e = tc->sigactions;
	for (int signo = 1; signo <= NR_SIGNALS; signo++) {
		if (!has_sigaction(signo))
			continue;
		const struct parasite_sigaction *sa = &t->inside.sigactions[signo - 1];
		(*e)->sigaction = sa->handler;
		(*e)->flags = sa->flags;
		(*e)->restorer = sa->restorer;
		(*e)->mask = sa->mask;
		(*e)->has_compat_sigaction = true;
		e++;
	}
	return dump_queue(t->shared_siginfos, t->nr_shared_siginfos, &tc->signals_s, err);
}

int signals_dump_thread(const struct thread *th, ThreadCoreEntry *tc, struct error *err)
{
	tc->sas = message_new(&thread_sas_entry__descriptor);
	if (!tc->sas)
		return error_set(err, ENOMEM, "signal stack: out of memory");
	tc->sas->ss_sp = th->inside.sas_sp;
	tc->sas->ss_size = th->inside.sas_size;
	tc->sas->ss_flags = th->inside.sas_flags;
	return dump_queue(th->siginfos, th->nr_siginfos, &tc->signals_p, err);
}

static int check_queue(const char *name, const SignalQueueEntry *q, struct error *err)
{
	if (!q)
		return 0;
	if (q->n_signals > NR_QUEUED_MAX)
		return error_set(err, EBADMSG, "%s: %zu queued signals, at most %u", name,
				 q->n_signals, NR_QUEUED_MAX);
	for (size_t i = 0; i < q->n_signals; i++) {
		const ProtobufCBinaryData *b = &q->signals[i]->siginfo;
		int32_t signo;
		if (b->len != SIGINFO_SIZE)
			return error_set(err, EBADMSG, "%s[%zu]: siginfo is %zu bytes, want %u",
					 name, i, b->len, SIGINFO_SIZE);
		memcpy(&signo, b->data, sizeof(signo));
		if (signo < 1 || signo > NR_SIGNALS)
			return error_set(err, EBADMSG, "%s[%zu]: no signal has number %d", name, i,
					 signo);
		if (signo == SIGKILL)
			return error_set(err, EBADMSG, "%s[%zu]: SIGKILL cannot be pending", name,
					 i);
	}
	return 0;
}

int signals_check(const TaskCoreEntry *tc, struct error *err)
{
	if (tc->n_sigactions != NR_SIGACTIONS)
		return error_set(err, EBADMSG,
				 "sigactions: %zu, want %u (sets of CRIU before "
				 "3.0 keep them elsewhere: not supported)",
				 tc->n_sigactions, NR_SIGACTIONS);
	for (size_t i = 0; i < tc->n_sigactions; i++)
		if (tc->sigactions[i]->compat_sigaction)
			return error_set(err, ENOTSUP,
					 "sigactions[%zu] is of a 32-bit program: not supported",
					 i);
	return check_queue("signals_s", tc->signals_s, err);
}

int signals_check_thread(const ThreadCoreEntry *tc, struct error *err)
{
	const ThreadSasEntry *sas = tc->sas;
	if (sas && (sas->ss_flags & ~(SS_ONSTACK | SS_DISABLE | SAS_AUTODISARM)))
		return error_set(err, EBADMSG, "sas.ss_flags: unknown bits in %#x", sas->ss_flags);
	return check_queue("signals_p", tc->signals_p, err);
}

size_t signals_args_size(const SignalQueueEntry *q)
{
	return q ? q->n_signals * SIGINFO_SIZE + sizeof(uint64_t) : 0;
}

static int fill_queue(const SignalQueueEntry *q, struct arena *arena, void **infos, uint32_t *nr,
		      struct error *err)
{
	*nr = 0;
	if (!q || !q->n_signals)
		return 0;
	char *to = *infos = arena_alloc(arena, q->n_signals * SIGINFO_SIZE, 8);
	if (!to)
		return error_set(err, ENOMEM, "queued signals: the arena is full");
	for (size_t i = 0; i < q->n_signals; i++)
		memcpy(to + i * SIGINFO_SIZE, q->signals[i]->siginfo.data, SIGINFO_SIZE);
	*nr = (uint32_t)q->n_signals;
	return 0;
}

int signals_fill(const TaskCoreEntry *tc, struct arena *arena, struct restorer_args *args,
		 struct error *err)
{
	SaEntry **e = tc->sigactions;
	for (int signo = 1; signo <= NR_SIGNALS; signo++) {
		if (!has_sigaction(signo))
			continue;
		struct restorer_sigaction *sa = &args->sigactions[signo - 1];
		sa->handler = (*e)->sigaction;
		sa->flags = (*e)->flags;
		sa->restorer = (*e)->restorer;
		sa->mask = (*e)->mask;
		e++;
	}
	return fill_queue(tc->signals_s, arena, &args->siginfos, &args->nr_siginfos, err);
}

int signals_fill_thread(const ThreadCoreEntry *tc, struct arena *arena, struct restorer_thread *out,
			struct error *err)
{
	out->sas_flags = SS_DISABLE;
	if (tc->sas) {
		out->sas_sp = tc->sas->ss_sp;
		out->sas_size = tc->sas->ss_size;
		out->sas_flags = tc->sas->ss_flags;
	}
	return fill_queue(tc->signals_p, arena, &out->siginfos, &out->nr_siginfos, err);
}
