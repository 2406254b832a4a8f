/* SPDX-License-Identifier: MIT
 * The C library keeps the id of each thread in the word that the kernel clears when the thread
 * ends (set_tid_address): where it holds the old id, it gets the new one. So do the locks that the
 * kernel would release for a thread that ends (set_robust_list).
 */
#include <inttypes.h>
#include <linux/futex.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/remap/remapping.h"
#include "convert/remap/siginfo.h"
#include "images/checkpoint.h"
#include "images/page-store.h"
#include "images/seekable.h"

static const struct process *process_of(const struct checkpoint *cp, uint32_t tid)
{
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		for (size_t k = 0; k < p->entry->n_threads; k++) {
			if (p->entry->threads[k] == tid)
				return p;
		}
	}
	return NULL;
}

int remapping_add_word(struct remapping *r, const struct tid_word *word, struct error *err)
{
	struct tid_word *item = array_add(&r->words);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	*item = *word;
	return 0;
}

/* The process at hand: its words follow each other. */
struct owner {
	const struct process *p;
	struct memory_view *mv;
	struct page_store *ps; /* of its private memory; NULL: not opened yet */
};

static void owner_fini(struct owner *o)
{
	memory_view_close(o->mv);
	page_store_close(o->ps);
	*o = (struct owner){ 0 };
}

/* @return 1; 0: it has no memory */
static int owner_take(struct owner *o, struct checkpoint *cp, uint32_t tid, struct error *err)
{
	const struct process *p = process_of(cp, tid);
	if (!p || p == o->p)
		return p && o->mv;
	owner_fini(o);
	o->p = p;
	int rc = memory_view_open(cp, p, NULL, &o->mv, err);
	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* Which pages have the word, and where: shared memory has its own, for the caller to close. */
static int word_pages(struct remapping *r, struct owner *o, uint64_t addr, struct page_store **out,
		      uint64_t *at, struct error *err)
{
	const struct area *area = memory_view_find(o->mv, addr);
	if (!area || area->vma->start > addr)
		return error_set(err, ENOENT, "nothing is mapped at %#" PRIx64, addr);
	*at = addr;
	if (!area->has_segment || area->private)
		return o->ps ? 0 : page_store_open(r->job->src, o->p->pid, &o->ps, err);
	*at = addr - area->vma->start + area->vma->pgoff;
	return page_store_open_shmem(r->job->src, area->segment, out, err);
}

/* @return 1 with the place and the new word; 0: it is not there, or holds something else */
static int word_find(struct page_store *ps, const struct tid_word *word, uint64_t at, uint32_t to,
		     struct page_patch *out, struct error *err)
{
	uint32_t mask = word->kind == WORD_LOCK ? FUTEX_TID_MASK : UINT32_MAX;
	struct page_run run;
	uint8_t bytes[4];
	int rc = page_store_find(ps, at, &run, err);
	if (rc <= 0 || run.addr > at || at % sizeof(bytes))
		return rc < 0 ? rc : 0;
	if (run.kind == PAGE_LAZY)
		return error_set(err, EINVAL,
				 "--pid: thread %" PRIu32 " keeps its id in a page that is not in "
				 "the set: it is still with the process",
				 word->tid);
	if (run.kind != PAGE_PRESENT)
		return 0;
	rc = page_store_read(ps, at, bytes, sizeof(bytes), NULL, err);
	if (rc < 0)
		return rc;
	uint32_t old = machine_word(bytes, word->mtype);
	if ((old & mask) != word->tid)
		return 0;
	machine_set_word(out->bytes, word->mtype, (old & ~mask) | to);
	out->pages_id = page_store_pages_id(ps);
	out->offset = run.offset + (at - run.addr);
	return 1;
}

static int note_word(struct remapping *r, const struct tid_word *word, uint32_t to,
		     uint32_t pages_id, struct error *err)
{
	char image[64], field[64], from[16], new[16];
	r->image = image_filename(&image_types[IMG_PAGES], pages_id, image, sizeof(image));
	r->has_entry = false;
	snprintf(field, sizeof(field), "%s at %#" PRIx64,
		 word->kind == WORD_LOCK ? "lock held" : "thread id", word->addr);
	snprintf(from, sizeof(from), "%" PRIu32, word->tid);
	snprintf(new, sizeof(new), "%" PRIu32, to);
	return remapping_note(r, field, from, new, err);
}

static int word_patch(struct remapping *r, struct owner *o, const struct tid_word *word,
		      struct error *err)
{
	struct page_patch patch = { 0 };
	const struct remap_rule *rule = rule_for_number(r->rules, REMAP_PID, word->tid);
	auto_page_store shared = NULL;
	uint64_t at;
	int rc = word_pages(r, o, word->addr, &shared, &at, err);
	if (rc == 0)
		rc = word_find(shared ?: o->ps, word, at, rule->to, &patch, err);
	if (rc <= 0)
		return rc == -ENOENT ? 0 : rc; /* the address means nothing */
	struct page_patch *item = array_add(&r->patches);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	*item = patch;
	return note_word(r, word, rule->to, patch.pages_id, err);
}

int remap_find_words(struct remapping *r, struct error *err)
{
	auto_checkpoint cp = NULL;
	struct owner owner = { 0 };
	int rc = r->words.nr ? checkpoint_open(r->job->src, &cp, err) : 0;
	/* a list adds words */
	for (size_t i = 0; rc == 0 && i < r->words.nr; i++) {
		const struct tid_word word = r->words.items[i];
		rc = owner_take(&owner, cp, word.tid, err);
		if (rc > 0)
			rc = word.kind == WORD_LIST ? remap_find_locks(r, owner.mv, &word, err)
						    : word_patch(r, &owner, &word, err);
	}
	owner_fini(&owner);
	return rc;
}

static int write_image(struct remapping *r, uint32_t pages_id, struct error *err)
{
	char image[64], packed[80];
	auto_istream in = NULL;
	image_filename(&image_types[IMG_PAGES], pages_id, image, sizeof(image));
	int rc = source_open_member(r->job->src, image, &in, err);
	int fd = rc < 0 ? rc : sink_begin(r->job->sink, image, err);
	if (fd < 0)
		return fd;
	rc = istream_copy(in, fd, image, NULL, err);
	for (size_t i = 0; rc == 0 && i < r->patches.nr; i++) {
		const struct page_patch *patch = &r->patches.items[i];
		if (patch->pages_id != pages_id)
			continue;
		rc = fd_pwrite_full(fd, patch->bytes, sizeof(patch->bytes), (off_t)patch->offset);
		if (rc < 0)
			rc = error_code(err, rc, "%s: write", image);
	}
	if (rc == 0)
		rc = sink_end(r->job->sink, err);
	/* when it was compressed, it is not any more */
	snprintf(packed, sizeof(packed), "%s" SEEKABLE_SUFFIX, image);
	return rc < 0 ? rc : sink_remove(r->job->sink, packed, err);
}

int remap_write_words(struct remapping *r, struct error *err)
{
	char image[64];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->patches.nr; i++) {
		uint32_t id = r->patches.items[i].pages_id;
		image_filename(&image_types[IMG_PAGES], id, image, sizeof(image));
		if (!sink_has(r->job->sink, image))
			rc = write_image(r, id, err);
	}
	return rc;
}
