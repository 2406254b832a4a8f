/* SPDX-License-Identifier: MIT
 * Page contents into pagemap and pages images.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/mem/pagemap.h"
#include "images/image-type.h"

/* Where bytes of a run come from: fills buf with `len` bytes at `addr`. */
struct page_reader {
	int (*read)(void *ctx, const struct mem_run *runs, size_t nr, void *buf, struct error *err);
	void *ctx;
};

/**
 * Write one pagemap image and its pages image.
 * @param type, id  IMG_PAGEMAP and the pid, or IMG_SHMEM_PAGEMAP and the segment
 * @param written   pages written, added to
 */
int pages_write(struct dump *d, enum image_id type, uint64_t id, const struct mem_run_list *runs,
		const struct page_reader *from, uint64_t *written, struct error *err);

/** Private pages of a stopped task; of several at the same time. */
int pages_dump_task(struct dump *d, struct task *t, const struct mem_run_list *runs,
		    struct error *err);
