/* SPDX-License-Identifier: MIT
 * A probe is a breakpoint that the kernel wrote into a private copy of a page of code. Without the
 * probe, as after a restore, it would kill the task; so such copies do not go into the images. Nor
 * do copies that are as the file is: the kernel sets probes where a file is mapped as code, which
 * it is by a restore only if no page has to be filled.
 */
#include "engine/mem/uprobes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"

#define BREAKPOINT 0xcc /* int3 */

void uprobes_forget(struct vma_list *vmas)
{
	size_t nr = 0;
	for (size_t i = 0; i < vmas->nr; i++) {
		if (vmas->items[i].status & VMA_AREA_UPROBES)
			free(vmas->items[i].path);
		else
			vmas->items[nr++] = vmas->items[i];
	}
	vmas->nr = nr;
}

enum page_state {
	PAGE_OF_FILE, /* but for breakpoints */
	PAGE_CHANGED,
	PAGE_CHANGED_AND_PROBED,
};

static enum page_state compare(const uint8_t *now, const uint8_t *file)
{
	bool probed = false, changed = false;
	for (size_t i = 0; i < PAGE; i++) {
		if (now[i] == file[i])
			continue;
		probed |= now[i] == BREAKPOINT;
		changed |= now[i] != BREAKPOINT;
	}
	return !changed ? PAGE_OF_FILE : probed ? PAGE_CHANGED_AND_PROBED : PAGE_CHANGED;
}

static int look(const struct task *t, const struct vma *v, int fd, uint64_t addr,
		enum page_state *out, struct error *err)
{
	uint8_t now[PAGE], file[PAGE] = { 0 };
	ssize_t n = fd_pread_full(t->mem_fd, now, PAGE, addr);
	if (n == (ssize_t)PAGE)
		n = fd_pread_full(fd, file, PAGE, addr - v->start + v->pgoff);
	if (n < 0)
		return error_code(err, (int)n, "pid %d: look for probes at %#lx", t->pid,
				  (unsigned long)addr);
	*out = compare(now, file);
	return 0;
}

/* What is left of a run of pages of one mapping. */
static int copy_clean(struct dump *d, const struct task *t, const struct vma *v,
		      const struct mem_run *run, struct mem_run_list *out, struct error *err)
{
	char name[64];
	if (!v || !(v->status & VMA_FILE_PRIVATE) || !(v->prot & PROT_EXEC))
		return mem_run_add(out, run) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	snprintf(name, sizeof(name), "map_files/%lx-%lx", (unsigned long)v->start,
		 (unsigned long)v->end);
	auto_fd fd = openat(t->proc_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /proc/%d/%s", t->pid, name);
	for (uint64_t addr = run->start; addr < run->end; addr += PAGE) {
		enum page_state state;
		int rc = look(t, v, fd, addr, &state, err);
		if (rc < 0)
			return rc;
		if (state == PAGE_OF_FILE)
			continue;
		if (state == PAGE_CHANGED_AND_PROBED) {
			log_warn("pid %d: %s has probes and other changes at %#lx: restore it with "
				 "the same probes set, or it ends there",
				 t->pid, v->path ? v->path : "code", (unsigned long)addr);
			d->probes_left = true;
		}
		struct mem_run page = *run;
		page.start = addr;
		page.end = addr + PAGE;
		if (mem_run_add(out, &page) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int uprobes_drop_pages(struct dump *d, const struct task *t, struct mem_run_list *runs,
		       struct error *err)
{
	struct mem_run_list kept = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < runs->nr; i++) {
		struct mem_run run = runs->items[i]; /* maybe of neighbours */
		while (rc == 0 && run.start < runs->items[i].end) {
			const struct vma *v = vma_list_find(&t->vmas, run.start);
			run.end = v && v->end < runs->items[i].end ? v->end : runs->items[i].end;
			rc = copy_clean(d, t, v, &run, &kept, err);
			run.start = run.end;
		}
	}
	free(runs->items);
	*runs = kept;
	return rc;
}
