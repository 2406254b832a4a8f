/* SPDX-License-Identifier: MIT
 * The files a process has code of, for libdwfl: where they are mapped, and their bytes.
 */
#pragma once

#include "convert/stack/libdw.h"
#include "convert/stack/stack.h"

struct module {
	struct stack_module seen;
	struct modules *all;
	uint32_t file_id;
	bool in_memory, executable, tried;
	char *build_id, *missing;
	void *image; /* the file put together from memory */
};

struct modules {
	const struct libdw *lib;
	struct checkpoint *cp;
	struct memory_view *mv;
	int sysroot;          /* -1: none */
	struct module *items; /* in address order */
	size_t nr, cap;
};

/** Ways to the bytes of a module and of its debug file. */
extern const Dwfl_Callbacks modules_callbacks;

/** Find them by the areas of the process. */
int modules_collect(struct modules *m, struct error *err);
/** Tell libdwfl of them. @param m  stays where it is until dwfl_end() */
int modules_report(struct modules *m, Dwfl *dwfl, struct error *err);
/** The module behind libdwfl's, once its file was looked for. */
const struct stack_module *modules_find(const struct modules *m, Dwfl_Module *mod);
/** After dwfl_end(). */
void modules_fini(struct modules *m);
