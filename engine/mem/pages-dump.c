/* SPDX-License-Identifier: MIT
 * Page contents into pagemap and pages images, read in batches of several runs.
 */
#include <stdlib.h>
#include <sys/uio.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "engine/context/interrupt.h"
#include "engine/mem/pages.h"
#include "engine/mem/relay.h"
#include "images/writer.h"
#include "memory.pb-c.h"

#define BATCH      (1ull << 20) /* bytes per write: read and written within the cache */
#define TWO_PAY    (8ull << 20) /* bytes from which two threads are quicker */
#define BATCH_RUNS 512          /* below IOV_MAX */

static int write_entry(struct image_writer *w, uint64_t start, uint64_t end, uint32_t flags,
		       struct error *err)
{
	PagemapEntry e = PAGEMAP_ENTRY__INIT;

	e.vaddr = start;
	e.has_nr_pages = true; /* since 4.2; the old count stays zero */
	e.nr_pages = (end - start) / PAGE;
	e.has_flags = true;
	e.flags = flags;
	return image_write(w, &e.base, err);
}

static int write_pagemap(struct dump *d, enum image_id type, uint64_t id, uint32_t pages_id,
			 const struct mem_run_list *runs, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, type, id, &w, err);
	if (rc < 0)
		return rc;

	PagemapHead head = PAGEMAP_HEAD__INIT;
	head.pages_id = pages_id;
	rc = image_write(w, &head.base, err);
	for (size_t i = 0; rc == 0 && i < runs->nr;) {
		/* How a run is read is our business: the image tells neighbours apart by flags. */
		size_t next = i + 1;
		while (next < runs->nr && runs->items[next].start == runs->items[next - 1].end &&
		       runs->items[next].flags == runs->items[i].flags)
			next++;
		rc = write_entry(w, runs->items[i].start, runs->items[next - 1].end,
				 runs->items[i].flags, err);
		i = next;
	}
	return rc < 0 ? rc : image_finish(w, err);
}

/* Cut the next batch from the runs. *done bytes of runs->items[*next] are through. */
static size_t cut_batch(const struct mem_run_list *runs, size_t *next, uint64_t *done,
			struct mem_run *batch, uint64_t room, uint64_t *bytes)
{
	size_t nr = 0;

	*bytes = 0;
	while (nr < BATCH_RUNS && *next < runs->nr && *bytes < room) {
		struct mem_run r = runs->items[*next];
		r.start += *done;
		if (nr && r.gentle != batch[0].gentle)
			break;
		uint64_t len = r.end - r.start;
		if (len > room - *bytes) {
			len = room - *bytes;
			*done += len;
		} else {
			*done = 0;
			++*next;
		}
		r.end = r.start + len;
		batch[nr++] = r;
		*bytes += len;
	}
	return nr;
}

/* Where the contents of the runs are on their way. */
struct passage {
	const struct mem_run_list *runs;
	const struct page_reader *from;
	struct image_writer *to;
	size_t next;   /* the run that is read */
	uint64_t done; /* bytes of it */
	uint64_t *written;
};

static int64_t read_batch(void *ctx, void *buf, uint64_t room, struct error *err)
{
	struct passage *p = ctx;
	struct mem_run batch[BATCH_RUNS];
	uint64_t bytes;
	size_t nr = cut_batch(p->runs, &p->next, &p->done, batch, room, &bytes);
	int rc = nr ? p->from->read(p->from->ctx, batch, nr, buf, err) : 0;

	return rc < 0 ? rc : (int64_t)bytes;
}

static int write_batch(void *ctx, const void *buf, uint64_t len, struct error *err)
{
	struct passage *p = ctx;

	*p->written += len / PAGE;
	int rc = interrupt_check(err);
	return rc < 0 ? rc : image_write_bytes(p->to, buf, len, err);
}

static uint64_t total(const struct mem_run_list *runs)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < runs->nr; i++)
		bytes += runs->items[i].end - runs->items[i].start;
	return bytes;
}

static int write_pages(struct image_writer *w, const struct mem_run_list *runs,
		       const struct page_reader *from, uint64_t *written, struct error *err)
{
	struct passage p = { .runs = runs, .from = from, .to = w, .written = written };
	uint64_t bytes = total(runs);
	const struct relay r = { .ctx = &p,
				 .read = read_batch,
				 .write = write_batch,
				 .room = bytes < BATCH ? bytes : BATCH,
				 .two = bytes >= TWO_PAY };

	return bytes ? relay_run(&r, err) : 0;
}

int pages_write(struct dump *d, enum image_id type, uint64_t id, const struct mem_run_list *runs,
		const struct page_reader *from, uint64_t *written, struct error *err)
{
	uint32_t pages_id = __atomic_add_fetch(&d->last_pages_id, 1, __ATOMIC_RELAXED);
	int rc = write_pagemap(d, type, id, pages_id, runs, err);
	if (rc < 0)
		return rc;

	auto_image_writer w = NULL;
	rc = image_create(d->images_fd, IMG_PAGES, pages_id, &w, err);
	if (rc == 0)
		rc = write_pages(w, runs, from, written, err);
	return rc < 0 ? rc : image_finish(w, err);
}

/* Through /proc/PID/mem: slower, but without pinning pages and whatever their protection. */
static int read_gently(const struct task *t, const struct mem_run *runs, size_t nr, char *buf,
		       struct error *err)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t addr = runs[i].start;
		while (addr < runs[i].end) {
			ssize_t n = pread(t->mem_fd, buf, runs[i].end - addr, addr);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return error_code(err, n < 0 ? errno : EIO,
						  "read memory of pid %d at %#lx", t->pid,
						  (unsigned long)addr);
			addr += n;
			buf += n;
		}
	}
	return 0;
}

static int read_task(void *ctx, const struct mem_run *runs, size_t nr, void *buf, struct error *err)
{
	const struct task *t = ctx;
	struct iovec remote[BATCH_RUNS], local = { buf, 0 };

	if (runs[0].gentle)
		return read_gently(t, runs, nr, buf, err);
	for (size_t i = 0; i < nr; i++) {
		remote[i].iov_base = (void *)(uintptr_t)runs[i].start;
		remote[i].iov_len = runs[i].end - runs[i].start;
		local.iov_len += remote[i].iov_len;
	}
	ssize_t n = process_vm_readv(t->pid, &local, 1, remote, nr, 0);
	if (n == (ssize_t)local.iov_len)
		return 0;
	/* A page the plain way cannot have: let the other way read all, or name the address. */
	return read_gently(t, runs, nr, buf, err);
}

int pages_dump_task(struct dump *d, struct task *t, const struct mem_run_list *runs,
		    struct error *err)
{
	struct page_reader from = { read_task, t };
	uint64_t written = 0;
	int rc = pages_write(d, IMG_PAGEMAP, t->vpid, runs, &from, &written, err);

	__atomic_add_fetch(&d->stats.pages_written, written, __ATOMIC_RELAXED);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, TASK_ARGS(t)) : 0;
}
