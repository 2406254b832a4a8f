/* SPDX-License-Identifier: MIT
 * Arena, arguments and blob of the restorer, and the jump into it.
 */
#include "engine/tree/become.h"

#include <fcntl.h>
#include <linux/rseq.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/page.h"
#include "engine/arch/arch.h"
#include "engine/files/file.h"
#include "engine/mem/arena.h"
#include "engine/mem/mem.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/pie/restorer.h"
#include "engine/task/core.h"
#include "engine/task/seccomp.h"
#include "engine/tree/giver.h"
#include "engine/tree/late.h"
#include "engine/tree/share.h"
#include "engine/tree/stage.h"

#define LEADER_STACK (16u << 10)
#define SLACK        (256u << 10) /* alignment, and what is small and of fixed size */

/* glibc registers an area of its own for every process; signature of x86 and size since 2.35. */
#define RSEQ_SIGNATURE 0x53053053u
#define RSEQ_SIZE      32u
#define RSEQ_SIZE_MAX  256u

extern const char pie_restorer_start[], pie_restorer_end[];

size_t become_blob_size(void)
{
	return (size_t)(pie_restorer_end - pie_restorer_start);
}

size_t become_args_size(const struct restore *r, const struct rtask *t)
{
	size_t stacks = t->nr_threads * (size_t)RESTORER_STACK_SIZE + LEADER_STACK;
	size_t vmas = (t->vmas.nr + t->vmas.guards.nr + 1) * sizeof(struct restorer_vma);
	return sizeof(struct restorer_args) + stacks + vmas + task_args_size(t) +
	       seccomp_args_size(r, t) + t->mm->n_mm_saved_auxv * sizeof(uint64_t) +
	       files_args_size(r, t) + t->mm->n_aios * sizeof(struct restorer_ring) + SLACK;
}

/* The shared page moves along, as everything outside the arena goes. */
static int move_shared(struct restore *r, struct arena *a, struct error *err)
{
	size_t size = stage_shared_size(r);
	void *to = arena_alloc(a, size, PAGE);
	if (!to || mremap(r->shared, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		return error_sys(err, "move the shared page");
	r->shared = to;
	return 0;
}

static int alloc_stacks(struct arena *a, struct restorer_args *args, struct error *err)
{
	for (uint32_t i = 0; i < args->nr_threads; i++) {
		size_t size = i ? RESTORER_STACK_SIZE : LEADER_STACK;
		char *stack = arena_alloc(a, size, PAGE);
		if (!stack)
			return error_set(err, ENOMEM, "stacks of the restorer: the arena is full");
		args->threads[i].stack_top = (uint64_t)(uintptr_t)stack + size;
	}
	return 0;
}

int become_fill_args(struct restore *r, struct rtask *t, struct restore_shared *shared,
		     uint64_t blob, struct restorer_args *args, struct error *err)
{
	struct restore_slot *slot = &r->shared->slots[t->slot];
	args->shared = shared;
	args->slot = &shared->slots[t->slot];
	args->pid = rtask_own_tid(t, 0);
	slot->syscall_addr = blob + RESTORER_SYSCALL_OFFSET;
	args->self_start = slot->arena_start = arena_start(t->arena);
	args->self_end = slot->arena_end = arena_end(t->arena);
	args->task_size = r->user_end;
	args->cap_last = r->cap_last;
	files_window(r, &args->window_first, &args->window_last);
	args->files_of = t->files_of ? &r->shared->slots[t->files_of->slot] : NULL;
	args->files_shared = t->late ? 0 : share_count(r, t);
	givers_fill_args(r, t, args);
	int rc = task_fill_args(r, t, args, err);
	if (rc == 0)
		rc = alloc_stacks(t->arena, args, err);
	if (rc == 0)
		rc = files_fill_args(r, t, args, err);
	return rc < 0 ? rc : mem_fill_args(r, t, args, err);
}

uint64_t become_copy_blob(struct arena *a)
{
	void *blob = arena_alloc(a, become_blob_size(), PAGE);
	if (blob)
		memcpy(blob, pie_restorer_start, become_blob_size());
	return (uint64_t)(uintptr_t)blob;
}

/* The area goes away with this program's memory; the kernel would write to it. */
static int leave_rseq(struct error *err)
{
	extern const ptrdiff_t __rseq_offset;
	extern const unsigned int __rseq_size;
	if (!__rseq_size)
		return 0;
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	for (unsigned size = RSEQ_SIZE; size <= RSEQ_SIZE_MAX; size += 4) {
		if (syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIGNATURE) == 0)
			return 0;
	}
	return error_sys(err, "unregister rseq of the restore itself");
}

/* @return the code of the restorer, in t->arena; 0: err is set */
static uint64_t make_arena(struct restore *r, struct rtask *t, struct error *err)
{
	size_t size = stage_shared_size(r) + become_blob_size() + become_args_size(r, t);
	int rc = arena_new(&r->busy, &r->own, size, false, &t->arena, err);
	if (rc == 0)
		rc = move_shared(r, t->arena, err);
	if (rc < 0)
		return 0;
	uint64_t blob = become_copy_blob(t->arena);
	if (!blob)
		error_set(err, ENOMEM, "the arena is full");
	return blob;
}

int become_restored(struct restore *r, struct rtask *t, struct error *err)
{
	uint64_t blob = late_count(r) ? late_share_arena(r, t) : make_arena(r, t, err);
	if (!blob)
		return error_wrap(err, err->code, TASK_FMT, RTASK_ARGS(t));
	struct restorer_args *args = arena_alloc(t->arena, sizeof(*args), 64);
	if (!args)
		return error_set(err, ENOMEM, TASK_FMT ": the arena is full", RTASK_ARGS(t));
	int rc;
	if ((rc = share_await_files(r, t, err)) < 0 ||
	    (rc = become_fill_args(r, t, r->shared, blob, args, err)) < 0 ||
	    (rc = files_install(r, t, err)) < 0 || (rc = autofs_connect(r, t, err)) < 0 ||
	    (rc = leave_rseq(err)) < 0)
		return rc;
	late_fill_args(r, args);
	share_files_ready(r, t);
	arch_jump(blob, args->threads[0].stack_top, args);
}
