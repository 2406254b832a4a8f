/* SPDX-License-Identifier: MIT
 * crit x … fds: the open descriptors of every task.
 */
#include <stdio.h>

#include "crit/explore.h"
#include "crit/file-names.h"
#include "crit/text.h"
#include "files.pb-c.h"

static int fds_print(struct source *src, uint32_t files_id, const struct file_names *names,
		     struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open_typed(src, IMG_FDINFO, files_id, &r, err);
	if (rc < 0)
		return rc;
	for (;;) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		const FdinfoEntry *fd = (FdinfoEntry *)msg;
		printf("\t%7d: ", (int)fd->fd);
		file_print(names, fd->type, fd->id);
		putchar('\n');
	}
}

static int task_fds_print(struct source *src, uint32_t pid, const struct file_names *names,
			  struct error *err)
{
	auto_message ProtobufCMessage *ids = NULL;
	auto_message ProtobufCMessage *fs = NULL;
	printf("%d\n", (int)pid);
	int rc = task_image_read(src, IMG_IDS, pid, pid, &ids, err);
	if (rc > 0)
		rc = fds_print(src, ((TaskKobjIdsEntry *)ids)->files_id, names, err);
	else
		return rc;
	if (rc == 0)
		rc = image_read_one(src, IMG_FS, pid, &fs, err);
	if (rc < 0)
		return rc;
	const FsEntry *entry = (FsEntry *)fs;
	printf("\t%7s: ", "cwd");
	text_print(file_path(names, entry->cwd_id));
	printf("\n\t%7s: ", "root");
	text_print(file_path(names, entry->root_id));
	putchar('\n');
	return 0;
}

int explore_fds(struct source *src, struct error *err)
{
	auto_task_list tasks = { 0 };
	auto_file_names names = NULL;
	int rc = task_list_read(src, &tasks, err);
	if (rc == 0)
		rc = file_names_read(src, &names, err);
	for (size_t i = 0; rc >= 0 && i < tasks.nr; i++)
		rc = task_fds_print(src, tasks.items[i]->pid, names, err);
	return rc < 0 ? rc : 0;
}
