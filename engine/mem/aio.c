/* SPDX-License-Identifier: MIT
 * Contexts of asynchronous I/O: what a ring holds is memory like any other; that the kernel knows
 * it, only the restorer can arrange, in the task.
 */
#include "engine/mem/aio.h"

#include <linux/aio_abi.h>
#include <stdlib.h>

#include "base/page.h"
#include "engine/mem/arena.h"
#include "engine/pie/restorer.h"

#define HEADER   32u /* bytes before the events */
#define RING_MAX (1u << 30)

/* The kernel doubles what it is asked for, adds two and takes whole pages: as many must fit again.
 */
static uint32_t requests_of(uint64_t len)
{
	return ((uint32_t)((len - HEADER) / sizeof(struct io_event)) - 2) / 2;
}

int aio_dump(const struct task *t, MmEntry *mm, struct error *err)
{
	mm->aios = calloc(t->vmas.nr + 1, sizeof(AioRingEntry *));
	if (!mm->aios)
		return error_set(err, ENOMEM, "out of memory for rings of pid %d", t->pid);
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if (!(v->status & VMA_AREA_AIORING))
			continue;
		AioRingEntry *e = malloc(sizeof(*e));
		if (!e || vma_len(v) > RING_MAX) {
			free(e);
			return error_set(err, e ? ENOTSUP : ENOMEM,
					 "pid %d: ring of asynchronous I/O at %#lx of %lu bytes",
					 t->pid, (unsigned long)v->start,
					 (unsigned long)vma_len(v));
		}
		aio_ring_entry__init(e);
		e->id = v->start;
		e->ring_len = (uint32_t)vma_len(v);
		e->nr_req = requests_of(vma_len(v));
		mm->aios[mm->n_aios++] = e;
	}
	return 0;
}

void aio_entries_free(MmEntry *mm)
{
	for (size_t i = 0; i < mm->n_aios; i++)
		free(mm->aios[i]);
	free(mm->aios);
	mm->n_aios = 0;
	mm->aios = NULL;
}

int aio_check(const struct rtask *t, struct error *err)
{
	size_t rings = 0;
	for (size_t i = 0; i < t->vmas.nr; i++)
		rings += (t->vmas.items[i].status & VMA_AREA_AIORING) != 0;
	for (size_t i = 0; i < t->mm->n_aios; i++) {
		const AioRingEntry *e = t->mm->aios[i];
		const struct vma *v = vma_list_find(&t->vmas, e->id);
		if (!v || !(v->status & VMA_AREA_AIORING) || v->start != e->id ||
		    vma_len(v) != e->ring_len || e->ring_len < PAGE || !e->nr_req)
			return error_set(err, EBADMSG,
					 "mm-%d.img: context of asynchronous I/O %#lx without its "
					 "ring of %u bytes",
					 t->pid, (unsigned long)e->id, e->ring_len);
	}
	if (rings != t->mm->n_aios)
		return error_set(err, EBADMSG,
				 "mm-%d.img: %zu rings of asynchronous I/O, but %zu contexts",
				 t->pid, rings, t->mm->n_aios);
	return 0;
}

int aio_fill_args(const struct rtask *t, struct restorer_args *args, struct error *err)
{
	if (!t->mm->n_aios)
		return 0;
	args->rings = arena_alloc(t->arena, t->mm->n_aios * sizeof(*args->rings), 8);
	if (!args->rings)
		return error_set(err, ENOMEM, "pid %d: no room for %zu rings in the arena", t->pid,
				 t->mm->n_aios);
	for (size_t i = 0; i < t->mm->n_aios; i++)
		args->rings[args->nr_rings++] =
		    (struct restorer_ring){ t->mm->aios[i]->id, t->mm->aios[i]->ring_len,
					    t->mm->aios[i]->nr_req };
	return 0;
}
