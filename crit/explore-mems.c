/* SPDX-License-Identifier: MIT
 * crit x … mems and rss: memory areas, and the stored pages in them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "crit/explore.h"
#include "crit/file-names.h"
#include "crit/text.h"
#include "images/vma-status.h"
#include "memory.pb-c.h"

/* Shared objects are numbered in the order in which they are met. */
struct shared_ids {
	struct shared_id {
		uint64_t shmid;
		unsigned number;
	} * items; /* sorted by shmid */
	size_t nr, cap;
};

static unsigned shared_number(struct shared_ids *ids, uint64_t shmid)
{
	size_t low = array_lower_bound(ids->nr, k, ids->items[k].shmid < shmid);
	if (low < ids->nr && ids->items[low].shmid == shmid)
		return ids->items[low].number;
	if (!array_add(ids))
		return 0;
	memmove(&ids->items[low + 1], &ids->items[low], (ids->nr - 1 - low) * sizeof(*ids->items));
	ids->items[low] = (struct shared_id){ shmid, (unsigned)ids->nr };
	return ids->items[low].number;
}

struct mems {
	struct checkpoint *cp;
	struct shared_ids ids;
};

static void file_name_print(const struct mems *m, const VmaEntry *vma)
{
	putchar(' ');
	text_print(file_path(m->cp, (uint32_t)vma->shmid));
}

static void area_name_print(struct mems *m, const VmaEntry *vma)
{
	static const struct {
		unsigned status;
		const char *name;
	} shared[] = { { VMA_AREA_SYSVIPC, "ips" },
		       { VMA_ANON_SHARED, "shmem" },
		       { VMA_AREA_SOCKET, "packet" } },
	  special[] = { { VMA_AREA_STACK, "stack" },
			{ VMA_AREA_VSYSCALL, "vsyscall" },
			{ VMA_AREA_VDSO, "vdso" } };
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		if (vma->status & shared[i].status) {
			printf(" %s[%x]", shared[i].name, shared_number(&m->ids, vma->shmid));
			return;
		}
	}
	if (vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) {
		file_name_print(m, vma);
		if (vma->pgoff)
			printf(" + %#" PRIx64, vma->pgoff);
		if (vma->status & VMA_FILE_SHARED)
			printf(" (s)");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		if (vma->status & special[i].status) {
			printf(" [%s]", special[i].name);
			return;
		}
	}
	if (vma->flags & MAP_GROWSDOWN)
		printf(" [stack?]");
}

static void area_print(struct mems *m, const VmaEntry *vma)
{
	char range[40];
	snprintf(range, sizeof(range), "%08" PRIx64 "-%08" PRIx64, vma->start, vma->end);
	printf("\t%-36s%c%c%c", range, vma->prot & PROT_READ ? 'r' : '-',
	       vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-');
	area_name_print(m, vma);
	printf("%s\n", vma->status & VMA_AREA_REGULAR ? "" : " *");
}

static int task_mems_print(struct mems *m, const struct process *p, struct error *err)
{
	auto_message MmEntry *mm = NULL;
	printf("%d\n", (int)p->pid);
	int rc = explore_image_read(m->cp, p, process_mm(m->cp, p, &mm, err));
	if (rc <= 0)
		return rc;
	printf("\t%-36s    ", "exe");
	text_print(file_path(m->cp, mm->exe_file_id));
	putchar('\n');
	for (size_t i = 0; i < mm->n_vmas; i++)
		area_print(m, mm->vmas[i]);
	return 0;
}

/* Where the walk through a task's areas stands. */
struct area_walk {
	const MmEntry *mm;
	size_t at;
	size_t printed; /* area named last, plus 1 */
};

static void run_area_print(const struct mems *m, struct area_walk *walk)
{
	const VmaEntry *vma = walk->mm->vmas[walk->at];
	if (walk->printed == walk->at + 1) {
		printf(" ~");
	} else {
		printf(" %08" PRIx64 " / %-8" PRIu64, vma->start, (vma->end - vma->start) >> 12);
		if (vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED))
			file_name_print(m, vma);
		walk->printed = walk->at + 1;
	}
	printf("\n\t%23s", "");
}

static void run_print(const struct mems *m, const PagemapEntry *run, struct area_walk *walk)
{
	uint64_t nr_pages = run->has_nr_pages ? run->nr_pages : run->compat_nr_pages;
	uint64_t end = run->vaddr + (nr_pages << 12);
	char text[64];
	snprintf(text, sizeof(text), "\t%" PRIx64 " / %-8" PRIu64, run->vaddr, nr_pages);
	printf("%-24s", text);
	const MmEntry *mm = walk->mm;
	while (walk->at < mm->n_vmas && mm->vmas[walk->at]->end <= run->vaddr)
		walk->at++;
	size_t first = walk->at;
	for (; walk->at < mm->n_vmas && mm->vmas[walk->at]->start < end; walk->at++)
		run_area_print(m, walk);
	if (walk->at > first)
		walk->at--; /* the next run may lie in the same area */
	putchar('\n');
}

static int task_rss_print(struct mems *m, const struct process *p, struct error *err)
{
	auto_message MmEntry *mm = NULL;
	auto_image_reader r = NULL;
	printf("%d\n", (int)p->pid);
	int rc = explore_image_read(m->cp, p, process_mm(m->cp, p, &mm, err));
	if (rc <= 0)
		return rc;
	rc = image_open_typed(checkpoint_source(m->cp), IMG_PAGEMAP, p->pid, &r, err);
	struct area_walk walk = { .mm = mm };
	for (bool head = true; rc >= 0; head = false) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		if (!head)
			run_print(m, (PagemapEntry *)msg, &walk);
	}
	return rc;
}

static int explore_memory(struct checkpoint *cp,
			  int (*print)(struct mems *m, const struct process *p, struct error *err),
			  struct error *err)
{
	struct mems m = { .cp = cp };
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < checkpoint_nr_processes(cp); i++)
		rc = print(&m, checkpoint_listed(cp, i), err);
	free(m.ids.items);
	return rc < 0 ? rc : 0;
}

int explore_mems(struct checkpoint *cp, struct error *err)
{
	return explore_memory(cp, task_mems_print, err);
}

int explore_rss(struct checkpoint *cp, struct error *err)
{
	return explore_memory(cp, task_rss_print, err);
}
