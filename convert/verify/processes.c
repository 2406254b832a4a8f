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

/* In a pid namespace inside of the root's its numbers there are told, down to its own. */
static int levels_check(struct check *check, const struct checkpoint *cp, const struct process *p,
			uint64_t entry, uint32_t root_ns)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	const PstreeEntry *e = p->entry;
	int rc = process_ids(cp, p, &ids, NULL);
	if (rc < 0 || !ids->has_pid_ns_id || !root_ns)
		return rc == -ENOMEM ? rc : 0;
	uint32_t last = e->n_levels ? e->levels[e->n_levels - 1]->ns_id : root_ns;
	if (last != ids->pid_ns_id)
		finding_at(check, "pstree.img", &entry, "levels",
			   "end in pid namespace %" PRIu32 ", process %" PRIu32 " is in %" PRIu32,
			   last, p->pid, ids->pid_ns_id);
	for (size_t i = 0; i < e->n_levels; i++) {
		if (e->levels[i]->n_threads != e->n_threads)
			finding_at(check, "pstree.img", &entry, "levels",
				   "%zu threads in pid namespace %" PRIu32 ", want %zu",
				   e->levels[i]->n_threads, e->levels[i]->ns_id, e->n_threads);
	}
	return 0;
}

static uint32_t root_pid_ns(const struct checkpoint *cp)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	return process_ids(cp, checkpoint_listed(cp, 0), &ids, NULL) == 0 && ids->has_pid_ns_id
		   ? ids->pid_ns_id
		   : 0;
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
	for (size_t i = 0; i < p->entry->n_threads; i++) {
		if (!p->entry->threads[i])
			finding_at(check, "pstree.img", &entry, "threads",
				   "thread 0, and process %" PRIu32 " is no zombie", p->pid);
	}
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
	uint64_t first = 0;
	if (pre_dump)
		finding_at(check, "inventory.img", &first, "img_version",
			   "that of a pre-dump, and there is a process tree");
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
	uint32_t root_ns = nr ? root_pid_ns(cp) : 0;
	for (size_t i = 0; i < nr; i++) {
		process_check(check, cp, checkpoint_listed(cp, i), i, &reapers[i]);
		if (levels_check(check, cp, checkpoint_listed(cp, i), i, root_ns) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	rc = check_sessions(check, cp, reapers, err);
	return rc < 0 ? rc : check_contents(check, cp, err);
}
