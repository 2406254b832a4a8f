/* SPDX-License-Identifier: MIT
 * Memory of processes.
 */
#include "viewer/memory.h"

#include <stdlib.h>

#include "convert/stack/registers.h"
#include "viewer/app.h"

static void memory_free(struct memory *memory)
{
	memory_view_close(memory->mv);
	free(memory);
}

/* Those nobody looks at; but for the one used last. */
static void clean(struct app *app, const struct memory *keep)
{
	struct memory **link = &app->memories;
	while (*link) {
		struct memory *memory = *link;
		if (memory->refs || memory == keep) {
			link = &memory->next;
		} else {
			*link = memory->next;
			memory_free(memory);
		}
	}
}

static void machine_find(struct app *app, struct memory *memory)
{
	CoreEntry *read = NULL;
	memory->is64 = true;
	if (process_core(app_checkpoint_of(app, memory->process), memory->process->pid, &read,
			 NULL) < 0)
		return;
	auto_message CoreEntry *core = read;
	const struct dwarf_machine *machine = dwarf_machine_of(core, NULL);
	if (!machine)
		return;
	memory->is64 = dwarf_machine_is64(machine);
	memory->big_endian = dwarf_machine_is_big(machine);
}

int memory_begin(struct app *app, const struct process *p, struct memory **out, struct error *err)
{
	for (struct memory *m = app->memories; m; m = m->next) {
		if (m->process == p) {
			m->refs++;
			*out = m;
			return 0;
		}
	}
	clean(app, NULL);
	struct memory *memory = calloc(1, sizeof(*memory));
	if (!memory)
		return error_set(err, ENOMEM, "out of memory");
	int rc =
	    memory_view_begin(app_checkpoint_of(app, p), p, app->options.sysroot, &memory->mv, err);
	if (rc < 0) {
		free(memory);
		return rc;
	}
	memory->process = p;
	memory->refs = 1;
	memory->next = app->memories;
	app->memories = memory;
	machine_find(app, memory);
	*out = memory;
	return 0;
}

int memory_step(struct memory *memory, struct error *err)
{
	if (memory->ready)
		return 0;
	if (memory->error.code < 0)
		return error_set(err, -memory->error.code, "%s", memory->error.text);
	int rc = memory_view_step(memory->mv, err);
	memory->ready = rc == 0;
	if (rc < 0)
		memory->error = *err;
	return rc;
}

int memory_ref(struct app *app, const struct process *p, struct memory **out, struct error *err)
{
	struct memory *memory;
	int rc = memory_begin(app, p, &memory, err);
	if (rc < 0)
		return rc;
	while ((rc = memory_step(memory, err)) > 0)
		;
	if (rc < 0)
		memory_unref(app, memory);
	else
		*out = memory;
	return rc;
}

void memory_unref(struct app *app, struct memory *memory)
{
	if (!memory)
		return;
	memory->refs--;
	clean(app, memory->ready ? memory : NULL);
}

void memory_drop(struct app *app)
{
	clean(app, NULL);
}
