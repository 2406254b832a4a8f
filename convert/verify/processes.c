/* SPDX-License-Identifier: MIT
 * What every process of the tree needs, and what a set without a tree is.
 */
#include <errno.h>
#include <inttypes.h>

#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/verify/check.h"
#include "images/checkpoint.h"

/* A zombie has its core alone. */
static const enum image_id needed[] = { IMG_MM, IMG_FS, IMG_PAGEMAP };

static void need(struct check *check, const struct process *p, uint64_t entry, enum image_id image)
{
	char name[64];
	if (object_set_has(&check->objects, image, p->pid))
		return;
	finding_at(check, "pstree.img", &entry, "pid", "process %" PRIu32 " has no %s", p->pid,
		   image_filename(&image_types[image], p->pid, name, sizeof(name)));
}

/* Orphans come to it: it asked for them, or it is the first of a pid namespace. */
static bool is_reaper(const struct process *p, const CoreEntry *core)
{
	bool init = p->pid == 1;
	for (size_t i = 0; i < p->entry->n_levels; i++)
		init = init ||
		       (p->entry->levels[i]->n_threads && p->entry->levels[i]->threads[0] == 1);
	return init || !core || (core->tc && core->tc->child_subreaper);
}

static void process_check(struct check *check, const struct checkpoint *cp, const struct process *p,
			  uint64_t entry, bool *reaper)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(cp, p->pid, &core, NULL);
	if (rc == -ENOENT)
		need(check, p, entry, IMG_CORE);
	*reaper = is_reaper(p, core);
	if (rc < 0 || core_is_zombie(core))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		need(check, p, entry, needed[i]);
	if (!core->ids)
		need(check, p, entry, IMG_IDS);
}

int check_processes(struct check *check, struct error *err)
{
	auto_checkpoint cp = NULL;
	struct error why = { 0 };
	/* A pre-dump is memory alone. */
	bool pre_dump = check->inventory && check->inventory->img_version == 0;
	if (!object_set_has(&check->objects, IMG_INVENTORY, 0))
		finding_at(check, "inventory.img", NULL, NULL,
			   "missing: the dump did not come to its end");
	if (!check->has_tree) {
		if (!pre_dump)
			finding_at(check, "pstree.img", NULL, NULL, "missing: no process tree");
		return 0;
	}
	int rc = checkpoint_open(check->src, &cp, &why);
	if (rc == -ENOMEM)
		return error_set(err, rc, "%s", why.text);
	if (rc < 0) {
		/* what cannot be read was found by the walk */
		if (!check->nr_findings)
			finding_at(check, "pstree.img", NULL, NULL, "%s", why.text);
		return 0;
	}
	size_t nr = checkpoint_nr_processes(cp);
	auto_free bool *reapers = calloc(nr + 1, sizeof(*reapers));
	if (!reapers)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++)
		process_check(check, cp, checkpoint_listed(cp, i), i, &reapers[i]);
	rc = check_sessions(check, cp, reapers, err);
	return rc < 0 ? rc : check_contents(check, cp, err);
}
