/* SPDX-License-Identifier: MIT
 * What every process of the tree needs, and what a set without a tree is.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/array.h"
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

static void process_check(struct check *check, const struct checkpoint *cp, const struct process *p,
			  uint64_t entry)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(cp, p->pid, &core, NULL);
	if (rc == -ENOENT)
		need(check, p, entry, IMG_CORE);
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
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++)
		process_check(check, cp, checkpoint_listed(cp, i), i);
	return 0;
}
