/* SPDX-License-Identifier: MIT
 * The address space as the restorer is told to build it.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/pages.h"
#include "engine/files/file.h"
#include "engine/mem/aio.h"
#include "engine/mem/arena.h"
#include "engine/mem/mem.h"
#include "engine/mem/numa.h"
#include "engine/mem/uapi.h"
#include "engine/mem/vdso.h"
#include "engine/pie/restorer.h"
#include "memory.pb-c.h"

static bool is_in_table(const struct vma *v)
{
	return !(v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR));
}

/* Whatever else has a file is premapped. */
static bool needs_file(const struct vma *v)
{
	return (v->status & VMA_UNMOVABLE) || (!v->premapped && !(v->status & VMA_ANON_PRIVATE));
}

/* Neighbours share one. @return its number in args->policies; 0: none */
static uint32_t fill_policy(const struct rtask *t, const struct vma *v, struct restorer_args *args)
{
	struct numa_policy p;
	uint32_t nr = args->nr_policies;
	if (!numa_fill(t, v->numa, &p))
		return 0;
	if (!nr || memcmp(&args->policies[nr - 1], &p, sizeof(p)) != 0)
		args->policies[args->nr_policies++] = p;
	return args->nr_policies;
}

static int fill_table(struct restore *r, const struct rtask *t, struct restorer_args *args,
		      struct error *err)
{
	size_t size = (t->vmas.nr + 1) * sizeof(*args->vmas);

	args->vmas = arena_alloc(t->arena, size, 8);
	if (!args->vmas)
		return error_set(err, ENOMEM, "pid %d: no room for %zu mappings in the arena",
				 t->pid, t->vmas.nr);
	pages_bring_in(args->vmas, size);
	args->nr_vmas = 0;
	args->policies = arena_alloc(t->arena, numa_args_size(t) + 8, 8);
	args->nr_policies = 0;
	if (!args->policies)
		return error_set(err, ENOMEM, "pid %d: no room for NUMA policies in the arena",
				 t->pid);
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if (!is_in_table(v))
			continue;
		bool has_file = needs_file(v);
		int fd = has_file ? mem_source_of(r, v, err) : -1;
		if (fd < 0 && has_file)
			return fd;
		args->vmas[args->nr_vmas++] = (struct restorer_vma){
			.start = v->start,
			.end = v->end,
			.pgoff = v->pgoff,
			.premapped = v->premapped,
			.madv = v->madv,
			.prot = v->prot,
			.flags = has_file ? v->flags & (MEM_MAP_FLAGS | MAP_LOCKED) : v->flags,
			.status = v->status,
			.policy = fill_policy(t, v, args),
			.fd = fd,
		};
	}
	return 0;
}

static int fill_auxv(const struct rtask *t, struct restorer_args *args, struct error *err)
{
	size_t size = t->mm->n_mm_saved_auxv * sizeof(uint64_t);

	args->auxv = arena_alloc(t->arena, size + 8, 8);
	if (!args->auxv)
		return error_set(err, ENOMEM, "pid %d: no room for auxv in the arena", t->pid);
	if (size)
		memcpy(args->auxv, t->mm->mm_saved_auxv, size);
	args->auxv_size = size;
	return 0;
}

static void fill_fields(const MmEntry *mm, struct restorer_args *args)
{
	args->start_code = mm->mm_start_code;
	args->end_code = mm->mm_end_code;
	args->start_data = mm->mm_start_data;
	args->end_data = mm->mm_end_data;
	args->start_brk = mm->mm_start_brk;
	args->brk = mm->mm_brk;
	args->start_stack = mm->mm_start_stack;
	args->arg_start = mm->mm_arg_start;
	args->arg_end = mm->mm_arg_end;
	args->env_start = mm->mm_env_start;
	args->env_end = mm->mm_env_end;
	args->dumpable = mm->has_dumpable ? mm->dumpable : -1;
	args->thp_disabled = mm->has_thp_disabled && mm->thp_disabled;
}

int mem_fill_args(struct restore *r, struct rtask *t, struct restorer_args *args, struct error *err)
{
	fill_fields(t->mm, args);
	args->premap_start = t->premap.start;
	args->premap_end = t->premap.end;
	/* a late child has it already, and the kernel lets nobody change what is mapped */
	args->exe_fd = t->late ? -1 : files_get_mapped(r, t->mm->exe_file_id, O_RDONLY, err);
	if (args->exe_fd < 0 && !t->late)
		return error_wrap(err, args->exe_fd, TASK_FMT ": executable", RTASK_ARGS(t));
	int rc = fill_table(r, t, args, err);
	if (rc == 0)
		rc = fill_auxv(t, args, err);
	if (rc == 0)
		rc = aio_fill_args(t, args, err);
	return rc < 0 ? rc : vdso_plan(r, t, args, err);
}
