/* SPDX-License-Identifier: MIT
 * Core files: ELF header, program headers, notes, memory.
 */
#include "convert/core/core.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/core/process-notes.h"

#define PIECE (1u << 20)

struct segment { /* a PT_LOAD: part of an area whose bytes are all in the core, or all not */
	uint64_t start, end;
	const struct area *area;
	bool present;
};

struct core {
	const struct core_machine *machine;
	struct memory_view *mv;
	int fd;
	const char *name;
	struct {
		struct segment *items;
		size_t nr, cap;
	} segments;
	struct notes notes;
	struct notes head; /* ELF header and program headers: numbers as in notes */
	struct progress *progress;
	struct core_stats *stats;
};

/* Are the bytes of a run in the core? The others a debugger finds in the mapped file, or nowhere.
 */
static int is_present(struct core *c, const struct area *area, const struct memory_run *run,
		      struct error *err)
{
	uint8_t known = 0;
	char byte;
	if (run->state == PG_STORED || run->state == PG_PARENT || run->state == PG_ZERO)
		return 1;
	if (run->state == PG_LAZY || run->state == PG_GUARD || area->kind == AREA_VVAR ||
	    area->kind == AREA_VSYSCALL)
		return 0;
	int rc = memory_view_read(c->mv, run->start, &byte, 1, &known, err);
	return rc < 0 ? rc : known;
}

static int add_run(struct core *c, const struct area *area, const struct memory_run *run,
		   struct error *err)
{
	int present = is_present(c, area, run, err);
	if (present < 0)
		return present;
	if (!present && run->state != PG_GUARD)
		c->stats->missing += run->end - run->start;
	struct segment *last = c->segments.nr ? &c->segments.items[c->segments.nr - 1] : NULL;
	if (last && last->area == area && last->present == present) {
		last->end = run->end;
		return 0;
	}
	last = array_add(&c->segments);
	if (!last)
		return error_set(err, ENOMEM, "out of memory");
	*last = (struct segment){ run->start, run->end, area, present };
	return 0;
}

static int collect_segments(struct core *c, struct error *err)
{
	const struct area *areas;
	size_t nr = memory_view_areas(c->mv, &areas);
	for (size_t i = 0; i < nr; i++) {
		struct memory_run run = { .end = areas[i].vma->start };
		while (run.end < areas[i].vma->end) {
			struct error why;
			int rc = memory_view_run(c->mv, &areas[i], run.end, &run, &why);
			if (rc < 0 && areas[i].unknown && memory_view_passes(c->mv, rc, &why)) {
				/* whose pages these are stands in another image, which is broken */
				run = (struct memory_run){ run.end, areas[i].vma->end, PG_LAZY };
				rc = 0;
			}
			if (rc < 0)
				return error_set(err, rc, "%s", why.text);
			rc = add_run(c, &areas[i], &run, err);
			if (rc < 0)
				return rc;
		}
		if (!c->machine->is64 && areas[i].vma->end > UINT64_C(1) << 32)
			return error_set(err, EBADMSG, "memory at %#" PRIx64 " of a 32-bit process",
					 areas[i].vma->end);
	}
	c->stats->nr_segments = c->segments.nr;
	return 0;
}

static void put_ident(struct core *c)
{
	const unsigned char ident[EI_NIDENT] = {
		ELFMAG0,
		ELFMAG1,
		ELFMAG2,
		ELFMAG3,
		c->machine->is64 ? ELFCLASS64 : ELFCLASS32,
		c->machine->big ? ELFDATA2MSB : ELFDATA2LSB,
		EV_CURRENT,
	};
	note_bytes(&c->head, ident, sizeof(ident));
}

/* More than 65534 segments are counted in the one section header, after the program headers. */
static void put_header(struct core *c, size_t nr, size_t ph_size, size_t eh_size)
{
	struct notes *h = &c->head;
	bool many = nr >= PN_XNUM;
	put_ident(c);
	note_number(h, ET_CORE, 2);
	note_number(h, c->machine->elf, 2);
	note_number(h, EV_CURRENT, 4);
	note_word(h, 0);
	note_word(h, eh_size);
	note_word(h, many ? eh_size + nr * ph_size : 0);
	note_number(h, c->machine->elf_flags, 4);
	note_number(h, eh_size, 2);
	note_number(h, ph_size, 2);
	note_number(h, many ? PN_XNUM : nr, 2);
	note_number(h, many ? (c->machine->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) : 0, 2);
	note_number(h, many ? 1 : 0, 2);
	note_number(h, 0, 2);
}

static void put_phdr(struct core *c, uint32_t type, uint32_t flags, const uint64_t where[4])
{
	struct notes *h = &c->head; /* where: offset, address, length in the file, in memory */
	note_number(h, type, 4);
	if (c->machine->is64)
		note_number(h, flags, 4);
	note_word(h, where[0]);
	note_word(h, where[1]);
	note_word(h, 0);
	note_word(h, where[2]);
	note_word(h, where[3]);
	if (!c->machine->is64)
		note_number(h, flags, 4);
	note_word(h, type == PT_LOAD ? PAGE : 4);
}

static void put_count(struct core *c, size_t nr)
{
	if (nr < PN_XNUM)
		return;
	struct notes *h = &c->head;
	note_number(h, 0, 4); /* name, type SHT_NULL */
	note_number(h, 0, 4);
	for (int i = 0; i < 4; i++) /* flags, address, offset, size */
		note_word(h, 0);
	note_number(h, 0, 4);
	note_number(h, nr, 4); /* sh_info */
	note_word(h, 0);
	note_word(h, 0);
}

static uint32_t flags_of(const VmaEntry *vma)
{
	return (vma->prot & 1 ? PF_R : 0) | (vma->prot & 2 ? PF_W : 0) | (vma->prot & 4 ? PF_X : 0);
}

/* @return where memory begins */
static uint64_t put_headers(struct core *c)
{
	size_t ph = c->machine->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size_t eh = c->machine->is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t sh = c->machine->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	size_t nr = c->segments.nr + 1;
	uint64_t notes_at = eh + nr * ph + (nr >= PN_XNUM ? sh : 0);
	uint64_t begin = (notes_at + c->notes.buf.len + PAGE - 1) & ~(PAGE - 1), at = begin;
	put_header(c, nr, ph, eh);
	put_phdr(c, PT_NOTE, 0, (uint64_t[4]){ notes_at, 0, c->notes.buf.len, 0 });
	for (size_t i = 0; i < c->segments.nr; i++) {
		const struct segment *s = &c->segments.items[i];
		uint64_t len = s->end - s->start, in_file = s->present ? len : 0;
		put_phdr(c, PT_LOAD, flags_of(s->area->vma),
			 (uint64_t[4]){ at, s->start, in_file, len });
		at += in_file;
	}
	put_count(c, nr);
	c->stats->size = at;
	return begin;
}

static int write_all(const struct core *c, const void *bytes, size_t len, struct error *err)
{
	int rc = fd_write_full(c->fd, bytes, len);
	return rc < 0 ? error_code(err, rc, "write %s", c->name) : 0;
}

static int seek_over(const struct core *c, uint64_t len, struct error *err)
{
	if (len > INT64_MAX || lseek(c->fd, (off_t)len, SEEK_CUR) < 0)
		return error_sys(err, "%s: leave a hole of %" PRIu64 " bytes", c->name, len);
	return 0;
}

static int write_run(struct core *c, const struct memory_run *run, char *buf, struct error *err)
{
	int rc = 0;
	if (run->state == PG_ZERO || run->state == PG_HOLE)
		return seek_over(c, run->end - run->start, err);
	for (uint64_t at = run->start; rc == 0 && at < run->end;) {
		size_t len = run->end - at < PIECE ? (size_t)(run->end - at) : PIECE;
		rc = memory_view_read(c->mv, at, buf, len, NULL, err);
		if (rc == 0)
			rc = write_all(c, buf, len, err);
		progress_add(c->progress, len);
		at += len;
	}
	return rc;
}

static int write_memory(struct core *c, struct error *err)
{
	auto_free char *buf = io_buffer(PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->segments.nr; i++) {
		const struct segment *s = &c->segments.items[i];
		struct memory_run run = { .end = s->start };
		while (s->present && run.end < s->end) {
			int rc = memory_view_run(c->mv, s->area, run.end, &run, err);
			if (rc == 0 && memory_view_hole(c->mv, &run))
				run.state = PG_ZERO;
			if (rc == 0)
				rc = write_run(c, &run, buf, err);
			if (rc < 0)
				return rc;
		}
	}
	if (ftruncate(c->fd, (off_t)c->stats->size) < 0)
		return error_sys(err, "%s: set the length", c->name);
	return 0;
}

static int write_core(struct core *c, struct error *err)
{
	uint64_t begin = put_headers(c);
	if (c->head.failed)
		return error_set(err, ENOMEM, "out of memory");
	int rc = write_all(c, c->head.buf.data, c->head.buf.len, err);
	if (rc == 0)
		rc = write_all(c, c->notes.buf.data, c->notes.buf.len, err);
	if (rc == 0)
		rc = seek_over(c, begin - c->head.buf.len - c->notes.buf.len, err);
	return rc < 0 ? rc : write_memory(c, err);
}

static int check_machine(const struct checkpoint *cp, const struct process *p,
			 const struct core_machine **out, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(cp, p->pid, &core, err);
	if (rc < 0)
		return rc;
	if (core->thread_info && core->thread_info->gpregs &&
	    core->thread_info->gpregs->mode == USER_X86_REGS_MODE__COMPAT)
		return error_set(
		    err, ENOTSUP,
		    "pid %u is a 32-bit process on x86-64, whose cores are not written", p->pid);
	struct error why = { 0 };
	*out = core_machine_of(core, &why);
	return *out ? 0 : error_set(err, why.code, "pid %u: %s", p->pid, why.text);
}

int core_write(const struct checkpoint *cp, const struct process *p, struct memory_view *mv, int fd,
	       const char *name, struct progress *progress, struct core_stats *stats,
	       struct error *err)
{
	struct core c = { .mv = mv, .fd = fd, .name = name, .progress = progress, .stats = stats };
	*stats = (struct core_stats){ .nr_threads = p->entry->n_threads };
	int rc = check_machine(cp, p, &c.machine, err);
	if (rc < 0)
		return rc;
	c.notes.is64 = c.head.is64 = c.machine->is64;
	c.notes.big = c.head.big = c.machine->big;
	rc = collect_segments(&c, err);
	if (rc == 0)
		rc = process_notes(cp, p, mv, c.machine, &c.notes, err);
	if (rc == 0)
		rc = write_core(&c, err);
	free(c.segments.items);
	strbuf_fini(&c.notes.buf);
	strbuf_fini(&c.head.buf);
	return rc;
}
