/* SPDX-License-Identifier: MIT
 * Rings of io_uring_setup(2) as memory: where their words are, what shape they have, how far they
 * have come.
 * Source: io_uring(7), io_uring_setup(2), include/uapi/linux/io_uring.h.
 */
#pragma once

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16) /* Linux 6.6 */
#endif

#define URING_ENTRIES_MAX 32768u /* requests; completions twice as many */

/* Words of the rings; where they are is the kernel's choice (struct io_sqring_offsets …). */
enum uring_word {
	URING_SQ_HEAD,
	URING_SQ_TAIL,
	URING_SQ_MASK,
	URING_SQ_ENTRIES,
	URING_SQ_FLAGS,
	URING_SQ_DROPPED,
	URING_CQ_HEAD,
	URING_CQ_TAIL,
	URING_CQ_MASK,
	URING_CQ_ENTRIES,
	URING_CQ_OVERFLOW,
	URING_CQES, /* where completions begin */
	URING_NR_WORDS,
};

struct uring { /* a ring of our own, mapped */
	int fd;
	uint32_t flags, sq_entries, cq_entries;
	uint32_t offsets[URING_NR_WORDS];
	uint8_t *rings, *sqes;
	size_t rings_len, sqes_len;
};

/** Make and map one. @param out  set on success; uring_close() it */
int uring_new(uint32_t flags, uint32_t sq_entries, uint32_t cq_entries, struct uring *out,
	      struct error *err);
/** Unmap and close; uring_take_fd() before keeps the descriptor. */
void uring_close(struct uring *u);
int uring_take_fd(struct uring *u);
/** Let so many requests and completions pass through it, so that the kernel counts on from there.
 */
int uring_advance(struct uring *u, uint32_t requests, uint32_t completions, struct error *err);

/** io_uring_register(2). @return its result, or -errno */
int uring_register(int fd, unsigned opcode, void *arg, unsigned nr);

/* What is read of somebody else's ring; pure over bytes. */
struct uring_view {
	const uint8_t *rings, *sqes;
	size_t rings_len, sqes_len;
	const uint32_t *offsets;
	uint32_t sq_entries, cq_entries;
};
/**
 * Read both parts through a descriptor.
 * @return 0; -EINVAL when it has no memory of its own to map
 */
int uring_read(int fd, const uint32_t offsets[URING_NR_WORDS], struct strbuf *rings,
	       struct strbuf *sqes, struct uring_view *out, struct error *err);
uint32_t uring_value(const struct uring_view *v, enum uring_word word);
/** Sizes of both parts under some flags. */
size_t uring_rings_len(uint32_t flags, const uint32_t offsets[URING_NR_WORDS], uint32_t sq_entries,
		       uint32_t cq_entries);
size_t uring_sqes_len(uint32_t flags, uint32_t sq_entries);
/** Does this kernel make rings with these flags? */
bool uring_is_known(uint32_t flags);
/**
 * IORING_SETUP_SQE128, CQE32 and NO_SQARRAY, which no call tells: by what the memory holds. Where
 * nothing tells, the usual.
 */
uint32_t uring_guess_shape(const struct uring_view *v);
/**
 * Requests that have not said their last word. Every one ends with a completion without
 * IORING_CQE_F_MORE, unless it was told to be silent.
 * @return > 0: so many are under way, or silent; < 0: there were multishot requests, and what was
 *         said has been written over
 */
int64_t uring_under_way(const struct uring_view *v, uint32_t shape);
