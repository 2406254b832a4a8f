/* SPDX-License-Identifier: MIT
 * System V shared memory: a segment lives on without processes, so a restore mostly finds it where
 * it was; else it is made again, with its id, key, owner and contents.
 */
#include "engine/mem/sysv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/vfs.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/mem/fill.h"
#include "engine/mem/huge.h"
#include "engine/mem/shmem.h"
#include "engine/ns/ipc.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "ipc.pb-c.h"

#define PAGE 4096ull

#ifndef SHM_DEST
#define SHM_DEST 01000 /* goes with the last that detaches it */
#endif

struct sysv_seen {
	struct sysv_info info;
	uint32_t huge; /* SHM_HUGETLB and the size, or 0 */
};
struct sysv_table {
	struct sysv_seen *items;
	size_t nr, cap;
};

struct sysv_made {
	int id;
	bool created, dest;
};
struct sysv_set {
	struct sysv_made *items;
	size_t nr, cap;
	IpcShmEntry **entries; /* of the image, owned */
	size_t nr_entries, cap_entries;
	bool kept;
};

bool sysv_exists(uint64_t id, struct sysv_info *out)
{
	struct shmid_ds ds;
	if (id > INT32_MAX || shmctl((int)id, IPC_STAT, &ds) < 0)
		return false;
	if (out)
		*out = (struct sysv_info){ .id = (int)id,
					   .key = ds.shm_perm.__key,
					   .size = ds.shm_segsz,
					   .uid = ds.shm_perm.uid,
					   .gid = ds.shm_perm.gid,
					   .cuid = ds.shm_perm.cuid,
					   .cgid = ds.shm_perm.cgid,
					   .mode = ds.shm_perm.mode };
	return true;
}

void sysv_table_free(struct sysv_table *table)
{
	if (table)
		free(table->items);
	free(table);
}

static bool is_noted(const struct dump *d, uint64_t id)
{
	for (size_t i = 0; d->sysv && i < d->sysv->nr; i++)
		if ((uint64_t)d->sysv->items[i].info.id == id)
			return true;
	return false;
}

static int note(struct dump *d, const struct sysv_info *info, uint32_t huge, struct error *err)
{
	if (!d->sysv)
		d->sysv = calloc(1, sizeof(*d->sysv));
	struct sysv_seen *s = d->sysv ? array_add(d->sysv) : NULL;
	if (!s)
		return error_set(err, ENOMEM, "out of memory for System V segments");
	*s = (struct sysv_seen){ .info = *info, .huge = huge };
	return 0;
}

int sysv_note(struct dump *d, const struct task *t, const struct vma *v, struct error *err)
{
	struct sysv_info info;
	if (is_noted(d, v->ino))
		return 0;
	if (!sysv_exists(v->ino, &info))
		return error_sys(err, "pid %d: mapping %#lx: System V segment %lu", t->pid,
				 (unsigned long)v->start, (unsigned long)v->ino);
	uint32_t huge = v->flags & MAP_HUGETLB ? SHM_HUGETLB | (v->flags & HUGE_MASK) : 0;
	return note(d, &info, huge, err);
}

/* The file behind a segment: through a mapping of ours. */
static int open_contents(int id, uint64_t size, struct error *err)
{
	char name[80];
	char *at = shmat(id, NULL, SHM_RDONLY);
	if (at == (char *)-1)
		return error_sys(err, "attach System V segment %d", id);
	int fd = -1;
	static const uint64_t pages[] = { PAGE, 2ull << 20,
					  1ull << 30 }; /* it may have huge ones */
	for (size_t i = 0; fd < 0 && i < ARRAY_SIZE(pages); i++) {
		uint64_t end =
		    (uint64_t)(uintptr_t)at + (size + pages[i] - 1) / pages[i] * pages[i];
		snprintf(name, sizeof(name), "self/map_files/%lx-%lx", (unsigned long)at,
			 (unsigned long)end);
		fd = procfs_open(name, O_RDONLY);
	}
	if (fd < 0)
		fd = error_sys(err, "open System V segment %d", id);
	shmdt(at);
	return fd;
}

static int note_detached(struct dump *d, const struct sysv_info *info, struct error *err)
{
	struct stat st;
	struct statfs fs;
	uint64_t id;
	auto_fd fd = open_contents(info->id, info->size, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return error_sys(err, "look at System V segment %d", info->id);
	uint64_t huge = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : 0;
	uint32_t flag = huge ? SHM_HUGETLB | huge_flag(huge) : 0;
	int rc = note(d, info, flag, err);
	return rc < 0 ? rc : shmem_note_file(d, &st, take_fd(fd), huge, true, &id, err);
}

int sysv_note_detached(struct dump *d, struct error *err)
{
	struct shm_info all;
	struct shmid_ds ds;
	struct sysv_info info;
	int rc = 0, last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&all);
	if (last < 0)
		return error_sys(err, "list System V segments");
	for (int i = 0; rc == 0 && i <= last; i++) {
		int id = shmctl(i, SHM_STAT, &ds);
		if (id >= 0 && !is_noted(d, (uint64_t)id) && sysv_exists((uint64_t)id, &info))
			rc = note_detached(d, &info, err);
	}
	return rc;
}

static int write_segment(const struct dump *d, struct image_writer *w, const struct sysv_seen *s,
			 struct error *err)
{
	IpcShmEntry e = IPC_SHM_ENTRY__INIT;
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	e.desc = &desc;
	desc.key = (uint32_t)s->info.key;
	desc.uid = id_inside(d->users, ID_USER, s->info.uid);
	desc.gid = id_inside(d->users, ID_GROUP, s->info.gid);
	desc.cuid = id_inside(d->users, ID_USER, s->info.cuid);
	desc.cgid = id_inside(d->users, ID_GROUP, s->info.cgid);
	desc.mode = s->info.mode;
	desc.id = (uint32_t)s->info.id;
	e.size = s->info.size;
	e.has_in_pagemaps = e.in_pagemaps = true;
	e.has_hugetlb_flag = s->huge != 0;
	e.hugetlb_flag = s->huge;
	return image_write(w, &e.base, err);
}

int sysv_write(struct dump *d, struct error *err)
{
	auto_image_writer w = NULL;
	if (!d->sysv && !ns_is_apart(d, NS_IPC))
		return 0;
	int rc = image_create(d->images_fd, IMG_IPCNS_SHM, ns_id(d->tasks[0], NS_IPC), &w, err);
	for (size_t i = 0; rc == 0 && d->sysv && i < d->sysv->nr; i++)
		rc = write_segment(d, w, &d->sysv->items[i], err);
	return rc < 0 ? rc : image_finish(w, err);
}

/* Restore. */

void sysv_keep(struct sysv_set *set)
{
	if (set)
		set->kept = true;
}

void sysv_set_free(struct sysv_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++)
		if (set->items[i].dest || (set->items[i].created && !set->kept))
			shmctl(set->items[i].id, IPC_RMID, NULL);
	for (size_t i = 0; i < set->nr_entries; i++)
		ipc_shm_entry__free_unpacked(set->entries[i], NULL);
	free(set->items);
	free(set->entries);
	free(set);
}

static int load_entry(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	struct sysv_set *set = ctx;
	const IpcShmEntry *e = (const IpcShmEntry *)*msg;
	(void)in;
	if (e->desc->id > INT32_MAX || e->size > (uint64_t)INT64_MAX - HUGE_MAX ||
	    !e->has_in_pagemaps || !e->in_pagemaps)
		return error_set(err, EBADMSG,
				 "ipcns-shm: segment %u of %lu bytes, or without page maps",
				 e->desc->id, (unsigned long)e->size);
	IpcShmEntry **entries = array_grow_(set->entries, &set->cap_entries, set->nr_entries + 1,
					    sizeof(IpcShmEntry *));
	if (!entries)
		return error_set(err, ENOMEM, "out of memory for System V segments");
	set->entries = entries;
	entries[set->nr_entries++] = (IpcShmEntry *)take_ptr(*msg);
	return 0;
}

static const IpcShmEntry *entry_of(const struct sysv_set *set, uint64_t id)
{
	for (size_t i = 0; i < set->nr_entries; i++)
		if (set->entries[i]->desc->id == id)
			return set->entries[i];
	return NULL;
}

static int create(const struct restore *r, const IpcShmEntry *e, struct error *err)
{
	int rc = ipc_choose_id("shm", e->desc->id, err);
	if (rc < 0)
		return rc;
	int flags = IPC_CREAT | IPC_EXCL | (int)(e->desc->mode & 0777) |
		    (int)(e->has_hugetlb_flag ? e->hugetlb_flag : 0);
	key_t key = e->desc->mode & SHM_DEST ? IPC_PRIVATE : (key_t)e->desc->key;
	int id = shmget(key, e->size, flags);
	if (id < 0)
		return error_sys(err, "make System V segment %u (key %#x) of %lu bytes",
				 e->desc->id, e->desc->key, (unsigned long)e->size);
	struct shmid_ds ds;
	if (id == (int)e->desc->id && shmctl(id, IPC_STAT, &ds) == 0) {
		ds.shm_perm.uid = id_outside(r->users, ID_USER, e->desc->uid);
		ds.shm_perm.gid = id_outside(r->users, ID_GROUP, e->desc->gid);
		ds.shm_perm.mode = e->desc->mode & 0777;
		if (shmctl(id, IPC_SET, &ds) == 0)
			return 0;
	}
	rc = id == (int)e->desc->id
		 ? error_sys(err, "set the owner of System V segment %u", e->desc->id)
		 : error_set(
		       err, EEXIST,
		       "System V segment %u cannot have its id, another one has it: remove that "
		       "(ipcrm -m), or restore in an IPC namespace of its own",
		       e->desc->id);
	shmctl(id, IPC_RMID, NULL);
	return rc;
}

static int fill(struct restore *r, int id, uint64_t size, uint32_t huge, struct error *err)
{
	char name[80];
	uint64_t page = huge ? huge_size(huge) : PAGE;
	uint64_t whole = (size + page - 1) / page * page;
	char *at = shmat(id, NULL, 0);
	if (at == (char *)-1)
		return error_sys(err, "attach System V segment %d", id);
	snprintf(name, sizeof(name), "self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + (unsigned long)whole);
	auto_fd fd = procfs_open(name, O_RDWR);
	int rc = fd < 0 ? error_sys(err, "open System V segment %d", id)
			: fill_segment(r->images, (uint64_t)id, fd, whole, huge != 0, err);
	shmdt(at);
	return rc;
}

/* Is what the kernel has by that id what the images mean? */
static int check_found(const IpcShmEntry *e, const struct sysv_info *now, struct error *err)
{
	if ((now->key == (int)e->desc->key || (e->desc->mode & SHM_DEST)) && now->size == e->size)
		return 0;
	return error_set(err, EEXIST,
			 "System V segment %d exists, but is another one (key %#x, %lu bytes; was "
			 "%#x, %lu): remove it (ipcrm -m %d) and restore again",
			 now->id, (unsigned)now->key, (unsigned long)now->size, e->desc->key,
			 (unsigned long)e->size, now->id);
}

static int prepare_one(struct restore *r, uint64_t shmid, struct error *err)
{
	struct sysv_set *set = r->sysv;
	struct sysv_info now = { 0 };
	struct shmid_ds ds;
	for (size_t i = 0; i < set->nr; i++)
		if ((uint64_t)set->items[i].id == shmid)
			return 0;
	const IpcShmEntry *e = entry_of(set, shmid);
	bool found = sysv_exists(shmid, &now);
	if (!found && !e)
		return error_set(err, ENOENT,
				 "System V segment %lu is gone, and no image describes it",
				 (unsigned long)shmid);
	int rc = !e ? 0 : found ? check_found(e, &now, err) : create(r, e, err);
	struct sysv_made *made = rc == 0 ? array_add(set) : NULL;
	if (!made)
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory for System V segments");
	*made = (struct sysv_made){ .id = (int)shmid,
				    .created = !found,
				    .dest = e && (e->desc->mode & SHM_DEST) };
	if (!e || (found && (shmctl(made->id, IPC_STAT, &ds) < 0 || ds.shm_nattch))) {
		log_info("System V segment %d is in use: its contents are left alone", made->id);
		return 0;
	}
	return fill(r, made->id, e->size, e->has_hugetlb_flag ? e->hugetlb_flag : 0, err);
}

static int load(struct restore *r, struct error *err)
{
	if (r->sysv)
		return 0;
	r->sysv = calloc(1, sizeof(*r->sysv));
	if (!r->sysv)
		return error_set(err, ENOMEM, "out of memory");
	int rc =
	    image_each(r->images, IMG_IPCNS_SHM, r->root->ids->ipc_ns_id, load_entry, r->sysv, err);
	return rc == -ENOENT && ns_restores(r, NS_IPC) ? 0 : rc;
}

static int prepare_attached(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t j = 0; rc == 0 && j < r->tasks[i]->vmas.nr; j++) {
			const struct vma *v = &r->tasks[i]->vmas.items[j];
			if (!(v->status & VMA_AREA_SYSVIPC))
				continue;
			rc = load(r, err);
			if (rc == 0)
				rc = prepare_one(r, v->shmid, err);
		}
	return rc;
}

int sysv_prepare(struct restore *r, struct error *err)
{
	int rc = ns_restores(r, NS_IPC) ? load(r, err) : 0;
	/* a namespace has also those that nobody has attached */
	for (size_t i = 0; rc == 0 && r->sysv && i < r->sysv->nr_entries; i++)
		rc = prepare_one(r, r->sysv->entries[i]->desc->id, err);
	return rc < 0 ? rc : prepare_attached(r, err);
}

/* All of it, somewhere; the part that was mapped goes to its place, the rest away again. */
int sysv_attach(const struct vma *v, struct error *err)
{
	struct sysv_info now;
	uint64_t page = v->flags & MAP_HUGETLB ? huge_size(v->flags) : PAGE;
	if (!sysv_exists(v->shmid, &now))
		return error_sys(err, "System V segment %lu", (unsigned long)v->shmid);
	uint64_t size = (now.size + page - 1) / page * page, end = v->pgoff + vma_len(v);
	if (end > size)
		return error_set(err, EBADMSG,
				 "System V segment %d of %lu bytes is mapped up to %lu", now.id,
				 (unsigned long)now.size, (unsigned long)end);
	char *at = shmat(now.id, NULL, v->prot & PROT_EXEC ? SHM_EXEC : 0);
	if (at == (char *)-1)
		return error_sys(err, "attach System V segment %d", now.id);
	void *to = (void *)(uintptr_t)v->premapped;
	if (mremap(at + v->pgoff, vma_len(v), vma_len(v), MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	    MAP_FAILED)
		return error_sys(err, "move System V segment %d", now.id);
	if ((v->pgoff && munmap(at, v->pgoff) < 0) ||
	    (end < size && munmap(at + end, size - end) < 0))
		return error_sys(err, "unmap the rest of System V segment %d", now.id);
	if (mprotect(to, vma_len(v), (int)v->prot) < 0)
		return error_sys(err, "protect System V segment %d", now.id);
	return 0;
}
