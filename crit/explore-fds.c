/* SPDX-License-Identifier: MIT
 * crit x … fds: the open descriptors of every task.
 */
#include <stdio.h>

#include "crit/explore.h"
#include "crit/file-names.h"
#include "crit/text.h"

static void link_print(struct checkpoint *cp, const char *what, uint32_t id)
{
	printf("\t%7s: ", what);
	text_print(file_path(cp, id));
	putchar('\n');
}

static int task_fds_print(struct checkpoint *cp, const struct process *p, struct error *err)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	auto_message FsEntry *fs = NULL;
	auto_fd_list fds = { 0 };
	printf("%d\n", (int)p->pid);
	int rc = explore_image_read(cp, p, process_ids(cp, p, &ids, err));
	if (rc <= 0)
		return rc;
	rc = process_fds(cp, p, &fds, err);
	for (size_t i = 0; rc >= 0 && i < fds.nr; i++) {
		printf("\t%7d: ", (int)fds.items[i]->fd);
		rc = file_print(cp, fds.items[i]->type, fds.items[i]->id, err);
		putchar('\n');
	}
	if (rc >= 0)
		rc = process_fs(cp, p, &fs, err);
	if (rc < 0)
		return rc;
	link_print(cp, "cwd", fs->cwd_id);
	link_print(cp, "root", fs->root_id);
	return 0;
}

int explore_fds(struct checkpoint *cp, struct error *err)
{
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++) {
		int rc = task_fds_print(cp, checkpoint_listed(cp, i), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
