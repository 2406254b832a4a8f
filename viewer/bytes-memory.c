/* SPDX-License-Identifier: MIT
 * Bytes that are the memory of a process.
 */
#include "base/array.h"
#include "viewer/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "convert/describe/process.h"
#include "convert/memory/map.h"
#include "viewer/app.h"

enum { PIECE = 1 << 20 };

static int memory_read(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
		       struct error *err)
{
	uint8_t pages[PIECE / PAGE + 2];
	for (size_t done = 0; done < len;) {
		size_t part = len - done < PIECE ? len - done : PIECE;
		int rc = memory_view_read(b->memory->mv, at + done, (char *)buf + done, part, pages,
					  err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; known && i < part; i++)
			known[done + i] = pages[((at + done) % PAGE + i) / PAGE];
		done += part;
	}
	return 0;
}

static bool memory_stretch(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *area = memory_view_find(b->memory->mv, at);
	if (!area)
		return false;
	*start = area->vma->start;
	*end = area->vma->end;
	return true;
}

static bool memory_stretch_below(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *areas;
	size_t nr = memory_view_areas(b->memory->mv, &areas);
	size_t low = array_lower_bound(nr, k, areas[k].vma->start <= at);
	if (!low)
		return false;
	*start = areas[low - 1].vma->start;
	*end = areas[low - 1].vma->end;
	return true;
}

static bool memory_data(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *area;
	while ((area = memory_view_find(b->memory->mv, at))) {
		struct memory_run run;
		struct error err;
		at = at > area->vma->start ? at : area->vma->start;
		if (memory_view_run(b->memory->mv, area, at, &run, &err) < 0) {
			at = area->vma->end; /* the pages of this one cannot be read */
			bytes_trouble(b, &err);
			continue;
		}
		if (run.state == PG_STORED || run.state == PG_PARENT || run.state == PG_FILE) {
			*start = at;
			*end = run.end;
			return true;
		}
		at = run.end;
	}
	return false;
}

static void memory_about(struct bytes *b, uint64_t at, struct strbuf *out)
{
	static const char *const states[] = {
		[PG_HOLE] = "never touched",   [PG_ZERO] = "zero",
		[PG_STORED] = "stored",        [PG_PARENT] = "in the parent set",
		[PG_LAZY] = "left behind",     [PG_FILE] = "as in its file",
		[PG_GUARD] = "behind a guard",
	};
	const struct area *area = memory_view_find(b->memory->mv, at);
	struct memory_run run = { .state = PG_HOLE };
	char prot[5];
	uint8_t byte, known = 1;
	if (!area || at < area->vma->start)
		return;
	int rc = memory_view_run(b->memory->mv, area, at, &run, NULL);
	if (rc == 0 && run.state == PG_HOLE)
		rc = memory_view_read(b->memory->mv, at, &byte, 1, &known, NULL);
	strbuf_printf(out, "%s %s, %s", area_prot_text(area, prot), area_kind_names[area->kind],
		      rc < 0   ? "cannot be read"
		      : !known ? "the kernel's"
			       : states[run.state]);
	if (area->path[0])
		strbuf_printf(out, ", %s+%#" PRIx64, area->path,
			      area->vma->pgoff + (at - area->vma->start));
	if (rc == 0 && run.state == PG_FILE && !b->app->options.sysroot)
		strbuf_str(out, " (--sysroot DIR shows it)");
}

static void memory_command(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out)
{
	strbuf_printf(out, "pages -p %u --hexdump ", b->process->pid);
	if (b->other)
		command_word(b->app->options.diff, out);
	else
		strbuf_str(out, "{}");
	strbuf_printf(out, " %#" PRIx64 "-%#" PRIx64, start, end);
}

static const char *memory_entry(struct bytes *b, uint64_t at, size_t *entry)
{
	(void)at;
	*entry = SIZE_MAX;
	return b->image;
}

static void memory_close(struct bytes *b)
{
	memory_unref(b->app, b->memory);
	free(b);
}

static const struct bytes_ops memory_bytes = {
	.read = memory_read,
	.stretch = memory_stretch,
	.stretch_below = memory_stretch_below,
	.data = memory_data,
	.about = memory_about,
	.command = memory_command,
	.entry = memory_entry,
	.close = memory_close,
};

int bytes_of_memory(struct app *app, const struct process *p, struct bytes **out, struct error *err)
{
	struct bytes *b = calloc(1, sizeof(*b));
	if (!b)
		return error_set(err, ENOMEM, "out of memory");
	int rc = memory_ref(app, p, &b->memory, err);
	if (rc < 0) {
		free(b);
		return rc;
	}
	b->ops = &memory_bytes;
	b->app = app;
	b->process = p;
	b->other = app_checkpoint_of(app, p) != app->cp;
	snprintf(b->title, sizeof(b->title), "memory of %u", p->pid);
	snprintf(b->image, sizeof(b->image), "pagemap-%u.img", p->pid);
	*out = b;
	return 0;
}
