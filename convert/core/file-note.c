/* SPDX-License-Identifier: MIT
 * Mapped files as the kernel calls them. What has no name, or has lost it, is " (deleted)".
 * Source: Linux fs/d_path.c, d_path(); ipc/shm.c, newseg()
 */
#include "convert/core/file-note.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/page.h"
#include "images/leads.h"
#include "ipc.pb-c.h"

#define DELETED " (deleted)"

struct sysv_key {
	uint64_t segment;
	uint32_t key;
};

struct files {
	struct notes *n;
	const struct area *areas;
	size_t nr_areas;
	struct {
		uint32_t *items; /* ids of files, sorted */
		size_t nr, cap;
	} deleted;
	struct {
		struct sysv_key *items;
		size_t nr, cap;
	} sysv;
};

static int deleted_take(void *ctx, struct image_reader *r, ProtobufCMessage **msg,
			struct error *err)
{
	struct files *f = ctx;
	uint32_t *id = array_add(&f->deleted);
	if (!id)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*id = ((const RemapFilePathEntry *)*msg)->orig_id;
	return 0;
}

static int sysv_take(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)*msg;
	struct files *f = ctx;
	struct sysv_key *key = array_add(&f->sysv);
	if (!key)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*key = (struct sysv_key){ shm->has_shmid ? shm->shmid : shm->desc->id, shm->desc->key };
	return 0;
}

static int id_compare(const void *a_, const void *b_)
{
	uint32_t a = *(const uint32_t *)a_, b = *(const uint32_t *)b_;
	return (a > b) - (a < b);
}

static bool maps_kind(const struct files *f, enum area_kind kind)
{
	for (size_t i = 0; i < f->nr_areas; i++) {
		if (f->areas[i].kind == kind)
			return true;
	}
	return false;
}

/* What the areas do not say of themselves. */
static int files_read(struct files *f, const struct checkpoint *cp, const struct process *p,
		      struct error *err)
{
	struct source *src = checkpoint_source(cp);
	auto_message TaskKobjIdsEntry *ids = NULL;
	int rc = remaps_each(src, deleted_take, f, err);
	if (rc == 0 && f->deleted.nr)
		qsort(f->deleted.items, f->deleted.nr, sizeof(*f->deleted.items), id_compare);
	if (rc < 0 || !maps_kind(f, AREA_SYSV))
		return rc;
	rc = process_ids(cp, p, &ids, err);
	if (rc == 0 && ids->has_ipc_ns_id)
		rc = image_each(src, IMG_IPCNS_SHM, ids->ipc_ns_id, sysv_take, f, err);
	return rc == -ENOENT ? 0 : rc;
}

static bool is_deleted(const struct files *f, uint32_t id)
{
	return f->deleted.nr &&
	       bsearch(&id, f->deleted.items, f->deleted.nr, sizeof(id), id_compare);
}

/* One that is not listed was made without a key. */
static uint32_t sysv_key(const struct files *f, uint64_t segment)
{
	for (size_t i = 0; i < f->sysv.nr; i++) {
		if (f->sysv.items[i].segment == segment)
			return f->sysv.items[i].key;
	}
	return 0;
}

struct file_name {
	const char *root, *path, *end;
	char made_up[16];
};

static bool file_name(const struct files *f, const struct area *area, struct file_name *out)
{
	bool huge = area->vma->flags & MAP_HUGETLB;
	out->root = "";
	out->path = area->path;
	out->end = DELETED;
	switch (area->kind) {
	case AREA_FILE:
	case AREA_FILE_SHARED:
		out->end = is_deleted(f, area->file_id) ? DELETED : "";
		return area->path[0];
	case AREA_MEMFD:
		out->root = "/";
		return area->path[0];
	case AREA_SHMEM:
		out->path = huge ? "/anon_hugepage" : "/dev/zero";
		return true;
	case AREA_SYSV:
		snprintf(out->made_up, sizeof(out->made_up), "/SYSV%08" PRIx32,
			 sysv_key(f, area->segment));
		out->path = out->made_up;
		return true;
	case AREA_ANON:
		out->path = "/anon_hugepage";
		return huge;
	case AREA_AIO:
		out->path = "/[aio]";
		return true;
	default:
		return false;
	}
}

static void put_note(const struct files *f)
{
	struct notes *n = f->n;
	struct file_name name;
	size_t nr = 0;
	for (size_t i = 0; i < f->nr_areas; i++)
		nr += file_name(f, &f->areas[i], &name);
	note_begin(n, "CORE", NT_FILE);
	note_word(n, nr);
	note_word(n, PAGE);
	for (size_t i = 0; i < f->nr_areas; i++) {
		if (!file_name(f, &f->areas[i], &name))
			continue;
		note_word(n, f->areas[i].vma->start);
		note_word(n, f->areas[i].vma->end);
		note_word(n, f->areas[i].vma->pgoff / PAGE);
	}
	for (size_t i = 0; i < f->nr_areas; i++) {
		if (!file_name(f, &f->areas[i], &name))
			continue;
		note_bytes(n, name.root, strlen(name.root));
		note_bytes(n, name.path, strlen(name.path));
		note_bytes(n, name.end, strlen(name.end) + 1);
	}
	note_end(n);
}

int file_note(struct notes *n, const struct checkpoint *cp, const struct process *p,
	      struct memory_view *mv, struct error *err)
{
	struct files f = { .n = n };
	f.nr_areas = memory_view_areas(mv, &f.areas);
	int rc = files_read(&f, cp, p, err);
	if (rc == 0)
		put_note(&f);
	free(f.deleted.items);
	free(f.sysv.items);
	return rc;
}
