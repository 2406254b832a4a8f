/* SPDX-License-Identifier: MIT
 * Backtraces: libdwfl unwinds, this gives it registers, memory and modules.
 */
#include "convert/stack/stack.h"

#include <elfutils/libdw.h>
#include <endian.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "convert/stack/modules.h"
#include "convert/stack/registers.h"
#include "images/sysroot.h"

struct stack {
	struct libdw lib;
	const struct process *p;
	struct memory_view *mv;
	struct modules modules;
	const struct dwarf_machine *machine;
	Dwfl *dwfl;
	Elf64_Ehdr head; /* tells libdwfl the machine */
	Elf *elf;
	/* of the walk at hand */
	uint32_t tid;
	struct dwarf_regs regs;
	struct error failed; /* an image could not be read */
	struct {             /* the last page read */
		uint64_t addr;
		bool known;
		char bytes[PAGE];
	} page;
};

void stack_thread_fini(struct stack_thread *thread)
{
	free(thread->frames.items);
	*thread = (struct stack_thread){ 0 };
}

void stack_close(struct stack *s)
{
	if (!s)
		return;
	if (s->dwfl)
		s->lib.dwfl_end(s->dwfl);
	if (s->elf)
		s->lib.elf_end(s->elf);
	modules_fini(&s->modules);
	memory_view_close(s->mv);
	free(s);
}

static bool page_load(struct stack *s, uint64_t addr)
{
	uint8_t known = 0;
	if (s->page.addr == addr)
		return s->page.known;
	int rc = memory_view_read(s->mv, addr, s->page.bytes, PAGE, &known, &s->failed);
	s->page.addr = rc < 0 ? 1 : addr; /* 1: no page */
	s->page.known = rc == 0 && known;
	return s->page.known;
}

/* A word of the machine; the frame that needs it is the last when it is not to be had. */
static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *out, void *arg)
{
	(void)dwfl;
	struct stack *s = arg;
	unsigned size = dwarf_machine_is64(s->machine) ? 8 : 4;
	uint64_t value = 0;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = dwarf_machine_is_big(s->machine) ? i : size - 1 - i;
		if (addr > UINT64_MAX - size || !page_load(s, (addr + at) & ~(uint64_t)(PAGE - 1)))
			return false;
		value = value << 8 | (uint8_t)s->page.bytes[(addr + at) % PAGE];
	}
	*out = value;
	return true;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	(void)dwfl;
	struct stack *s = arg;
	if (*thread)
		return 0;
	*thread = s;
	return (pid_t)s->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
	(void)dwfl;
	(void)tid;
	*thread = arg;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	struct stack *s = arg;
	const struct dwarf_regs *r = &s->regs;
	Dwarf_Word words[DWARF_REGS_MAX], link = r->link;
	for (unsigned i = 0; i < r->nr; i++)
		words[i] = r->values[i];
	s->lib.dwfl_thread_state_register_pc(thread, r->pc);
	return s->lib.dwfl_thread_state_registers(thread, 0, r->nr, words) &&
	       (!r->has_link ||
		s->lib.dwfl_thread_state_registers(thread, (int)r->link_number, 1, &link));
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

/* A return address may be the beginning of the next function, or line: look before it. */
static void frame_name(const struct stack *s, Dwfl_Module *mod, struct stack_frame *frame)
{
	const struct libdw *lib = &s->lib;
	uint64_t at = frame->exact ? frame->pc : frame->pc - 1;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	frame->symbol = lib->dwfl_module_addrinfo(mod, at, &offset, &symbol, NULL, NULL, NULL);
	frame->symbol_offset = offset + (frame->pc - at);
	Dwfl_Line *line = lib->dwfl_module_getsrc(mod, at);
	int number = 0;
	if (line)
		frame->file = lib->dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL);
	frame->line = frame->file && number > 0 ? (unsigned)number : 0;
}

struct walk {
	struct stack *stack;
	struct stack_thread *thread;
};

static bool is_code(const struct stack *s, uint64_t pc)
{
	const struct area *area = memory_view_find(s->mv, pc);
	return area && area->vma->start <= pc && area->vma->prot & PROT_EXEC;
}

static int add_frame(Dwfl_Frame *state, void *arg)
{
	const struct walk *walk = arg;
	struct stack *s = walk->stack;
	struct stack_thread *thread = walk->thread;
	Dwarf_Addr pc;
	bool exact = false;
	if (!s->lib.dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	if (thread->frames.nr == STACK_FRAMES_MAX) {
		error_set(&thread->cut, EOVERFLOW, "there are more than %d frames",
			  STACK_FRAMES_MAX);
		return DWARF_CB_ABORT;
	}
	size_t nr = thread->frames.nr;
	const struct stack_module *inner = nr ? thread->frames.items[nr - 1].module : NULL;
	bool guessed = nr && (!inner || inner->missing);
	if (guessed && !is_code(s, pc))
		return DWARF_CB_ABORT;
	struct stack_frame *frame = array_add(&thread->frames);
	if (!frame) {
		error_set(&s->failed, ENOMEM, "out of memory");
		return DWARF_CB_ABORT;
	}
	Dwfl_Module *mod = s->lib.dwfl_addrmodule(s->dwfl, exact ? pc : pc - 1);
	*frame = (struct stack_frame){ .pc = pc, .exact = exact, .guessed = guessed };
	frame->module = modules_find(&s->modules, mod);
	if (frame->module)
		frame->module_offset = pc - frame->module->start;
	if (frame->module && !frame->module->missing)
		frame_name(s, mod, frame);
	return DWARF_CB_OK;
}

/* Why there are no more frames, by the last one. */
static void say_cut(const struct stack *s, struct stack_thread *thread)
{
	const struct stack_frame *last =
	    thread->frames.nr ? &thread->frames.items[thread->frames.nr - 1] : NULL;
	if (last && !last->module)
		error_set(&thread->cut, ENODATA, "no file is mapped at %#" PRIx64, last->pc);
	else if (last && last->module->missing)
		error_set(&thread->cut, ENODATA, "who called it is not known without %s",
			  last->module->path);
	else
		error_set(&thread->cut, ENODATA, "%s", s->lib.dwfl_errmsg(-1));
}

int stack_walk(struct stack *s, uint32_t tid, const CoreEntry *core, struct stack_thread *out,
	       struct error *err)
{
	auto_stack_thread thread = { .tid = tid };
	int rc = dwarf_regs_of(s->machine, core, &s->regs, err);
	if (rc < 0)
		return error_wrap(err, rc, "core-%u.img", tid);
	s->tid = tid;
	s->failed = (struct error){ 0 };
	struct walk walk = { s, &thread };
	rc = s->lib.dwfl_getthread_frames(s->dwfl, (pid_t)tid, add_frame, &walk);
	if (s->failed.code == -ENOMEM)
		return error_set(err, ENOMEM, "out of memory");
	if (s->failed.code)
		thread.cut = s->failed;
	else if (rc && !thread.cut.code)
		say_cut(s, &thread);
	*out = thread;
	thread = (struct stack_thread){ 0 };
	return 0;
}

/* All libdwfl wants to know of an ELF file here is the machine. */
static int session_open(struct stack *s, struct error *err)
{
	Elf64_Ehdr *h = &s->head; /* a 32-bit header is the shorter one: its fields up to
				     e_version are the same */
	h->e_ident[EI_MAG0] = ELFMAG0;
	h->e_ident[EI_MAG1] = ELFMAG1;
	h->e_ident[EI_MAG2] = ELFMAG2;
	h->e_ident[EI_MAG3] = ELFMAG3;
	h->e_ident[EI_CLASS] = dwarf_machine_is64(s->machine) ? ELFCLASS64 : ELFCLASS32;
	h->e_ident[EI_DATA] = dwarf_machine_is_big(s->machine) ? ELFDATA2MSB : ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	bool swap = dwarf_machine_is_big(s->machine);
	h->e_type = swap ? htobe16(ET_CORE) : htole16(ET_CORE);
	h->e_machine =
	    swap ? htobe16(dwarf_machine_elf(s->machine)) : htole16(dwarf_machine_elf(s->machine));
	h->e_version = swap ? htobe32(EV_CURRENT) : htole32(EV_CURRENT);
	s->elf = s->lib.elf_memory((char *)h, sizeof(*h));
	s->dwfl = s->lib.dwfl_begin(&modules_callbacks);
	if (!s->elf || !s->dwfl)
		return error_set(err, ENOMEM, "libdwfl: %s", s->lib.dwfl_errmsg(-1));
	int rc = modules_collect(&s->modules, err);
	if (rc == 0)
		rc = modules_report(&s->modules, s->dwfl, err);
	if (rc == 0 &&
	    !s->lib.dwfl_attach_state(s->dwfl, s->elf, (pid_t)s->p->pid, &thread_callbacks, s))
		rc = error_set(err, ENOTSUP, "libdwfl: %s", s->lib.dwfl_errmsg(-1));
	return rc;
}

int stack_open(struct checkpoint *cp, const struct process *p, const CoreEntry *core,
	       const char *sysroot, struct stack **out, struct error *err)
{
	auto_stack s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	s->p = p;
	s->page.addr = 1;
	s->modules = (struct modules){ .lib = &s->lib, .cp = cp, .sysroot = -1 };
	s->machine = dwarf_machine_of(core, err);
	if (!s->machine)
		return err ? err->code : -ENOTSUP;
	int rc = memory_view_open(cp, p, sysroot, &s->mv, err);
	s->modules.mv = s->mv;
	if (rc == 0 && sysroot)
		rc = s->modules.sysroot = sysroot_open(sysroot, err);
	if (rc >= 0)
		rc = libdw_load(&s->lib, err);
	if (rc == 0)
		rc = session_open(s, err);
	if (rc < 0)
		return rc;
	*out = take_ptr(s);
	return 0;
}

size_t stack_nr_modules(const struct stack *s)
{
	return s->modules.nr;
}

const struct stack_module *stack_module(const struct stack *s, size_t i)
{
	return &s->modules.items[i].seen;
}

int stack_frame_text(const struct stack_frame *f, struct strbuf *out)
{
	const struct stack_module *m = f->module;
	int rc = strbuf_printf(out, "0x%016" PRIx64, f->pc);
	if (rc == 0 && f->symbol)
		rc = strbuf_printf(out, " %s+%#" PRIx64, f->symbol, f->symbol_offset);
	if (rc == 0 && f->file)
		rc = strbuf_printf(out, " at %s:%u", f->file, f->line);
	if (rc == 0 && m && f->symbol)
		rc = strbuf_printf(out, " (%s)", m->path);
	else if (rc == 0 && m)
		rc = strbuf_printf(out, " (%s+%#" PRIx64 "%s%s)", m->path, f->module_offset,
				   m->missing && m->build_id[0] ? ", build id " : "",
				   m->missing ? m->build_id : "");
	if (rc == 0 && f->guessed)
		rc = strbuf_str(out, ", by frame pointer");
	return rc;
}
