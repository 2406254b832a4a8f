/* SPDX-License-Identifier: MIT
 * Shared anonymous memory in sets of CRIU 4.2. Where it may open map_files it takes a segment for
 * a memfd: files.img has an entry with an inode number, memfd.img the inode with the segment's id.
 */
#include "engine/mem/memfd-alias.h"

#include <string.h>

#include "base/array.h"
#include "files.pb-c.h"
#include "images/reader.h"

static int note_file(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	const FileEntry *e = (const FileEntry *)*msg;
	struct memfd_aliases *out = ctx;

	(void)in;
	if (!e->memfd)
		return 0;
	struct memfd_alias *a = array_add(out);
	if (!a)
		return error_set(err, ENOMEM, "out of memory for memfd entries");
	*a = (struct memfd_alias){ .file_id = e->id, .inode_id = e->memfd->inode_id };
	return 0;
}

static int note_inode(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	const MemfdInodeEntry *e = (const MemfdInodeEntry *)*msg;
	struct memfd_aliases *out = ctx;

	(void)in, (void)err;
	/* the kernel's names of them */
	if (strcmp(e->name, "/dev/zero") && strcmp(e->name, "/anon_hugepage"))
		return 0;
	for (size_t i = 0; i < out->nr; i++) {
		if (out->items[i].inode_id != e->inode_id)
			continue;
		out->items[i].shmid = e->shmid;
		out->items[i].size = e->size;
	}
	return 0;
}

int memfd_aliases_load(struct source *images, struct memfd_aliases *out, struct error *err)
{
	int rc = image_each(images, IMG_FILES, 0, note_file, out, err);

	if (rc == 0 && out->nr)
		rc = image_each(images, IMG_MEMFD_INODE, 0, note_inode, out, err);
	return rc;
}

const struct memfd_alias *memfd_alias_find(const struct memfd_aliases *list, uint64_t file_id)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->items[i].file_id == file_id && list->items[i].size)
			return &list->items[i];
	return NULL;
}
