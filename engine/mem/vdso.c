/* SPDX-License-Identifier: MIT
 * The kernel's code in user space. An image from this kernel finds its vdso moved to the old
 * place. One from another kernel keeps its own code, for return addresses and function pointers
 * into it, with every function turned into a jump to this kernel's.
 */
#include "engine/mem/vdso.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/mem/own.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/root.h"

#define MAX_VDSO (64u << 10)
#define USER_END 0x7ffffffff000ull

struct call {
	const char *name;
	uint32_t syscall;
};

static const struct call calls[VDSO_NR_CALLS] = {
	[VDSO_CLOCK_GETTIME] = { "__vdso_clock_gettime", SYS_clock_gettime },
	[VDSO_CLOCK_GETRES] = { "__vdso_clock_getres", SYS_clock_getres },
	[VDSO_GETTIMEOFDAY] = { "__vdso_gettimeofday", SYS_gettimeofday },
	[VDSO_TIME] = { "__vdso_time", SYS_time },
	[VDSO_GETCPU] = { "__vdso_getcpu", SYS_getcpu },
	[VDSO_GETRANDOM] = { "__vdso_getrandom", 318 },
};

/* Bytes of an ELF file that may lie. */
struct elf {
	const uint8_t *bytes;
	size_t len;
};

static const void *elf_at(const struct elf *e, uint64_t offset, uint64_t size, uint64_t count)
{
	uint64_t bytes, end;

	if (__builtin_mul_overflow(size, count, &bytes) ||
	    __builtin_add_overflow(offset, bytes, &end) || end > e->len || offset % 4)
		return NULL;
	return e->bytes + offset;
}

static void note_symbol(struct vdso_symbols *out, const char *name, size_t room, uint64_t value)
{
	for (size_t i = 0; i < VDSO_NR_CALLS; i++)
		if (strnlen(name, room) < room && !strcmp(name, calls[i].name))
			out->offset[i] = value;
}

/* The dynamic symbols, by the section headers that every vdso keeps. */
static int read_symbols(const struct elf *e, const Elf64_Shdr *sh, const Elf64_Shdr *str,
			struct vdso_symbols *out)
{
	size_t nr = sh->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *sym = elf_at(e, sh->sh_offset, sizeof(*sym), nr);
	const char *names =
	    elf_at(e, str->sh_offset & ~3ull, 1, str->sh_size + (str->sh_offset & 3));

	if (!sym || !names)
		return -EBADMSG;
	names += str->sh_offset & 3;
	for (size_t i = 0; i < nr; i++)
		if (sym[i].st_name < str->sh_size && sym[i].st_value && sym[i].st_value < e->len &&
		    sym[i].st_shndx != SHN_UNDEF)
			note_symbol(out, names + sym[i].st_name, str->sh_size - sym[i].st_name,
				    sym[i].st_value);
	return 0;
}

int vdso_parse(const void *bytes, size_t len, struct vdso_symbols *out, struct error *err)
{
	const struct elf e = { bytes, len };
	const Elf64_Ehdr *eh = elf_at(&e, 0, sizeof(*eh), 1);

	*out = (struct vdso_symbols){ 0 };
	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_shentsize != sizeof(Elf64_Shdr))
		return error_set(err, EBADMSG, "the vdso is no 64-bit ELF image");
	const Elf64_Shdr *sh = elf_at(&e, eh->e_shoff, sizeof(*sh), eh->e_shnum);
	for (size_t i = 0; sh && i < eh->e_shnum; i++)
		if (sh[i].sh_type == SHT_DYNSYM && sh[i].sh_link < eh->e_shnum &&
		    read_symbols(&e, &sh[i], &sh[sh[i].sh_link], out) == 0)
			return 0;
	return error_set(err, EBADMSG, "the vdso has no table of symbols");
}

/* jmp rel32 where it reaches, else through a register a call may destroy. */
static size_t make_jump(uint8_t *code, uint64_t from, uint64_t to)
{
	int64_t distance = (int64_t)(to - (from + 5));

	if (distance == (int32_t)distance) {
		int32_t rel = distance;
		code[0] = 0xe9;
		memcpy(code + 1, &rel, 4);
		return 5;
	}
	code[0] = 0x49; /* movabs $to, %r11 */
	code[1] = 0xbb;
	memcpy(code + 2, &to, 8);
	code[10] = 0x41; /* jmp *%r11 */
	code[11] = 0xff;
	code[12] = 0xe3;
	return 13;
}

static size_t make_syscall(uint8_t *code, uint32_t nr)
{
	code[0] = 0xb8; /* mov $nr, %eax */
	memcpy(code + 1, &nr, 4);
	code[5] = 0x0f; /* syscall; ret */
	code[6] = 0x05;
	code[7] = 0xc3;
	return 8;
}

void vdso_patch(uint8_t *bytes, size_t len, uint64_t addr, const struct vdso_symbols *old,
		const struct vdso_symbols *now, uint64_t now_addr)
{
	for (size_t i = 0; i < VDSO_NR_CALLS; i++) {
		uint8_t code[16];
		uint64_t at = old->offset[i];
		if (!at)
			continue;
		size_t n = now->offset[i] ? make_jump(code, addr + at, now_addr + now->offset[i])
					  : make_syscall(code, calls[i].syscall);
		if (at + n <= len)
			memcpy(bytes + at, code, n);
	}
}

/* The kernel's mappings of this process, as smaps names them. */
struct kernel_maps {
	struct range items[ARRAY_SIZE(((struct restorer_args *)0)->moves)];
	size_t nr;
	struct range vdso; /* start 0: none */
};

static int find_kernel_maps(struct kernel_maps *out, struct error *err)
{
	struct vma_list maps = { 0 };
	int rc = own_maps(&maps, err);

	for (size_t i = 0; rc == 0 && i < maps.nr; i++) {
		const struct vma *v = &maps.items[i];
		bool vdso = v->path && !strcmp(v->path, "[vdso]");
		if (!vdso && !(v->path && !strncmp(v->path, "[vvar", 5)))
			continue;
		if (out->nr == ARRAY_SIZE(out->items))
			rc = error_set(err, ENOTSUP, "this kernel has %zu or more vdso mappings",
				       out->nr);
		else
			out->items[out->nr++] = (struct range){ v->start, v->end };
		if (vdso)
			out->vdso = (struct range){ v->start, v->end };
	}
	vma_list_fini(&maps);
	return rc;
}

int vdso_find(struct restore *r, struct error *err)
{
	r->kernel_maps = calloc(1, sizeof(*r->kernel_maps));
	if (!r->kernel_maps)
		return error_set(err, ENOMEM, "out of memory");
	int rc = find_kernel_maps(r->kernel_maps, err);
	/* while it is short: what tasks map where it belongs is in r->busy */
	return rc < 0 ? rc : own_ranges(&r->own, err);
}

static struct vma *find_vdso(struct rtask *t, uint32_t status)
{
	for (size_t i = 0; i < t->vmas.nr; i++)
		if (t->vmas.items[i].status & status)
			return &t->vmas.items[i];
	return NULL;
}

/* Is the image's data laid out around the code as this kernel's is? */
static bool same_layout(const struct rtask *t, const struct vma *vdso, const struct kernel_maps *k)
{
	uint64_t shift = vdso->start - k->vdso.start; /* wraps, and back below */

	if (vma_len(vdso) != k->vdso.end - k->vdso.start)
		return false;
	uint64_t theirs = 0, ours = 0;
	for (size_t i = 0; i < k->nr; i++)
		ours += k->items[i].end - k->items[i].start;
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if (!(v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR)))
			continue;
		theirs += vma_len(v);
		bool covered = false;
		for (size_t j = 0; j < k->nr; j++)
			covered |= k->items[j].start + shift >= v->start &&
				   k->items[j].end + shift <= v->end;
		if (!covered)
			return false;
	}
	return theirs == ours;
}

static bool same_code(const struct vma *vdso, const struct kernel_maps *k, struct page_store *ps)
{
	size_t len = vma_len(vdso);
	uint8_t present[MAX_VDSO / PAGE];
	auto_free uint8_t *bytes = malloc(MAX_VDSO);

	if (!bytes || len > MAX_VDSO || !ps ||
	    page_store_read(ps, vdso->start, bytes, len, present, NULL) < 0 || !present[0]) {
		log_warn("the image has no vdso code to compare: taking it for this kernel's");
		return true;
	}
	return !memcmp(bytes, (const void *)(uintptr_t)k->vdso.start, len);
}

void vdso_choose(const struct restore *r, struct rtask *t, struct page_store *ps)
{
	const struct kernel_maps *k = r->kernel_maps;
	struct vma *vdso = find_vdso(t, VMA_AREA_VDSO);

	if (!vdso)
		return;
	if (k->vdso.start && same_layout(t, vdso, k) && same_code(vdso, k, ps))
		return;
	log_info("pid %d: vdso of another kernel: its functions will jump to this kernel's",
		 t->pid);
	vdso->status = (vdso->status & ~VMA_AREA_VDSO) | VMA_OLD_VDSO;
	for (size_t i = 0; i < t->vmas.nr; i++)
		t->vmas.items[i].status &= ~VMA_AREA_VVAR;
}

static int patch_waiting(const struct vma *old, const struct kernel_maps *k, uint64_t now_addr,
			 struct error *err)
{
	struct vdso_symbols theirs, ours = { 0 };
	size_t len = vma_len(old);
	auto_free uint8_t *bytes = len <= MAX_VDSO ? malloc(len) : NULL;
	if (!bytes || !old->premapped)
		return error_set(err, EBADMSG, "the image's vdso at %#lx has no code",
				 (unsigned long)old->start);

	memcpy(bytes, (const void *)(uintptr_t)old->premapped, len);
	int rc = vdso_parse(bytes, len, &theirs, err);
	if (rc == 0 && now_addr)
		rc = vdso_parse((const void *)(uintptr_t)k->vdso.start, k->vdso.end - k->vdso.start,
				&ours, err);
	if (rc < 0)
		return rc;
	vdso_patch(bytes, len, old->start, &theirs, &ours, now_addr);

	auto_fd mem = procfs_open("self/mem", O_RDWR);
	if (mem < 0 || pwrite(mem, bytes, len, old->premapped) != (ssize_t)len)
		return error_sys(err, "patch the image's vdso");
	return 0;
}

/* Addresses for this kernel's vdso beside an old one: near it, so that short jumps reach. */
static uint64_t find_room(struct restore *r, const struct rtask *t, const struct vma *old,
			  const struct kernel_maps *k, struct error *err)
{
	struct range_list own = { 0 };
	uint64_t size = k->items[k->nr - 1].end - k->items[0].start;
	int rc = own_ranges(&own, err);

	if (rc < 0)
		return 0;
	uint64_t at = range_list_gap(&r->busy, &own, old->end, USER_END, size);
	if (!at)
		at = range_list_gap(&r->busy, &own, 0x100000000ull, USER_END, size);
	free(own.items);
	if (!at)
		error_set(err, ENOMEM, "pid %d: no free addresses for the vdso", t->pid);
	return at;
}

int vdso_plan(struct restore *r, struct rtask *t, struct restorer_args *args, struct error *err)
{
	const struct kernel_maps *k = r->kernel_maps;
	struct vma *vdso = find_vdso(t, VMA_AREA_VDSO);
	struct vma *old = find_vdso(t, VMA_OLD_VDSO);
	int rc = 0;

	args->nr_moves = 0;
	if (!vdso && !old)
		return 0;
	uint64_t to = 0; /* of the first kernel mapping */
	if (vdso)
		to = vdso->start - (k->vdso.start - k->items[0].start);
	else if (k->vdso.start && !(to = find_room(r, t, old, k, err)))
		return err ? err->code : -ENOMEM;
	if (old)
		rc = patch_waiting(
		    old, k, k->vdso.start ? to + (k->vdso.start - k->items[0].start) : 0, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT ": mapping %#lx", RTASK_ARGS(t),
				  (unsigned long)old->start);
	for (size_t i = 0; rc == 0 && k->vdso.start && i < k->nr; i++) {
		uint64_t offset = k->items[i].start - k->items[0].start;
		uint64_t from =
		    t->late ? to + offset : k->items[i].start; /* as its parent has it */
		args->moves[args->nr_moves++] = (struct restorer_move){
			.from = from,
			.park = from == to + offset ? 0 : t->premap.start + offset,
			.to = to + offset,
			.size = k->items[i].end - k->items[i].start,
		};
	}
	return rc;
}
