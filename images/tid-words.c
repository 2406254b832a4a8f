/* SPDX-License-Identifier: MIT
 * Ids of threads in memory.
 * Source: include/uapi/linux/futex.h, struct robust_list_head; struct pthread of the C libraries.
 */
#include "images/tid-words.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "images/fields.h"
#include "images/roles.h"
#include "images/siginfo.h"

enum {
	NR_HEAD_WORDS = 3, /* next, offset of the lock in what the list links, one being taken */
	LOCKS_MAX = 2048,  /* the kernel follows no more: ROBUST_LIST_LIMIT */
	OWNER_AT = 8,      /* the C library keeps the owner once more, behind lock and count */
	OLD_PID_AT = 4,    /* glibc before 2.25: the process, behind the thread */
	MUSL_TID_AT = 48,  /* from the thread pointer, x86-64 */
};

struct finder {
	struct memory_view *mv;
	const CoreEntry *core;
	uint32_t tid, pid;
	struct tid_words *out;
};

void tid_words_fini(struct tid_words *words)
{
	free(words->items);
	*words = (struct tid_words){ 0 };
}

int tid_words_add(struct tid_words *words, enum tid_word_kind kind, uint32_t id, uint64_t addr,
		  struct error *err)
{
	struct tid_word *word = array_add(words);
	if (!word)
		return error_set(err, ENOMEM, "out of memory");
	*word = (struct tid_word){ .kind = kind, .id = id, .addr = addr };
	return 0;
}

bool tid_word_holds(const struct tid_word *word, uint32_t value)
{
	return (word->kind == TID_LOCK ? value & FUTEX_TID_MASK : value) == word->id;
}

uint32_t tid_word_becomes(const struct tid_word *word, uint32_t value, uint32_t id)
{
	return word->kind == TID_LOCK ? (value & ~(uint32_t)FUTEX_TID_MASK) | id : id;
}

/* A machine's own word: a pointer, or an offset. */
static uint64_t long_of(const uint8_t *bytes, size_t size, uint32_t mtype)
{
	if (size == 4)
		return machine_word(bytes, mtype);
	uint64_t value;
	memcpy(&value, bytes, sizeof(value));
	return mtype == CORE_ENTRY__MARCH__S390 ? __builtin_bswap64(value) : value;
}

/* @return 1; 0: the set has no such memory */
static int read_bytes(const struct finder *f, uint64_t addr, uint8_t *bytes, size_t len,
		      struct error *err)
{
	uint8_t known[2] = { 1, 1 }; /* it may lie across two pages */
	if (addr > UINT64_MAX - len)
		return 0;
	int rc = memory_view_read(f->mv, addr, bytes, len, known, err);
	return rc < 0 ? rc : known[0] && known[1];
}

/* @return 1: the word there has this value */
static int word_is(const struct finder *f, uint64_t addr, uint32_t value, struct error *err)
{
	uint8_t bytes[4];
	int rc = read_bytes(f, addr, bytes, sizeof(bytes), err);
	return rc <= 0 ? rc : machine_word(bytes, (uint32_t)f->core->mtype) == value;
}

/* @param link  what the list links; its lowest bit says which kind of lock it is */
static int add_lock(const struct finder *f, size_t size, uint64_t link, uint64_t offset,
		    struct error *err)
{
	uint64_t lock = (link & ~1ull) + offset;
	if (size == 4)
		lock = (uint32_t)lock; /* the offset is negative */
	int rc = tid_words_add(f->out, TID_LOCK, f->tid, lock, err);
	return rc < 0 ? rc : tid_words_add(f->out, TID_WORD, f->tid, lock + OWNER_AT, err);
}

static int find_locks(const struct finder *f, uint64_t list, size_t len, struct error *err)
{
	uint8_t head[NR_HEAD_WORDS * 8];
	uint32_t mtype = (uint32_t)f->core->mtype;
	size_t size = len / NR_HEAD_WORDS;
	if (!list || (size != 4 && size != 8) || len % NR_HEAD_WORDS)
		return 0;
	int rc = read_bytes(f, list, head, len, err);
	if (rc <= 0)
		return rc;
	uint64_t next = long_of(head, size, mtype);
	uint64_t offset = long_of(head + size, size, mtype);
	uint64_t taking = long_of(head + 2 * size, size, mtype);
	rc = taking ? add_lock(f, size, taking, offset, err) : 0;
	for (unsigned i = 0; rc == 0 && i < LOCKS_MAX && (next & ~1ull) != list; i++) {
		uint8_t link[8];
		rc = add_lock(f, size, next, offset, err);
		if (rc == 0)
			rc = read_bytes(f, next & ~1ull, link, size, err);
		if (rc <= 0)
			return rc;
		next = long_of(link, size, mtype);
		rc = 0;
	}
	return rc;
}

/* Each machine has a message of its own for its registers. */
static uint64_t cleared_word(const CoreEntry *core)
{
	for (unsigned i = 0; i < core->base.descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &core->base.descriptor->fields[i];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE || !field_count(&core->base, field))
			continue;
		const ProtobufCMessage *info = *(ProtobufCMessage **)field_at(&core->base, field);
		for (unsigned k = 0; k < info->descriptor->n_fields; k++) {
			const ProtobufCFieldDescriptor *f = &info->descriptor->fields[k];
			const struct role_row *row = role_find(info, f->name);
			if (row && row->role == ROLE_TID_ADDR)
				return *(uint64_t *)field_at(info, f);
		}
	}
	return 0;
}

/* musl has something else cleared. Its struct begins with a pointer to itself. */
static int find_musl(const struct finder *f, struct error *err)
{
	const ThreadInfoX86 *info = f->core->thread_info;
	uint64_t self = info && info->gpregs ? info->gpregs->fs_base : 0;
	uint8_t bytes[8];
	int rc = self ? read_bytes(f, self, bytes, sizeof(bytes), err) : 0;
	if (rc > 0 && long_of(bytes, sizeof(bytes), (uint32_t)f->core->mtype) == self)
		rc = word_is(f, self + MUSL_TID_AT, f->tid, err);
	else if (rc > 0)
		rc = 0;
	return rc > 0 ? tid_words_add(f->out, TID_WORD, f->tid, self + MUSL_TID_AT, err) : rc;
}

static int find_own(const struct finder *f, struct error *err)
{
	uint64_t addr = cleared_word(f->core);
	int rc = addr ? tid_words_add(f->out, TID_WORD, f->tid, addr, err) : 0;
	if (rc == 0 && addr)
		rc = word_is(f, addr, f->tid, err);
	if (rc > 0)
		rc = word_is(f, addr + OLD_PID_AT, f->pid, err);
	else if (rc == 0)
		return find_musl(f, err);
	return rc > 0 ? tid_words_add(f->out, TID_WORD, f->pid, addr + OLD_PID_AT, err) : rc;
}

int tid_words_find(struct memory_view *mv, const CoreEntry *core, uint32_t tid, uint32_t pid,
		   struct tid_words *out, struct error *err)
{
	const struct finder f = { mv, core, tid, pid, out };
	const ThreadCoreEntry *tc = core->thread_core;
	int rc = find_own(&f, err);
	return rc < 0 || !tc ? rc : find_locks(&f, tc->futex_rla, tc->futex_rla_len, err);
}
