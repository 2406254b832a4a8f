/* SPDX-License-Identifier: MIT
 * Ids of threads that memory is known to hold (images/tid-words.h).
 */
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/remap/remapping.h"
#include "images/checkpoint.h"
#include "images/page-store.h"
#include "images/seekable.h"
#include "images/siginfo.h"
#include "images/tid-words.h"

/* The process at hand: its words follow each other. */
struct owner {
	const struct process *p;
	struct memory_view *mv; /* NULL: not opened yet */
	struct page_store *ps;  /* of its private memory; NULL: not opened yet */
	uint32_t mtype;
};

static void owner_fini(struct owner *o)
{
	memory_view_close(o->mv);
	page_store_close(o->ps);
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
static int word_find(struct page_store *ps, const struct owner *o, const struct tid_word *word,
		     uint64_t at, uint32_t to, struct page_patch *out, struct error *err)
{
	struct page_run run;
	uint8_t bytes[4];
	int rc = page_store_find(ps, at, &run, err);
	if (rc <= 0 || run.addr > at || at % sizeof(bytes))
		return rc < 0 ? rc : 0;
	if (run.kind == PAGE_LAZY)
		return error_set(err, EINVAL,
				 "--pid: thread %" PRIu32 " keeps its id in a page that is not in "
				 "the set: it is still with the process",
				 word->id);
	if (run.kind != PAGE_PRESENT)
		return 0;
	rc = page_store_read(ps, at, bytes, sizeof(bytes), NULL, err);
	if (rc < 0)
		return rc;
	uint32_t old = machine_word(bytes, o->mtype);
	if (!tid_word_holds(word, old))
		return 0;
	machine_set_word(out->bytes, o->mtype, tid_word_becomes(word, old, to));
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
		 word->kind == TID_LOCK ? "lock held" : "thread id", word->addr);
	snprintf(from, sizeof(from), "%" PRIu32, word->id);
	snprintf(new, sizeof(new), "%" PRIu32, to);
	return remapping_note(r, field, from, new, err);
}

static int word_patch(struct remapping *r, struct owner *o, const struct tid_word *word,
		      struct error *err)
{
	struct page_patch patch = { 0 };
	const struct remap_rule *rule = rule_for_number(r->rules, REMAP_PID, word->id);
	auto_page_store shared = NULL;
	uint64_t at;
	int rc = rule ? word_pages(r, o, word->addr, &shared, &at, err) : -ENOENT;
	if (rc == 0)
		rc = word_find(shared ?: o->ps, o, word, at, rule->to, &patch, err);
	if (rc <= 0)
		return rc == -ENOENT ? 0 : rc; /* the address means nothing */
	struct page_patch *item = array_add(&r->patches);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	*item = patch;
	return note_word(r, word, rule->to, patch.pages_id, err);
}

static int thread_words(struct remapping *r, struct checkpoint *cp, struct owner *o, uint32_t tid,
			struct error *err)
{
	auto_message CoreEntry *core = NULL;
	auto_tid_words words = { 0 };
	int rc = process_core(cp, tid, &core, err);
	if (rc < 0 || core_is_zombie(core))
		return rc == -ENOENT ? 0 : rc;
	if (!o->mv && (rc = memory_view_open(cp, o->p, NULL, &o->mv, err)) < 0)
		return rc == -ENOENT ? 0 : rc;
	o->mtype = (uint32_t)core->mtype;
	rc = tid_words_find(o->mv, core, tid, o->p->pid, &words, err);
	for (size_t i = 0; rc == 0 && i < words.nr; i++)
		rc = word_patch(r, o, &words.items[i], err);
	return rc;
}

static int process_words(struct remapping *r, struct checkpoint *cp, const struct process *p,
			 struct error *err)
{
	struct owner owner = { .p = p };
	bool all = rule_for_number(r->rules, REMAP_PID, p->pid) != NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->entry->n_threads; i++)
		if (all || rule_for_number(r->rules, REMAP_PID, process_thread(p, i)))
			rc = thread_words(r, cp, &owner, process_thread(p, i), err);
	owner_fini(&owner);
	return rc;
}

int remap_find_words(struct remapping *r, struct error *err)
{
	auto_checkpoint cp = NULL;
	if (!remap_rules_have(r->rules, REMAP_PID))
		return 0;
	int rc = checkpoint_open(r->job->src, &cp, err);
	if (rc == -ENOENT)
		return 0; /* images alone */
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++)
		rc = process_words(r, cp, checkpoint_listed(cp, i), err);
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
