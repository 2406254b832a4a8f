/* SPDX-License-Identifier: MIT
 * Rings of io_uring_setup(2) as memory.
 */
#include "engine/files/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"

#define LINE    64u /* the array of indexes begins at a cache line */
#define HELPERS 64u /* requests of the ring that sends messages */

static int setup(uint32_t entries, struct io_uring_params *p)
{
	return (int)syscall(SYS_io_uring_setup, entries, p);
}

static long enter(int fd, uint32_t submit, uint32_t wanted)
{
	return syscall(SYS_io_uring_enter, fd, submit, wanted, wanted ? IORING_ENTER_GETEVENTS : 0,
		       NULL, 0);
}

int uring_register(int fd, unsigned opcode, void *arg, unsigned nr)
{
	long rc = syscall(SYS_io_uring_register, fd, opcode, arg, nr);
	return rc < 0 ? -errno : (int)rc;
}

static uint32_t align(uint32_t n, uint32_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* As the kernel lays it out; what it is with large completions only looks like an accident. */
static uint32_t array_offset(uint32_t flags, const uint32_t offsets[URING_NR_WORDS],
			     uint32_t cq_entries)
{
	uint32_t end = offsets[URING_CQES] + cq_entries * (uint32_t)sizeof(struct io_uring_cqe);
	return align(flags & IORING_SETUP_CQE32 ? 2 * end : end, LINE);
}

size_t uring_rings_len(uint32_t flags, const uint32_t offsets[URING_NR_WORDS], uint32_t sq_entries,
		       uint32_t cq_entries)
{
	uint32_t cqe = sizeof(struct io_uring_cqe) << !!(flags & IORING_SETUP_CQE32);
	if (flags & IORING_SETUP_NO_SQARRAY)
		return offsets[URING_CQES] + (size_t)cq_entries * cqe;
	return array_offset(flags, offsets, cq_entries) + (size_t)sq_entries * sizeof(uint32_t);
}

static uint32_t sqe_size(uint32_t flags)
{
	return (uint32_t)sizeof(struct io_uring_sqe) << !!(flags & IORING_SETUP_SQE128);
}

size_t uring_sqes_len(uint32_t flags, uint32_t sq_entries)
{
	return (size_t)sq_entries * sqe_size(flags);
}

static void take_offsets(const struct io_uring_params *p, uint32_t out[URING_NR_WORDS])
{
	out[URING_SQ_HEAD] = p->sq_off.head;
	out[URING_SQ_TAIL] = p->sq_off.tail;
	out[URING_SQ_MASK] = p->sq_off.ring_mask;
	out[URING_SQ_ENTRIES] = p->sq_off.ring_entries;
	out[URING_SQ_FLAGS] = p->sq_off.flags;
	out[URING_SQ_DROPPED] = p->sq_off.dropped;
	out[URING_CQ_HEAD] = p->cq_off.head;
	out[URING_CQ_TAIL] = p->cq_off.tail;
	out[URING_CQ_MASK] = p->cq_off.ring_mask;
	out[URING_CQ_ENTRIES] = p->cq_off.ring_entries;
	out[URING_CQ_OVERFLOW] = p->cq_off.overflow;
	out[URING_CQES] = p->cq_off.cqes;
}

static void *map(int fd, size_t len, uint64_t offset)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return at == MAP_FAILED ? NULL : at;
}

bool uring_is_known(uint32_t flags)
{
	struct io_uring_params p = { .flags = flags };
	auto_fd fd = setup(1, &p);
	return fd >= 0;
}

int uring_new(uint32_t flags, uint32_t sq_entries, uint32_t cq_entries, struct uring *out,
	      struct error *err)
{
	struct io_uring_params p = { .flags = flags | IORING_SETUP_CQSIZE,
				     .cq_entries = cq_entries };
	struct uring u = { .flags = flags, .sq_entries = sq_entries, .cq_entries = cq_entries };
	u.fd = setup(sq_entries, &p);
	if (u.fd < 0)
		return error_sys(err, "make a ring of %u requests (io_uring_setup, flags %#x)",
				 sq_entries, p.flags);
	take_offsets(&p, u.offsets);
	u.rings_len = uring_rings_len(flags, u.offsets, sq_entries, cq_entries);
	u.sqes_len = uring_sqes_len(flags, sq_entries);
	u.rings = map(u.fd, u.rings_len, IORING_OFF_SQ_RING);
	u.sqes = u.rings ? map(u.fd, u.sqes_len, IORING_OFF_SQES) : NULL;
	int rc = 0;
	if (!u.sqes)
		rc = error_sys(err, "map a ring of %u requests", sq_entries);
	else if (p.sq_entries != sq_entries || p.cq_entries != cq_entries ||
		 (!(flags & IORING_SETUP_NO_SQARRAY) &&
		  p.sq_off.array != array_offset(flags, u.offsets, cq_entries)))
		rc = error_set(err, ENOTSUP,
			       "this kernel lays a ring of %u requests out in a way "
			       "that is not known",
			       sq_entries);
	if (rc < 0)
		uring_close(&u);
	else
		*out = u;
	return rc;
}

void uring_close(struct uring *u)
{
	if (u->rings)
		munmap(u->rings, u->rings_len);
	if (u->sqes)
		munmap(u->sqes, u->sqes_len);
	fd_close(take_fd(u->fd));
	u->rings = u->sqes = NULL;
}

int uring_take_fd(struct uring *u)
{
	return take_fd(u->fd);
}

static uint32_t *word(struct uring *u, enum uring_word which)
{
	return (uint32_t *)(u->rings + u->offsets[which]);
}

/* Requests 0 to n - 1 of the ring, whatever number they get. */
static void fill(struct uring *u, uint32_t n, const struct io_uring_sqe *request)
{
	uint32_t tail = *word(u, URING_SQ_TAIL), mask = u->sq_entries - 1;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (tail + i) & mask;
		memcpy(u->sqes + (size_t)at * sqe_size(u->flags), request, sizeof(*request));
		if (!(u->flags & IORING_SETUP_NO_SQARRAY)) {
			uint32_t array = array_offset(u->flags, u->offsets, u->cq_entries);
			((uint32_t *)(u->rings + array))[at] = at;
		}
	}
	__atomic_store_n(word(u, URING_SQ_TAIL), tail + n, __ATOMIC_RELEASE);
}

/* What has arrived is taken. */
static void reap(struct uring *u)
{
	uint32_t tail = __atomic_load_n(word(u, URING_CQ_TAIL), __ATOMIC_ACQUIRE);
	__atomic_store_n(word(u, URING_CQ_HEAD), tail, __ATOMIC_RELEASE);
}

/* Requests that do nothing, and say so or do not. */
static int pass(struct uring *u, uint32_t nr, bool silent, struct error *err)
{
	const struct io_uring_sqe nop = { .opcode = IORING_OP_NOP,
					  .flags = silent ? IOSQE_CQE_SKIP_SUCCESS : 0 };
	while (nr > 0) {
		uint32_t n = nr < u->sq_entries ? nr : u->sq_entries;
		fill(u, n, &nop);
		if (enter(u->fd, n, 0) != (long)n)
			return error_set(err, EPROTO, "the ring does not take %u requests", n);
		reap(u);
		nr -= n;
	}
	return 0;
}

/* Completions without a request of its own, as multishot requests make them. */
static int message(struct uring *u, uint32_t nr, struct error *err)
{
	struct uring from;
	if (nr == 0)
		return 0;
	int rc = uring_new(0, HELPERS, 2 * HELPERS, &from, err);
	const struct io_uring_sqe send = { .opcode = IORING_OP_MSG_RING, .fd = u->fd };
	uint32_t most = u->cq_entries < HELPERS ? u->cq_entries : HELPERS;
	while (rc == 0 && nr > 0) {
		uint32_t n = nr < most ? nr : most, tail = *word(u, URING_CQ_TAIL);
		fill(&from, n, &send);
		if (enter(from.fd, n, n) != (long)n || *word(u, URING_CQ_TAIL) - tail != n)
			rc = error_set(err, ENOTSUP,
				       "the ring does not take %u messages (Linux 5.18 does)", n);
		reap(&from);
		reap(u);
		nr -= n;
	}
	uring_close(&from);
	return rc;
}

int uring_advance(struct uring *u, uint32_t requests, uint32_t completions, struct error *err)
{
	uint32_t both = requests < completions ? requests : completions;
	int rc = pass(u, both, false, err);
	if (rc == 0)
		rc = pass(u, requests - both, true, err);
	return rc < 0 ? rc : message(u, completions - both, err);
}

uint32_t uring_value(const struct uring_view *v, enum uring_word which)
{
	uint32_t value;
	memcpy(&value, v->rings + v->offsets[which], sizeof(value));
	return value;
}

/* Newer kernels map more than there is: what lies beyond cannot be read. */
static int read_part(int fd, uint64_t offset, const size_t *sizes, size_t nr_sizes,
		     struct strbuf *out)
{
	size_t len = 0;
	void *at = NULL;
	for (size_t i = 0; !at && i < nr_sizes; i++) {
		len = align((uint32_t)sizes[i], PAGE);
		at = map(fd, len, offset);
	}
	if (!at)
		return -errno;
	int rc = strbuf_reserve(out, len);
	for (size_t done = 0; rc == 0 && done < len; done += PAGE) {
		struct iovec to = { out->data + done, PAGE }, from = { (char *)at + done, PAGE };
		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != PAGE)
			break;
		out->len = done + PAGE;
	}
	munmap(at, len);
	return rc == 0 && out->len == 0 ? -EFAULT : rc;
}

static bool is_sane(uint32_t entries, uint32_t most)
{
	return entries && entries <= most && !(entries & (entries - 1));
}

int uring_read(int fd, const uint32_t offsets[URING_NR_WORDS], struct strbuf *rings,
	       struct strbuf *sqes, struct uring_view *out, struct error *err)
{
	const size_t first[] = { PAGE };
	struct uring_view v = { .offsets = offsets };
	int rc = read_part(fd, IORING_OFF_SQ_RING, first, 1, rings);
	if (rc < 0)
		return error_code(err, rc, "map its rings");
	v.rings = (uint8_t *)rings->data;
	v.sq_entries = uring_value(&v, URING_SQ_ENTRIES);
	v.cq_entries = uring_value(&v, URING_CQ_ENTRIES);
	if (!is_sane(v.sq_entries, URING_ENTRIES_MAX) ||
	    !is_sane(v.cq_entries, 2 * URING_ENTRIES_MAX))
		return error_set(err, EPROTO, "rings of %u requests and %u completions",
				 v.sq_entries, v.cq_entries);
	const size_t lens[] = {
		uring_rings_len(IORING_SETUP_CQE32, offsets, v.sq_entries, v.cq_entries),
		uring_rings_len(0, offsets, v.sq_entries, v.cq_entries),
		uring_rings_len(IORING_SETUP_NO_SQARRAY, offsets, v.sq_entries, v.cq_entries),
	};
	const size_t sqe_lens[] = { uring_sqes_len(IORING_SETUP_SQE128, v.sq_entries),
				    uring_sqes_len(0, v.sq_entries) };
	strbuf_reset(rings);
	rc = read_part(fd, IORING_OFF_SQ_RING, lens, 3, rings);
	if (rc == 0)
		rc = read_part(fd, IORING_OFF_SQES, sqe_lens, 2, sqes);
	if (rc < 0)
		return error_code(err, rc, "map its rings");
	v.rings = (uint8_t *)rings->data;
	v.sqes = (uint8_t *)sqes->data;
	v.rings_len = rings->len;
	v.sqes_len = sqes->len;
	*out = v;
	return 0;
}

static bool has_bytes(const uint8_t *bytes, size_t len, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < len; i++)
		if (bytes[i])
			return true;
	return false;
}

/* liburing writes 0, 1, 2 … there as soon as it has the ring. */
static bool has_array(const struct uring_view *v, uint32_t flags)
{
	size_t at = array_offset(flags, v->offsets, v->cq_entries);
	if (at + (size_t)v->sq_entries * sizeof(uint32_t) > v->rings_len)
		return false;
	for (uint32_t i = 0; i < v->sq_entries; i++) {
		uint32_t index;
		memcpy(&index, v->rings + at + i * sizeof(index), sizeof(index));
		if (index != i)
			return false;
	}
	return true;
}

/* Of a program that fills it in as it goes, or has none: without one, requests have their turn. */
static bool needs_array(const struct uring_view *v, uint32_t flags)
{
	size_t at = array_offset(flags, v->offsets, v->cq_entries);
	bool moved_on = uring_value(v, URING_SQ_HEAD) > 1;
	bool one_only = !has_bytes(v->sqes, v->sqes_len, sqe_size(flags), v->sqes_len);
	return has_bytes(v->rings, v->rings_len, at, at + v->sq_entries * sizeof(uint32_t)) ||
	       v->sq_entries == 1 || (moved_on && one_only);
}

uint32_t uring_guess_shape(const struct uring_view *v)
{
	size_t plain = uring_rings_len(0, v->offsets, v->sq_entries, v->cq_entries);
	uint32_t flags = 0;
	if (has_bytes(v->sqes, v->sqes_len, uring_sqes_len(0, v->sq_entries), v->sqes_len))
		flags |= IORING_SETUP_SQE128;
	if (v->sq_entries > 1 && has_array(v, 0))
		return flags;
	if (has_bytes(v->rings, v->rings_len, plain, v->rings_len) ||
	    (v->sq_entries > 1 && has_array(v, IORING_SETUP_CQE32)))
		flags |= IORING_SETUP_CQE32;
	if (!has_array(v, flags) && !needs_array(v, flags))
		flags |= IORING_SETUP_NO_SQARRAY;
	return flags;
}

int64_t uring_under_way(const struct uring_view *v, uint32_t shape)
{
	uint32_t cqe = sizeof(struct io_uring_cqe) << !!(shape & IORING_SETUP_CQE32);
	uint32_t tail = uring_value(v, URING_CQ_TAIL), more = 0;
	uint32_t kept = tail < v->cq_entries ? tail : v->cq_entries;
	for (uint32_t i = 1; i <= kept; i++) {
		struct io_uring_cqe c;
		size_t at =
		    v->offsets[URING_CQES] + (size_t)((tail - i) & (v->cq_entries - 1)) * cqe;
		if (at + sizeof(c) > v->rings_len)
			break;
		memcpy(&c, v->rings + at, sizeof(c));
		more += (c.flags & IORING_CQE_F_MORE) != 0;
	}
	uint32_t begun = uring_value(v, URING_SQ_HEAD) - uring_value(v, URING_SQ_DROPPED);
	return (int32_t)(begun - (tail - more));
}
