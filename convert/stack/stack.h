/* SPDX-License-Identifier: MIT
 * Backtraces of captured threads: registers and memory from the images, symbols and lines from the
 * files that were mapped, as far as they are to be had and still the same.
 */
#pragma once

#include "images/memory-view.h"

/* A file, or what else is in memory as one (the vdso), that was mapped; code runs in it. */
struct stack_module {
	uint64_t start, end;  /* of all its areas */
	const char *path;     /* as in the process; "[vdso]" */
	const char *build_id; /* hexadecimal, of the one that was dumped; "": not known */
	const char *missing;  /* why its bytes are not used: "no such file"; NULL: they are */
};

/* Strings live as long as the stack they are from. */
struct stack_frame {
	uint64_t pc; /* where it continues; in the innermost frame: where it was */
	bool exact;  /* pc is the next instruction, not behind a call: innermost, or interrupted */
	const char *symbol;     /* NULL: not known */
	uint64_t symbol_offset; /* of pc in it */
	const char *file;       /* of the source; NULL: not known */
	unsigned line;
	const struct stack_module *module; /* NULL: code outside of all */
	uint64_t module_offset;            /* of pc from its start */
	bool guessed; /* found without the unwind tables of the frame before it: may be wrong */
};

struct stack_thread {
	uint32_t tid;
	struct {
		struct stack_frame *items; /* innermost first */
		size_t nr, cap;
	} frames;
	struct error cut; /* why there is no more to say; code 0: it ends at the outermost frame */
};
void stack_thread_fini(struct stack_thread *thread);
#define auto_stack_thread __attribute__((cleanup(stack_thread_fini))) struct stack_thread

#define STACK_FRAMES_MAX 4096 /* of one thread: a broken stack may go in circles */

struct stack;

/**
 * Make ready to walk the threads of one process. Nothing is ever taken from the network.
 * @param cp  borrowed, as long as the stack; @param core  of the process: says the machine
 * @param sysroot  directory under which mapped files and their debug files are looked up ("/" for
 *                 this machine); NULL: none. A file of another size or build id is not used.
 * @return 0; -ENOENT for a zombie; -ENOTSUP without elfutils, or for a machine it cannot unwind;
 *         -EBADMSG
 */
int stack_open(struct checkpoint *cp, const struct process *p, const CoreEntry *core,
	       const char *sysroot, struct stack **out, struct error *err);
void stack_close(struct stack *stack);

/**
 * Walk one thread.
 * @param tid  one of process_thread(); @param core  its image
 * @param out  set on success, also when the walk was cut short (out->cut)
 * @return 0; -EBADMSG: its image has no registers; -ENOMEM
 */
int stack_walk(struct stack *stack, uint32_t tid, const CoreEntry *core, struct stack_thread *out,
	       struct error *err);

/** Files that have code, in address order; `missing` is known once a frame was in one. Borrowed. */
size_t stack_nr_modules(const struct stack *stack);
const struct stack_module *stack_module(const struct stack *stack, size_t i);

/** A frame as one line, without its number: "0x… symbol+0x1f at file.c:12 (libc.so.6)". */
int stack_frame_text(const struct stack_frame *frame, struct strbuf *out);

static inline void stack_cleanup_(struct stack **stack)
{
	stack_close(*stack);
}
#define auto_stack __attribute__((cleanup(stack_cleanup_))) struct stack *
