/* SPDX-License-Identifier: MIT
 * Processes, their threads, the frames of each; and the files that could not be used.
 */
#include "convert/stack/report.h"

#include "base/cleanup.h"
#include "convert/stack/stack.h"
#include "images/damage.h"

struct stack_writer {
	struct checkpoint *cp;
	const char *sysroot;
	struct doc *doc;
	size_t failed;
};

/* A thread's own name, where the image has it. */
static const char *name_of(const CoreEntry *core)
{
	if (core && core->thread_core && core->thread_core->comm)
		return core->thread_core->comm;
	return core && core->tc && core->tc->comm ? core->tc->comm : "?";
}

static void module_write(struct doc *doc, const struct stack_module *m)
{
	doc_object(doc, NULL, NULL);
	doc_str(doc, "path", NULL, m->path);
	doc_str(doc, "build_id", NULL, m->build_id[0] ? m->build_id : NULL);
	doc_hex(doc, "start", NULL, m->start);
	doc_hex(doc, "end", NULL, m->end);
	doc_str(doc, "missing", NULL, m->missing);
	if (m->missing)
		doc_text(doc, "%s: %s", m->path, m->missing);
	doc_end(doc);
}

/* @param of  what it is an offset in, if that is known */
static void hex_or_none(struct doc *doc, const char *key, const void *of, uint64_t value)
{
	if (of)
		doc_hex(doc, key, NULL, value);
	else
		doc_none(doc, key, NULL);
}

static int frame_write(struct doc *doc, size_t number, const struct stack_frame *f)
{
	auto_strbuf line = { 0 };
	if (stack_frame_text(f, &line) < 0)
		return -ENOMEM;
	doc_object(doc, NULL, NULL);
	doc_text(doc, "#%-3zu %s", number, line.data);
	doc_hex(doc, "pc", NULL, f->pc);
	doc_bool(doc, "exact", NULL, f->exact);
	doc_bool(doc, "guessed", NULL, f->guessed);
	const struct stack_module *m = f->module;
	doc_str(doc, "symbol", NULL, f->symbol);
	hex_or_none(doc, "symbol_offset", f->symbol, f->symbol_offset);
	doc_str(doc, "file", NULL, f->file);
	if (f->file)
		doc_u64(doc, "line", NULL, f->line);
	else
		doc_none(doc, "line", NULL);
	doc_str(doc, "module", NULL, m ? m->path : NULL);
	hex_or_none(doc, "module_offset", m, f->module_offset);
	doc_str(doc, "build_id", NULL, m && m->build_id[0] ? m->build_id : NULL);
	doc_end(doc);
	return 0;
}

static void error_write(struct stack_writer *w, const struct error *why)
{
	doc_str(w->doc, "error", "error", why->text);
	w->failed += !damage_noted(checkpoint_source(w->cp), why->code, why);
}

/* What was passed over since. @return whether anything was */
static bool damage_write(struct stack_writer *w, size_t mark)
{
	const struct error *damage = damage_since(checkpoint_source(w->cp), mark);
	if (damage)
		error_write(w, damage);
	return damage != NULL;
}

static size_t mark_of(const struct stack_writer *w)
{
	return damage_mark(checkpoint_source(w->cp));
}

static int thread_write(struct stack_writer *w, struct stack *stack, uint32_t tid,
			struct error *err)
{
	auto_message CoreEntry *core = NULL;
	auto_stack_thread thread = { 0 };
	auto_free char *title = NULL;
	struct error why = { 0 };
	size_t mark = mark_of(w);
	int rc = 0, walked = process_core(w->cp, tid, &core, &why);
	bool damaged = mark_of(w) != mark;
	if (asprintf(&title, "thread %u (%s)", tid, name_of(core)) < 0)
		return error_set(err, ENOMEM, "out of memory");
	doc_object(w->doc, NULL, title);
	doc_u64(w->doc, "tid", NULL, tid);
	doc_str(w->doc, "name", NULL, core ? name_of(core) : NULL);
	if (walked == 0 && !damaged)
		walked = stack_walk(stack, tid, core, &thread, &why);
	doc_list(w->doc, "frames", NULL);
	for (size_t i = 0; rc == 0 && i < thread.frames.nr; i++)
		rc = frame_write(w->doc, i, &thread.frames.items[i]);
	doc_end(w->doc);
	if (walked < 0)
		error_write(w, &why);
	else if (damaged)
		damage_write(w, mark);
	else if (thread.cut.code == -ENODATA || thread.cut.code == -EOVERFLOW)
		doc_str(w->doc, "cut", "cut short", thread.cut.text);
	else if (thread.cut.code)
		error_write(w, &thread.cut);
	doc_end(w->doc);
	return rc < 0 || walked == -ENOMEM ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int process_write(struct stack_writer *w, const struct process *p, const CoreEntry *core,
			 struct error *err)
{
	auto_stack stack = NULL;
	struct error why = { 0 };
	size_t mark = mark_of(w);
	int rc = stack_open(w->cp, p, core, w->sysroot, &stack, &why);
	bool damaged = damage_write(w, mark);
	if (rc < 0) {
		if (!damaged)
			error_write(w, &why);
		return 0;
	}
	doc_list(w->doc, "threads", NULL);
	for (size_t i = 0; rc == 0 && i < p->entry->n_threads; i++)
		rc = thread_write(w, stack, process_thread(p, i), err);
	doc_end(w->doc);
	bool missing = false;
	for (size_t i = 0; i < stack_nr_modules(stack); i++)
		missing |= stack_module(stack, i)->missing != NULL;
	doc_list(w->doc, "modules",
		 missing ? "without the bytes of (--sysroot DIR: a root to look in)" : NULL);
	for (size_t i = 0; i < stack_nr_modules(stack); i++)
		module_write(w->doc, stack_module(stack, i));
	doc_end(w->doc);
	return rc;
}

static int one(struct stack_writer *w, const struct process *p, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	auto_free char *title = NULL;
	struct error why = { 0 };
	size_t mark = mark_of(w);
	int rc = process_core(w->cp, p->pid, &core, &why);
	bool damaged = mark_of(w) != mark;
	bool zombie = rc == 0 && core_is_zombie(core);
	if (asprintf(&title, "pid %u (%s)", p->pid, name_of(core)) < 0)
		return error_set(err, ENOMEM, "out of memory");
	doc_object(w->doc, NULL, title);
	doc_u64(w->doc, "pid", NULL, p->pid);
	doc_str(w->doc, "name", NULL, core ? name_of(core) : NULL);
	doc_bool(w->doc, "zombie", NULL, zombie);
	if (rc < 0)
		error_write(w, &why);
	rc = 0;
	if (damaged)
		damage_write(w, mark);
	else if (zombie)
		doc_text(w->doc, "a zombie: it has no stack");
	else if (core)
		rc = process_write(w, p, core, err);
	doc_end(w->doc);
	return rc;
}

int stack_report(struct checkpoint *cp, const struct process *only, const char *sysroot,
		 struct doc *doc, size_t *failed, struct error *err)
{
	struct stack_writer w = { .cp = cp, .sysroot = sysroot, .doc = doc };
	int rc = 0;
	doc_list(doc, "processes", NULL);
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (!only || p == only)
			rc = one(&w, p, err);
	}
	doc_end(doc);
	*failed = w.failed;
	return rc;
}
