/* SPDX-License-Identifier: MIT
 * Rings of asynchronous I/O. What they held waits in private memory at their place; new rings are
 * brought to the same state and moved there, where the kernel knows them by the same id.
 */
#include <asm/errno.h>
#include <linux/aio_abi.h>
#include <sys/mman.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

#define BATCH 32

struct ring { /* struct aio_ring of fs/aio.c */
	uint32_t id, nr, head, tail;
	uint32_t magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

/*
 * Only completed requests move the kernel's own end of the ring: as many as it has seen since it
 * last went round, or one round more when what waits in it goes over the end. The head follows no
 * further than it was, so that the kernel counts the events that wait as it did.
 */
static long complete(struct ring *ring, uint32_t head, uint32_t tail)
{
	uint32_t count = tail < head ? ring->nr + tail : tail, done = 0;
	char byte = 0;
	long fd = sys(SYS_memfd_create, "aio", 0), rc = fd < 0 ? fd : 0;
	struct iocb cb = { .aio_fildes = (uint32_t)fd,
			   .aio_lio_opcode = IOCB_CMD_PWRITE,
			   .aio_buf = (uint64_t)(uintptr_t)&byte,
			   .aio_nbytes = 1 };
	struct iocb *list[BATCH];
	for (int i = 0; i < BATCH; i++)
		list[i] = &cb;
	while (rc >= 0 && done < count) {
		uint32_t want = count - done < BATCH ? count - done : BATCH;
		rc = sys(SYS_io_submit, ring, want, list);
		if (rc > 0)
			done += (uint32_t)rc;
		ring->head = done < head ? done : head;
	}
	if (fd >= 0)
		sys(SYS_close, fd);
	return rc < 0 ? rc : 0;
}

static int restore_ring(struct restorer_args *args, const struct restorer_ring *r)
{
	const struct ring *old = (const struct ring *)r->addr;
	struct ring *ring = 0;
	long rc = sys(SYS_io_setup, r->nr_req, &ring);
	if (rc < 0)
		return restorer_fail(args, "make the ring of asynchronous I/O at", r->addr, rc);
	uint32_t fit = (uint32_t)((r->len - sizeof(*old)) / sizeof(old->events[0]));
	if (ring->nr != fit || old->nr != fit || old->head >= fit || old->tail >= fit)
		return restorer_fail(args, "match the size of the ring of asynchronous I/O at",
				     r->addr, -EBADMSG);
	rc = complete(ring, old->head, old->tail);
	if (rc < 0)
		return restorer_fail(args, "fill the ring of asynchronous I/O at", r->addr, rc);
	for (uint32_t i = 0; i < fit; i++)
		ring->events[i] = old->events[i];
	rc = sys(SYS_mremap, ring, r->len, r->len, MREMAP_MAYMOVE | MREMAP_FIXED, r->addr);
	return sys_failed(rc)
		   ? restorer_fail(args, "move the ring of asynchronous I/O to", r->addr, rc)
		   : 0;
}

int restore_rings(struct restorer_args *args)
{
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < args->nr_rings; i++)
		rc = restore_ring(args, &args->rings[i]);
	return rc;
}
