/* SPDX-License-Identifier: MIT
 * crit x … ps: the tree of tasks.
 */
#include "crit/explore.h"

#include <errno.h>
#include <stdio.h>

#include "crit/text.h"

int explore_image_read(const struct checkpoint *cp, const struct process *p, int rc)
{
	auto_message CoreEntry *core = NULL;
	if (rc == -ENOENT && process_core(cp, p->pid, &core, NULL) == 0 && core_is_zombie(core)) {
		printf("\tzombie\n");
		return 0;
	}
	return rc < 0 ? rc : 1;
}

static int task_print(const struct checkpoint *cp, const struct process *p, struct error *err)
{
	auto_message CoreEntry *core = NULL;
	int rc = process_core(cp, p->pid, &core, err);
	if (rc < 0)
		return rc;
	printf("%7d%7d%7d   %*s", (int)p->pid, (int)p->entry->pgid, (int)p->entry->sid,
	       (int)p->depth * 4, "");
	text_print(core->tc && core->tc->comm ? core->tc->comm : "?");
	putchar('\n');
	return 0;
}

int explore_ps(struct checkpoint *cp, struct error *err)
{
	printf("%7s%7s%7s   %s\n", "PID", "PGID", "SID", "COMM");
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++) {
		int rc = task_print(cp, checkpoint_process(cp, i), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
