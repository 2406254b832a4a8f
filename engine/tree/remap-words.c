/* SPDX-License-Identifier: MIT
 * Ids of processes in the memory of a tree: which are known for what they are.
 */
#include "engine/tree/remap-pids.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/real-ids.h"
#include "engine/procfs/root.h"
#include "images/fields.h"

#define PIECE_WORDS 16384

/* A mutex of the C library (glibc), as far as it tells who holds it. */
struct mutex {
	uint32_t lock, count, owner, nr_users, kind;
};
enum {
	MUTEX_BY_ID = 0x30,  /* robust, or inherits priority: the lock has the owner's id */
	MUTEX_KINDS = 0x3f3, /* all bits a kind may have */
	MUTEX_COUNT_MAX = 1 << 16,
};

struct search {
	struct pid_remap *remap;
	struct checkpoint *cp;
	const struct process *p;
	struct memory_view *mv;
	struct tid_words known; /* of this process, that hold what they should */
	struct pid_finding *findings;
	uint32_t low, high; /* of all ids that change */
	uint32_t piece[PIECE_WORDS];
};

static bool is_own(const struct process *p, uint32_t id)
{
	bool own = p->pid == id;
	for (size_t i = 0; !own && i < p->entry->n_threads; i++)
		own = p->entry->threads[i] == id;
	return own;
}

static struct pid_finding *finding_of(struct search *s, uint32_t id)
{
	for (size_t i = 0; i < s->remap->map.nr; i++)
		if (s->findings[i].id == id)
			return &s->findings[i];
	return NULL;
}

static int add_patch(struct search *s, const struct tid_word *word, struct error *err)
{
	struct pid_patch *patch = array_add(&s->remap->patches);
	if (!patch)
		return error_set(err, ENOMEM, "out of memory");
	*patch = (struct pid_patch){ s->p->pid, *word };
	return tid_words_add(&s->known, word->kind, word->id, word->addr, err);
}

/* @return 1: it holds its id */
static int word_check(struct search *s, const struct tid_word *word, struct error *err)
{
	uint32_t value;
	uint8_t known[2] = { 1, 1 };
	if (word->addr > UINT64_MAX - sizeof(value))
		return 0;
	int rc = memory_view_read(s->mv, word->addr, &value, sizeof(value), known, err);
	return rc < 0 ? rc : known[0] && tid_word_holds(word, value);
}

/* The C library's own note comes first, locks with their owners follow. */
static int thread_words(struct search *s, uint32_t tid, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	auto_tid_words words = { 0 };
	struct pid_finding *finding = finding_of(s, tid);
	bool noted = false;
	int rc = process_core(s->cp, tid, &core, err);
	if (rc == 0)
		rc = tid_words_find(s->mv, core, tid, s->p->pid, &words, err);
	for (size_t i = 0; rc == 0 && i < words.nr; i++) {
		const struct tid_word *word = &words.items[i];
		bool owner = i > 0 && words.items[i - 1].kind == TID_LOCK;
		rc = word_check(s, word, err);
		noted |= rc > 0 && word->kind == TID_WORD && !owner;
		if (rc > 0)
			rc = finding_of(s, word->id) ? add_patch(s, word, err) : 0;
	}
	if (finding)
		finding->hidden = !noted && s->p->entry->n_threads > 1;
	return rc;
}

static bool is_known(const struct search *s, uint64_t addr)
{
	for (size_t i = 0; i < s->known.nr; i++)
		if (s->known.items[i].addr == addr)
			return true;
	return false;
}

/* @return 1: it is a held mutex's note of its owner, and has become a patch */
static int mutex_check(struct search *s, uint32_t id, uint64_t addr, struct error *err)
{
	struct mutex m;
	uint8_t known[2] = { 1, 1 };
	uint64_t at = addr - offsetof(struct mutex, owner);
	struct tid_word owner = { TID_WORD, id, addr }, lock = { TID_LOCK, id, at };
	if (addr < sizeof(m) || at > UINT64_MAX - sizeof(m))
		return 0;
	int rc = memory_view_read(s->mv, at, &m, sizeof(m), known, err);
	if (rc < 0 || !known[0] || !known[1])
		return rc;
	bool by_id = m.kind & MUTEX_BY_ID;
	bool held = by_id ? tid_word_holds(&lock, m.lock) : m.lock == 1 || m.lock == 2;
	if (!held || m.nr_users == 0 || m.nr_users > MUTEX_COUNT_MAX || m.count > MUTEX_COUNT_MAX ||
	    (m.kind & ~(uint32_t)MUTEX_KINDS))
		return 0;
	rc = add_patch(s, &owner, err);
	if (rc == 0 && by_id)
		rc = add_patch(s, &lock, err);
	return rc < 0 ? rc : 1;
}

static int hit(struct search *s, uint32_t id, uint64_t addr, struct error *err)
{
	struct pid_finding *finding = finding_of(s, id);
	if (!finding || is_known(s, addr))
		return 0;
	int rc = mutex_check(s, id, addr, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (is_own(s->p, id)) {
		finding->nr_own++;
	} else if (!finding->known_by) {
		finding->known_by = s->p->pid;
		finding->addr = addr;
	}
	return 0;
}

static int search_run(struct search *s, const struct memory_run *run, struct error *err)
{
	int rc = 0;
	for (uint64_t at = run->start; rc == 0 && at < run->end; at += sizeof(s->piece)) {
		size_t len = run->end - at < sizeof(s->piece) ? run->end - at : sizeof(s->piece);
		rc = memory_view_read(s->mv, at, s->piece, len, NULL, err);
		for (size_t i = 0; rc == 0 && i < len / sizeof(*s->piece); i++)
			if (s->piece[i] - s->low <= s->high - s->low)
				rc = hit(s, s->piece[i], at + i * sizeof(*s->piece), err);
	}
	return rc;
}

/* What cannot be written now holds no variable. */
static int search_memory(struct search *s, struct error *err)
{
	const struct area *areas;
	size_t nr = memory_view_areas(s->mv, &areas);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		struct memory_run run = { .end = areas[i].vma->start };
		while (rc == 0 && areas[i].vma->prot & PROT_WRITE && run.end < areas[i].vma->end) {
			rc = memory_view_run(s->mv, &areas[i], run.end, &run, err);
			if (rc == 0 && (run.state == PG_STORED || run.state == PG_PARENT))
				rc = search_run(s, &run, err);
		}
	}
	return rc;
}

/* An interrupted call has its arguments there, and memory need not have them. */
static int search_registers(struct search *s, uint32_t tid, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(s->cp, tid, &core, err);
	if (rc < 0 || !core->thread_info || !core->thread_info->gpregs)
		return rc;
	const ProtobufCMessage *regs = &core->thread_info->gpregs->base;
	for (unsigned i = 0; i < regs->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &regs->descriptor->fields[i];
		if (field->type != PROTOBUF_C_TYPE_UINT64 || !field_count(regs, field) ||
		    !strcmp(field->name, "orig_ax"))
			continue;
		uint64_t value = *(uint64_t *)field_at(regs, field);
		struct pid_finding *finding =
		    value <= UINT32_MAX ? finding_of(s, (uint32_t)value) : NULL;
		if (finding && !finding->known_by && !is_own(s->p, finding->id))
			finding->known_by = s->p->pid;
	}
	return 0;
}

static int search_process(struct search *s, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->p->entry->n_threads; i++) {
		uint32_t tid = process_thread(s->p, i);
		rc = search_registers(s, tid, err);
		if (rc == 0)
			rc = thread_words(s, tid, err);
	}
	return rc < 0 ? rc : search_memory(s, err);
}

int pid_words_find(struct pid_remap *remap, struct checkpoint *cp, const struct process *p,
		   struct pid_finding *findings, struct error *err)
{
	auto_memory_view mv = NULL;
	int rc = memory_view_open(cp, p, NULL, &mv, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc; /* a dead one */
	auto_free struct search *s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	*s = (struct search){ .remap = remap, .cp = cp, .p = p, .mv = mv, .findings = findings };
	s->low = s->high = findings[0].id;
	for (size_t i = 1; i < remap->map.nr; i++) {
		s->low = findings[i].id < s->low ? findings[i].id : s->low;
		s->high = findings[i].id > s->high ? findings[i].id : s->high;
	}
	rc = search_process(s, err);
	tid_words_fini(&s->known);
	return rc < 0 ? error_wrap(err, rc, "pid %" PRIu32, p->pid) : 0;
}

static int write_word(int mem, const struct pid_patch *patch, uint32_t to, struct error *err)
{
	uint32_t value;
	off_t at = (off_t)patch->word.addr;
	ssize_t n = pread(mem, &value, sizeof(value), at);
	if (n == sizeof(value) && tid_word_holds(&patch->word, value)) {
		value = tid_word_becomes(&patch->word, value, to);
		n = pwrite(mem, &value, sizeof(value), at);
	}
	return n == sizeof(value)
		   ? 0
		   : error_sys(err, "write the new id to memory at %#" PRIx64, patch->word.addr);
}

static int write_patch(const struct restore *r, const struct pid_patch *patch, struct error *err)
{
	const struct pid_map *map = &r->pids->map;
	pid_t pid = (pid_t)pid_map_new(map, patch->pid);
	char path[32];
	snprintf(path, sizeof(path), "%d/mem", real_id_of(r, pid));
	auto_fd mem = procfs_open(path, O_RDWR);
	int rc = mem < 0 ? error_sys(err, "open its memory")
			 : write_word(mem, patch, pid_map_new(map, patch->word.id), err);
	return rc < 0 ? error_wrap(err, rc, "pid %d", pid) : 0;
}

int pid_remap_write(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->pids && i < r->pids->patches.nr; i++)
		rc = write_patch(r, &r->pids->patches.items[i], err);
	return rc;
}
