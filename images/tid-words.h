/* SPDX-License-Identifier: MIT
 * Where the memory of a process is known to hold ids of its threads: the C library's own notes, and
 * locks that threads hold by their ids.
 */
#pragma once

#include "images/memory-view.h"
#include "task.pb-c.h"

struct tid_word {
	enum tid_word_kind {
		TID_WORD, /* just that, or it is something else */
		TID_LOCK, /* in its lower bits, as long as the thread holds the lock */
	} kind;
	uint32_t id;   /* of the thread; of old C libraries, of its process */
	uint64_t addr; /* in its process */
};

struct tid_words {
	struct tid_word *items;
	size_t nr, cap;
};
void tid_words_fini(struct tid_words *words);
#define auto_tid_words __attribute__((cleanup(tid_words_fini))) struct tid_words

int tid_words_add(struct tid_words *words, enum tid_word_kind kind, uint32_t id, uint64_t addr,
		  struct error *err);

/**
 * Append the places one thread's id may be in: the word the kernel clears when it ends
 * (set_tid_address), and the locks the kernel would release then (set_robust_list). What is there
 * decides: tid_word_holds().
 * @param core  of the thread
 */
int tid_words_find(struct memory_view *mv, const CoreEntry *core, uint32_t tid, uint32_t pid,
		   struct tid_words *out, struct error *err);

/** Is the id in this value of the word? */
bool tid_word_holds(const struct tid_word *word, uint32_t value);
/** The same value with another id. */
uint32_t tid_word_becomes(const struct tid_word *word, uint32_t value, uint32_t id);
