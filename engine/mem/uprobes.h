/* SPDX-License-Identifier: MIT
 * User-space probes (perf, bpftrace) in a task that is dumped with --allow-uprobes.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/mem/pagemap.h"

/** Take the kernel's page of probes out of the mappings. */
void uprobes_forget(struct vma_list *vmas);
/**
 * Take out what differs from the file it is mapped from in nothing but breakpoints: the file has
 * the instructions, and the kernel sets probes again when it is mapped. Pages with breakpoints and
 * other changes stay, and are noted in d->probes_left.
 * @return 0; -errno naming pid and address
 */
int uprobes_drop_pages(struct dump *d, const struct task *t, struct mem_run_list *runs,
		       struct error *err);
