/* SPDX-License-Identifier: MIT
 * Address spaces: what a task's memory is, how it gets into images and out of them.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

struct mem_run_list;
struct restorer_args;

/* Dump. */
/** Read the VMAs of a frozen task; of several at the same time. */
int mem_read(struct task *t, struct error *err);
/** Afterwards: refuse what cannot be carried, naming pid and address. */
int mem_collect(struct dump *d, struct task *t, struct error *err);
/**
 * mm-PID.img. The task is stopped, no parasite in it.
 * @param pages  which are to be written: pages_dump_task(); freed with free(pages->items)
 */
int mem_dump_task(struct dump *d, struct task *t, struct mem_run_list *pages, struct error *err);
/** pagemap-shmem-N.img of every shared segment seen. */
int mem_dump_shared(struct dump *d, struct error *err);
void shmem_table_free(struct shmem_table *table);

/* Restore. */
/**
 * Where the addresses of programs end on this machine, with four or five levels of page tables
 * (1 << 47 or 1 << 56, less a page).
 */
uint64_t mem_user_end(void);
/** Read mm-PID.img into t->mm and t->vmas; check every value. */
int mem_load(const struct restore *r, struct rtask *t, struct error *err);
/** Afterwards, one task at a time: mappings of memfds that stand for shared memory become that. */
int mem_resolve(struct restore *r, struct rtask *t, struct error *err);
/** In the coordinator, before the first fork: create and fill shared segments; fill r->busy. */
int mem_prepare_shared(struct restore *r, struct error *err);
void shmem_set_free(struct shmem_set *set);
/**
 * What a mapping has behind it, to be mapped with MEM_MAP_FLAGS of its flags; borrowed.
 * @return -1: nothing, it is private and anonymous
 */
int mem_source_of(struct restore *r, const struct vma *v, struct error *err);
/** The descriptor behind a file mapping, as it was open; borrowed. Coordinator or task. */
int mem_file_of(struct restore *r, const struct vma *v, struct error *err);
/**
 * In the coordinator: open what tasks map that are born in a user namespace, and could not go to
 * the mount namespace of their files and back.
 */
int mem_open_for_users(struct restore *r, struct error *err);
/**
 * In the task, before it forks its children and before files_install(): map everything but what
 * the kernel makes, and fill private pages: where it belongs, or in t->premap, from where the
 * restorer moves it (vma->premapped). Pages equal to the parent's (inherited by fork) stay shared
 * with it.
 */
int mem_premap(struct restore *r, struct rtask *t, struct error *err);
/** In the task, when its arena exists: the VMA table, mm fields and vdso for the restorer. */
int mem_fill_args(struct restore *r, struct rtask *t, struct restorer_args *args,
		  struct error *err);
