/* SPDX-License-Identifier: MIT
 * Seccomp, both directions: seccomp.img has every filter once, and which one was installed before
 * it; a thread names the last of its chain.
 */
#include "engine/task/seccomp.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/mem/arena.h"
#include "engine/pie/restorer.h"
#include "images/reader.h"
#include "images/writer.h"
#include "security.pb-c.h"

#define INSN_SIZE   sizeof(struct sock_filter)
#define FILTERS_MAX 1024 /* the kernel takes 32768 instructions in a chain, fewer filters */
#define CAPS_SIZE   32   /* what capset(2) is given */

struct metadata { /* struct seccomp_metadata, of which not every header has both members */
	uint64_t filter_off, flags;
};

/* Dump. */

static int refuse(const struct thread *th, const char *why, struct error *err)
{
	return error_set(err, ENOTSUP, "thread %d runs under seccomp: %s", th->tid, why);
}

static int read_filter(struct thread *th, size_t i, struct error *err)
{
	long nr = ptrace(PTRACE_SECCOMP_GET_FILTER, th->tid, i, NULL);
	if (nr < 0)
		return -errno;
	struct seccomp_program *f = array_add(&th->filters);
	if (!f)
		return error_set(err, ENOMEM, "out of memory");
	f->len = (size_t)nr * INSN_SIZE;
	f->insns = calloc(1, f->len + 1);
	if (!f->insns)
		return error_set(err, ENOMEM, "out of memory");
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, th->tid, i, f->insns) != nr)
		return errno ? -errno : -EIO;
	struct metadata meta = { .filter_off = i };
	if (ptrace(PTRACE_SECCOMP_GET_METADATA, th->tid, sizeof(meta), &meta) < 0)
		return -errno;
	f->flags = (uint32_t)meta.flags;
	return 0;
}

int seccomp_collect(struct thread *th, struct error *err)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP;
	if (th->status.seccomp_mode == SECCOMP_MODE__disabled)
		return 0;
	if (ptrace(PTRACE_SETOPTIONS, th->tid, NULL, (void *)options) < 0)
		return refuse(th,
			      "lifting it takes CAP_SYS_ADMIN, and a stasis that runs under no "
			      "seccomp itself",
			      err);
	if (th->status.seccomp_mode != SECCOMP_MODE__filter)
		return 0;
	int rc = 0;
	for (size_t i = 0; rc == 0; i++)
		rc = i < FILTERS_MAX ? read_filter(th, i, err) : -E2BIG;
	if (rc == -ENOENT)
		return 0; /* behind the last */
	if (rc == -ENOMEM)
		return rc;
	return refuse(th, "its filters cannot be read (are they no classic BPF?): not supported",
		      err);
}

void seccomp_thread_fini(struct thread *th)
{
	for (size_t i = 0; i < th->filters.nr; i++)
		free(th->filters.items[i].insns);
	free(th->filters.items);
}

static bool has_filters_of(const struct thread *a, const struct thread *b)
{
	bool same = a->status.seccomp_mode == b->status.seccomp_mode &&
		    a->status.no_new_privs == b->status.no_new_privs &&
		    a->filters.nr == b->filters.nr;
	for (size_t i = 0; same && i < a->filters.nr; i++) {
		const struct seccomp_program *f = &a->filters.items[i], *g = &b->filters.items[i];
		same =
		    f->flags == g->flags && f->len == g->len && !memcmp(f->insns, g->insns, f->len);
	}
	return same;
}

/* CRIU's way to say it: the filters have the flag, and the other threads none of their own. */
static void share(struct task *t)
{
	struct thread *first = &t->threads[0];
	if (t->nr_threads < 2 || first->status.seccomp_mode != SECCOMP_MODE__filter)
		return;
	for (size_t i = 1; i < t->nr_threads; i++) {
		if (!has_filters_of(first, &t->threads[i]))
			return;
	}
	for (size_t i = 0; i < first->filters.nr; i++)
		first->filters.items[i].flags |= SECCOMP_FILTER_FLAG_TSYNC;
	for (size_t i = 1; i < t->nr_threads; i++)
		t->threads[i].filters_by_first = true;
}

/* @return index in seccomp.img; -ENOMEM */
static int add_filter(struct dump *d, const struct seccomp_program *f, int prev)
{
	for (size_t i = 0; i < d->filters.nr; i++) {
		const struct seccomp_stored *s = &d->filters.items[i];
		if (s->prev == prev && s->program->flags == f->flags && s->program->len == f->len &&
		    !memcmp(s->program->insns, f->insns, f->len))
			return (int)i;
	}
	struct seccomp_stored *s = array_add(&d->filters);
	if (!s)
		return -ENOMEM;
	s->program = f;
	s->prev = prev;
	return (int)d->filters.nr - 1;
}

static bool asks_supervisor(const struct seccomp_program *f)
{
	const struct sock_filter *insns = f->insns;
	for (size_t i = 0; i < f->len / INSN_SIZE; i++) {
		if (insns[i].code == (BPF_RET | BPF_K) &&
		    (insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}

/* It is given a descriptor when the filter is installed, and that is another one now. */
static void warn_of_supervisor(const struct task *t)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		for (size_t k = 0; k < t->threads[i].filters.nr; k++) {
			if (!asks_supervisor(&t->threads[i].filters.items[k]))
				continue;
			log_warn(TASK_FMT
				 ": a seccomp filter asks a supervisor about system calls "
				 "(SECCOMP_RET_USER_NOTIF): after the restore nobody answers, they "
				 "fail with ENOSYS",
				 TASK_ARGS(t));
			return;
		}
	}
}

int seccomp_number(struct dump *d, struct task *t, struct error *err)
{
	share(t);
	warn_of_supervisor(t);
	for (size_t i = 0; i < t->nr_threads; i++) {
		struct thread *th = &t->threads[i];
		th->last_filter = -1;
		for (size_t k = 0; !th->filters_by_first && k < th->filters.nr; k++) {
			th->last_filter = add_filter(d, &th->filters.items[k], th->last_filter);
			if (th->last_filter < 0)
				return error_set(err, ENOMEM, "out of memory");
		}
	}
	return 0;
}

void seccomp_dump(const struct thread *th, ThreadCoreEntry *tc)
{
	if (th->status.seccomp_mode <= 0 || th->filters_by_first)
		return;
	tc->has_seccomp_mode = true;
	tc->seccomp_mode = (SeccompMode)th->status.seccomp_mode;
	tc->has_seccomp_filter = th->last_filter >= 0;
	tc->seccomp_filter = th->last_filter >= 0 ? (uint32_t)th->last_filter : 0;
}

int seccomp_dump_finish(struct dump *d, struct error *err)
{
	SeccompEntry e = SECCOMP_ENTRY__INIT;
	size_t nr = d->filters.nr;
	auto_free SeccompFilter *filters = calloc(nr + 1, sizeof(*filters));
	auto_free SeccompFilter **list = calloc(nr + 1, sizeof(SeccompFilter *));
	if (!filters || !list)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		const struct seccomp_stored *s = &d->filters.items[i];
		SeccompFilter *f = list[i] = &filters[i];
		seccomp_filter__init(f);
		f->filter.data = (uint8_t *)s->program->insns;
		f->filter.len = s->program->len;
		f->has_prev = s->prev >= 0;
		f->prev = s->prev >= 0 ? (uint32_t)s->prev : 0;
		f->has_flags = true;
		f->flags = s->program->flags;
	}
	e.seccomp_filters = list;
	e.n_seccomp_filters = nr;
	return image_write_one(d->images_fd, IMG_SECCOMP, 0, &e.base, err);
}

/* Restore. */

static bool is_filtered(const ThreadCoreEntry *tc)
{
	return tc->has_seccomp_mode && tc->seccomp_mode == SECCOMP_MODE__filter;
}

static const SeccompFilter *filter_at(const struct restore *r, uint32_t i)
{
	return r->seccomp && i < r->seccomp->n_seccomp_filters ? r->seccomp->seccomp_filters[i]
							       : NULL;
}

/* The nth filter of a chain, the oldest first; NULL: there are no more. */
static const SeccompFilter *chain_nth(const struct restore *r, const ThreadCoreEntry *tc,
				      size_t nth)
{
	const SeccompFilter *last = is_filtered(tc) ? filter_at(r, tc->seccomp_filter) : NULL;
	size_t nr = 0;
	for (const SeccompFilter *f = last; f; f = f->has_prev ? filter_at(r, f->prev) : NULL)
		nr++;
	if (nth >= nr)
		return NULL;
	const SeccompFilter *f = last;
	while (++nth < nr)
		f = filter_at(r, f->prev);
	return f;
}

static int check_filters(const SeccompEntry *e, struct error *err)
{
	for (size_t i = 0; i < e->n_seccomp_filters; i++) {
		const SeccompFilter *f = e->seccomp_filters[i];
		if (f->filter.len == 0 || f->filter.len % INSN_SIZE ||
		    f->filter.len / INSN_SIZE > BPF_MAXINSNS)
			return error_set(err, EBADMSG, "seccomp.img: filter %zu has %zu bytes", i,
					 f->filter.len);
		if (f->has_prev && f->prev >= i)
			return error_set(err, EBADMSG,
					 "seccomp.img: filter %zu was installed after filter %u", i,
					 f->prev);
	}
	return 0;
}

static int check_thread(const struct restore *r, const struct rtask *t, size_t i, struct error *err)
{
	const ThreadCoreEntry *tc = t->cores[i]->thread_core;
	if (!tc->has_seccomp_mode)
		return 0;
	if (tc->seccomp_mode != SECCOMP_MODE__disabled &&
	    tc->seccomp_mode != SECCOMP_MODE__strict && tc->seccomp_mode != SECCOMP_MODE__filter)
		return error_set(err, EBADMSG, "core-%u.img: seccomp mode %d", t->tids[i],
				 tc->seccomp_mode);
	if (is_filtered(tc) && (!tc->has_seccomp_filter || !filter_at(r, tc->seccomp_filter)))
		return error_set(err, EBADMSG,
				 "core-%u.img: seccomp filter %u is missing from seccomp.img",
				 t->tids[i], tc->seccomp_filter);
	return 0;
}

static bool has_no_new_privs(const ThreadCoreEntry *tc)
{
	return tc->creds && tc->creds->has_no_new_privs && tc->creds->no_new_privs;
}

/* How many filters from the oldest on the first thread can install for all at once. That sets
 * no_new_privs of the others too, if the first has it. */
static size_t count_common(const struct restore *r, const struct rtask *t)
{
	const ThreadCoreEntry *first = t->cores[0]->thread_core;
	const SeccompFilter *f;
	for (size_t nth = 0;; nth++) {
		f = chain_nth(r, first, nth);
		for (size_t i = 0; f && i < t->nr_threads; i++) {
			const ThreadCoreEntry *tc = t->cores[i]->thread_core;
			if (has_no_new_privs(first) && !has_no_new_privs(tc))
				return 0;
			if (chain_nth(r, tc, nth) != f)
				f = NULL;
		}
		if (!f)
			return nth;
	}
}

static int load_task(const struct restore *r, struct rtask *t, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->nr_threads; i++)
		rc = check_thread(r, t, i, err);
	t->common_filters = rc == 0 && t->nr_threads > 1 ? count_common(r, t) : 0;
	return rc;
}

int seccomp_load(struct restore *r, struct error *err)
{
	int rc = image_read_one(r->images, IMG_SECCOMP, 0, (ProtobufCMessage **)&r->seccomp, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = r->seccomp ? check_filters(r->seccomp, err) : 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = rtask_is_living(r->tasks[i]) ? load_task(r, r->tasks[i], err) : 0;
	return rc;
}

bool seccomp_has(const struct rtask *t)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *tc = t->cores[i]->thread_core;
		if (tc->has_seccomp_mode && tc->seccomp_mode != SECCOMP_MODE__disabled)
			return true;
	}
	return false;
}

/* A filter takes no_new_privs or CAP_SYS_ADMIN, which the thread may have had only then. */
static bool lacks_privilege(const ThreadCoreEntry *tc)
{
	const CredsEntry *c = tc->creds;
	return is_filtered(tc) && !has_no_new_privs(tc) && !(c->cap_eff[0] & (1u << CAP_SYS_ADMIN));
}

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* For one thread: its capabilities, then of each filter its struct sock_fprog and the program. */
static size_t thread_size(const struct restore *r, const ThreadCoreEntry *tc)
{
	const SeccompFilter *f;
	size_t size = is_filtered(tc) ? CAPS_SIZE : 0;
	for (size_t i = 0; (f = chain_nth(r, tc, i)) != NULL; i++)
		size += sizeof(struct sock_fprog) + padded(f->filter.len);
	return size;
}

size_t seccomp_args_size(const struct restore *r, const struct rtask *t)
{
	size_t size = 0;
	for (size_t i = 0; i < t->nr_threads; i++)
		size += thread_size(r, t->cores[i]->thread_core);
	return size + 8;
}

static void put_caps(const CredsEntry *c, char *at)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (size_t i = 0; i < 2; i++) {
		data[i].effective = i < c->n_cap_eff ? c->cap_eff[i] : 0;
		data[i].permitted = i < c->n_cap_prm ? c->cap_prm[i] : 0;
		data[i].inheritable = i < c->n_cap_inh ? c->cap_inh[i] : 0;
	}
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), data, sizeof(data));
}

static char *put_thread(const struct restore *r, const ThreadCoreEntry *tc, char *at)
{
	const SeccompFilter *f;
	put_caps(tc->creds, at);
	at += CAPS_SIZE;
	for (size_t i = 0; (f = chain_nth(r, tc, i)) != NULL; i++) {
		struct sock_fprog program = {
			.len = (unsigned short)(f->filter.len / INSN_SIZE),
			.filter = (struct sock_filter *)(at + sizeof(program)),
		};
		memcpy(at, &program, sizeof(program));
		memcpy(at + sizeof(program), f->filter.data, f->filter.len);
		at += sizeof(program) + padded(f->filter.len);
	}
	return at;
}

int seccomp_fill(struct restore *r, struct rtask *t, struct restorer_args *args, struct error *err)
{
	if (!seccomp_has(t))
		return 0;
	char *at = arena_alloc(t->arena, seccomp_args_size(r, t), 8);
	if (!at)
		return error_set(err, ENOMEM, "seccomp filters: the arena is full");
	r->shared->slots[t->slot].seccomp_addr = (uint64_t)(uintptr_t)at;
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *tc = t->cores[i]->thread_core;
		if (!is_filtered(tc))
			continue;
		at = put_thread(r, tc, at);
		if (lacks_privilege(tc)) {
			args->threads[i].creds.cap_prm[0] |= 1u << CAP_SYS_ADMIN;
			args->threads[i].creds.cap_eff[0] |= 1u << CAP_SYS_ADMIN;
		}
	}
	return 0;
}

static uint64_t thread_addr(const struct restore *r, const struct rtask *t, size_t thread)
{
	uint64_t addr = r->shared->slots[t->slot].seccomp_addr;
	for (size_t i = 0; i < thread; i++)
		addr += thread_size(r, t->cores[i]->thread_core);
	return addr;
}

/* The nth filter of a thread as the argument of seccomp(2). */
static uint64_t filter_addr(const struct restore *r, const struct rtask *t, size_t thread,
			    size_t nth)
{
	const ThreadCoreEntry *tc = t->cores[thread]->thread_core;
	uint64_t addr = thread_addr(r, t, thread) + CAPS_SIZE;
	for (size_t i = 0; i < nth; i++)
		addr += sizeof(struct sock_fprog) + padded(chain_nth(r, tc, i)->filter.len);
	return addr;
}

bool seccomp_call(const struct restore *r, const struct rtask *t, size_t thread, size_t nth,
		  struct seccomp_call *out)
{
	const ThreadCoreEntry *tc = t->cores[thread]->thread_core;
	*out = (struct seccomp_call){ .nr = SYS_seccomp };
	if (tc->has_seccomp_mode && tc->seccomp_mode == SECCOMP_MODE__strict && nth == 0) {
		out->args[0] = SECCOMP_SET_MODE_STRICT;
		return true;
	}
	bool last = nth > 0;
	nth += thread ? t->common_filters : 0;
	const SeccompFilter *f = chain_nth(r, tc, nth);
	if (f) {
		out->args[0] = SECCOMP_SET_MODE_FILTER;
		out->args[1] = f->has_flags ? f->flags : 0;
		if (nth < t->common_filters)
			out->args[1] |= SECCOMP_FILTER_FLAG_TSYNC;
		out->args[2] = filter_addr(r, t, thread, nth);
		return true;
	}
	/* behind the last filter the capability they took is given back */
	uint64_t addr = thread_addr(r, t, thread);
	*out = (struct seccomp_call){
		.nr = SYS_capset,
		.args = { addr, addr + sizeof(struct __user_cap_header_struct) },
	};
	return lacks_privilege(tc) && (!last || chain_nth(r, tc, nth - 1));
}
