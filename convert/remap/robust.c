/* SPDX-License-Identifier: MIT
 * Locks that a thread holds by its id: a list in its memory, of which the kernel knows the head.
 * Source: include/uapi/linux/futex.h, struct robust_list_head.
 */
#include <string.h>

#include "convert/remap/remapping.h"
#include "convert/remap/siginfo.h"
#include "task.pb-c.h"

enum {
	NR_HEAD_WORDS = 3, /* next, offset of the lock in what the list links, one being taken */
	LOCKS_MAX = 2048,  /* the kernel follows no more: ROBUST_LIST_LIMIT */
	OWNER_AT = 8,      /* the C library keeps the owner once more, behind lock and count */
};

/* A machine's own word: a pointer, or an offset. */
static uint64_t long_of(const uint8_t *bytes, size_t size, uint32_t mtype)
{
	if (size == 4)
		return machine_word(bytes, mtype);
	uint64_t value;
	memcpy(&value, bytes, sizeof(value));
	return mtype == CORE_ENTRY__MARCH__S390 ? __builtin_bswap64(value) : value;
}

/* @param link  what the list links; its lowest bit says which kind of lock it is */
static int add_lock(struct remapping *r, const struct tid_word *list, uint64_t link,
		    uint64_t offset, struct error *err)
{
	struct tid_word word = *list;
	uint64_t lock = (link & ~1ull) + offset;
	if (list->list_len == NR_HEAD_WORDS * sizeof(uint32_t))
		lock = (uint32_t)lock; /* the offset is negative */
	word.kind = WORD_LOCK;
	word.addr = lock;
	int rc = remapping_add_word(r, &word, err);
	word.kind = WORD_TID;
	word.addr = lock + OWNER_AT;
	return rc < 0 ? rc : remapping_add_word(r, &word, err);
}

/* @return 1; 0: the set has no such memory */
static int read_longs(struct memory_view *mv, uint64_t addr, uint8_t *bytes, size_t len,
		      struct error *err)
{
	uint8_t known[2] = { 1, 1 }; /* it may lie across two pages */
	int rc = memory_view_read(mv, addr, bytes, len, known, err);
	return rc < 0 ? rc : known[0] && known[1];
}

int remap_find_locks(struct remapping *r, struct memory_view *mv, const struct tid_word *list,
		     struct error *err)
{
	uint8_t head[NR_HEAD_WORDS * 8];
	size_t size = list->list_len / NR_HEAD_WORDS;
	if ((size != 4 && size != 8) || list->list_len % NR_HEAD_WORDS)
		return 0;
	int rc = read_longs(mv, list->addr, head, list->list_len, err);
	if (rc <= 0)
		return rc;
	uint64_t next = long_of(head, size, list->mtype);
	uint64_t offset = long_of(head + size, size, list->mtype);
	uint64_t taking = long_of(head + 2 * size, size, list->mtype);
	rc = taking ? add_lock(r, list, taking, offset, err) : 0;
	for (unsigned i = 0; rc == 0 && i < LOCKS_MAX && (next & ~1ull) != list->addr; i++) {
		uint8_t link[8];
		rc = add_lock(r, list, next, offset, err);
		if (rc == 0)
			rc = read_longs(mv, next & ~1ull, link, size, err);
		if (rc <= 0)
			return rc;
		next = long_of(link, size, list->mtype);
		rc = 0;
	}
	return rc;
}
