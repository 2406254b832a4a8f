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
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/vfs.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/files/file.h"
#include "engine/mem/fill.h"
#include "engine/mem/huge.h"
#include "engine/mem/shmem.h"
#include "engine/ns/ipc.h"
#include "engine/ns/nested.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "ipc.pb-c.h"

#ifndef SHM_DEST
#define SHM_DEST 01000 /* goes with the last that detaches it */
#endif

struct sysv_seen {
	struct sysv_info info;
	uint32_t ns;    /* its IPC namespace, as images number it */
	uint64_t shmid; /* of the images: its id, or another one where that is taken */
	uint32_t huge;  /* SHM_HUGETLB and the size, or 0 */
};
struct sysv_table {
	struct sysv_seen *items;
	size_t nr, cap;
};

struct sysv_entry {     /* of an image */
	IpcShmEntry *e; /* owned */
	int ns;         /* its IPC namespace, borrowed; -1: where the coordinator is */
};
struct sysv_made {
	uint64_t shmid;
	int id, ns; /* as of the entry */
	bool created, dest;
};
struct sysv_set {
	struct sysv_made *items;
	size_t nr, cap;
	struct sysv_entry *entries;
	size_t nr_entries, cap_entries;
	int root,
	    loading; /* namespaces: that of the root task, if it is the tree's own; being read */
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

static const struct sysv_seen *find(const struct dump *d, uint32_t ns, uint64_t id)
{
	for (size_t i = 0; d->sysv && i < d->sysv->nr; i++)
		if ((uint64_t)d->sysv->items[i].info.id == id && d->sysv->items[i].ns == ns)
			return &d->sysv->items[i];
	return NULL;
}

uint64_t sysv_size(const struct dump *d, uint64_t shmid)
{
	for (size_t i = 0; d->sysv && i < d->sysv->nr; i++)
		if (d->sysv->items[i].shmid == shmid)
			return d->sysv->items[i].info.size;
	return 0;
}

/* In the namespace of the root, whose segments keep their ids in images. */
static const struct sysv_seen *note(struct dump *d, const struct sysv_info *info, uint32_t ns,
				    uint32_t huge, struct error *err)
{
	bool root = ns == ns_id(d->tasks[0], NS_IPC);
	uint64_t shmid = root ? (uint64_t)info->id : shmem_choose_id(d->shmem, (ino_t)info->id);
	if (!d->sysv)
		d->sysv = calloc(1, sizeof(*d->sysv));
	struct sysv_seen *s = d->sysv ? array_add(d->sysv) : NULL;
	if (!s) {
		error_set(err, ENOMEM, "out of memory for System V segments");
		return NULL;
	}
	*s = (struct sysv_seen){ .info = *info, .ns = ns, .shmid = shmid, .huge = huge };
	return s;
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

/* Is the file behind a mapping that one? A lock on the one is in the way of another one's. */
static int is_behind(const struct task *t, const struct vma *v, int segment, struct error *err)
{
	char name[64];
	snprintf(name, sizeof(name), "map_files/%lx-%lx", (unsigned long)v->start,
		 (unsigned long)v->end);
	auto_fd fd = openat(t->proc_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /proc/%d/%s", t->pid, name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, "lock it, to tell it from others");
	if (flock(segment, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : error_sys(err, "lock System V segment");
}

/* In an IPC namespace. @return 1: it is of that one */
static int look_for(const struct task *t, const struct vma *v, struct sysv_info *info,
		    struct error *err)
{
	if (!sysv_exists(v->ino, info))
		return 0;
	auto_fd fd = open_contents(info->id, info->size, err);
	return fd < 0 ? fd : is_behind(t, v, fd, err);
}

static int look_in(const struct ns_seen *ns, const struct task *t, const struct vma *v,
		   struct sysv_info *info, struct error *err)
{
	struct ns_visit visit;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = look_for(t, v, info, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return back < 0 && rc >= 0 ? back : rc;
}

/* A mapping stays when its task goes into another namespace.
 * @return 1 with its namespace and what it is; 0: there is none */
static int find_out(const struct dump *d, const struct task *t, const struct vma *v, uint32_t *ns,
		    struct sysv_info *info, struct error *err)
{
	int rc = 0;
	*ns = ns_id(t, NS_IPC);
	if (!ns_are_several(d, NS_IPC))
		return sysv_exists(v->ino, info);
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++) {
		if (d->ns->items[i].kind != NS_IPC)
			continue;
		*ns = d->ns->items[i].id;
		rc = look_in(&d->ns->items[i], t, v, info, err);
	}
	return rc;
}

int sysv_note(struct dump *d, const struct task *t, struct vma *v, struct error *err)
{
	struct sysv_info info;
	uint32_t ns;
	int rc = find_out(d, t, v, &ns, &info, err);
	if (rc == 0)
		rc = error_set(err, ENOENT,
			       "it is of no IPC namespace that a task of the tree is in");
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT ": mapping %#lx: System V segment %lu",
				  TASK_ARGS(t), (unsigned long)v->start, (unsigned long)v->ino);
	uint32_t huge = v->flags & MAP_HUGETLB ? SHM_HUGETLB | (v->flags & HUGE_MASK) : 0;
	const struct sysv_seen *s = find(d, ns, v->ino);
	if (!s)
		s = note(d, &info, ns, huge, err);
	if (s)
		v->shmid = s->shmid;
	return s ? 0 : -ENOMEM;
}

struct detached {
	struct sysv_info info;
	struct stat st;
	uint64_t huge;
	int fd;
};
struct detached_list {
	struct detached *items;
	size_t nr, cap;
};

static int open_detached(const struct sysv_info *info, struct detached_list *list,
			 struct error *err)
{
	struct stat st;
	struct statfs fs;
	auto_fd fd = open_contents(info->id, info->size, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return error_sys(err, "look at System V segment %d", info->id);
	struct detached *slot = array_add(list);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory for System V segments");
	*slot = (struct detached){ .info = *info,
				   .st = st,
				   .huge = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : 0,
				   .fd = take_fd(fd) };
	return 0;
}

/* In that namespace. */
static int list_detached(const struct dump *d, uint32_t ns, struct detached_list *list,
			 struct error *err)
{
	struct shm_info all;
	struct shmid_ds ds;
	struct sysv_info info;
	int rc = 0, last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&all);
	if (last < 0)
		return error_sys(err, "list System V segments");
	for (int i = 0; rc == 0 && i <= last; i++) {
		int id = shmctl(i, SHM_STAT, &ds);
		if (id >= 0 && !find(d, ns, (uint64_t)id) && sysv_exists((uint64_t)id, &info))
			rc = open_detached(&info, list, err);
	}
	return rc;
}

static int note_detached(struct dump *d, uint32_t ns, struct detached *it, struct error *err)
{
	uint32_t flag = it->huge ? SHM_HUGETLB | huge_flag(it->huge) : 0;
	const struct sysv_seen *s = note(d, &it->info, ns, flag, err);
	return s ? shmem_note_sysv(d, &it->st, take_fd(it->fd), it->huge, s->shmid, err) : -ENOMEM;
}

int sysv_note_detached(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct detached_list list = { 0 };
	struct ns_visit visit;
	uint32_t id = ns->id;
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = list_detached(d, id, &list, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : back;
	for (size_t i = 0; rc == 0 && i < list.nr; i++)
		rc = note_detached(d, id, &list.items[i], err);
	for (size_t i = 0; i < list.nr; i++)
		fd_close(list.items[i].fd);
	free(list.items);
	return rc;
}

int sysv_collect(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->ns->nr; i++)
		if (d->ns->items[i].kind == NS_IPC && !d->ns->items[i].own)
			rc = sysv_note_detached(d, &d->ns->items[i], err);
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
	e.has_shmid = s->shmid != (uint64_t)s->info.id;
	e.shmid = (uint32_t)s->shmid;
	return image_write(w, &e.base, err);
}

static bool has_any(const struct dump *d, uint32_t ns)
{
	for (size_t i = 0; d->sysv && i < d->sysv->nr; i++)
		if (d->sysv->items[i].ns == ns)
			return true;
	return false;
}

static int write_of(const struct dump *d, uint32_t ns, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_IPCNS_SHM, ns, &w, err);
	for (size_t i = 0; rc == 0 && d->sysv && i < d->sysv->nr; i++)
		if (d->sysv->items[i].ns == ns)
			rc = write_segment(d, w, &d->sysv->items[i], err);
	return rc < 0 ? rc : image_finish(w, err);
}

int sysv_write(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && d->ns && i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		if (ns->kind == NS_IPC && (!ns->own || has_any(d, ns->id)))
			rc = write_of(d, ns->id, err);
	}
	return rc;
}

/* Restore. */

void sysv_keep(struct sysv_set *set)
{
	if (set)
		set->kept = true;
}

/* The coordinator is back where it came from. */
static void drop(const struct sysv_set *set, const struct sysv_made *made)
{
	struct error err;
	struct ns_visit visit;
	int rc = ns_visit_if(made->ns < 0 ? set->root : made->ns, NS_IPC, &visit, &err);
	if (rc == 0) {
		shmctl(made->id, IPC_RMID, NULL);
		rc = ns_visit_end(&visit, &err);
	}
	if (rc < 0)
		log_warn("System V segment %d stays: %s", made->id, err.text);
}

void sysv_set_free(struct sysv_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++)
		if (set->items[i].dest || (set->items[i].created && !set->kept))
			drop(set, &set->items[i]);
	for (size_t i = 0; i < set->nr_entries; i++)
		ipc_shm_entry__free_unpacked(set->entries[i].e, NULL);
	fd_close(set->root);
	free(set->items);
	free(set->entries);
	free(set);
}

static uint64_t shmid_of(const IpcShmEntry *e)
{
	return e->has_shmid ? e->shmid : e->desc->id;
}

static const struct sysv_entry *entry_of(const struct sysv_set *set, uint64_t shmid)
{
	for (size_t i = 0; i < set->nr_entries; i++)
		if (shmid_of(set->entries[i].e) == shmid)
			return &set->entries[i];
	return NULL;
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
	if (entry_of(set, shmid_of(e)))
		return error_set(err, EBADMSG, "ipcns-shm: two segments are number %lu",
				 (unsigned long)shmid_of(e));
	struct sysv_entry *grown =
	    array_grow_(set->entries, &set->cap_entries, set->nr_entries + 1, sizeof(*grown));
	if (!grown)
		return error_set(err, ENOMEM, "out of memory for System V segments");
	set->entries = grown;
	grown[set->nr_entries++] =
	    (struct sysv_entry){ .e = (IpcShmEntry *)take_ptr(*msg), .ns = set->loading };
	return 0;
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

static int fill(struct restore *r, int id, const IpcShmEntry *e, struct error *err)
{
	char name[80];
	uint64_t size = e->size;
	uint32_t huge = e->has_hugetlb_flag ? e->hugetlb_flag : 0;
	uint64_t page = huge ? huge_size(huge) : PAGE;
	uint64_t whole = (size + page - 1) / page * page;
	char *at = shmat(id, NULL, 0);
	if (at == (char *)-1)
		return error_sys(err, "attach System V segment %d", id);
	snprintf(name, sizeof(name), "self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + (unsigned long)whole);
	auto_fd fd = procfs_open(name, O_RDWR);
	int rc = fd < 0 ? error_sys(err, "open System V segment %d", id)
			: fill_segment(r->images, shmid_of(e), fd, whole, huge != 0, err);
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

/* In its namespace. @param e  NULL: no image describes it */
static int make_one(struct restore *r, const IpcShmEntry *e, struct sysv_made *made,
		    struct error *err)
{
	struct sysv_info now = { 0 };
	struct shmid_ds ds;
	bool found = sysv_exists((uint64_t)made->id, &now);
	if (!found && !e)
		return error_set(err, ENOENT,
				 "System V segment %d is gone, and no image describes it",
				 made->id);
	int rc = !e ? 0 : found ? check_found(e, &now, err) : create(r, e, err);
	if (rc < 0)
		return rc;
	made->created = !found;
	made->dest = e && (e->desc->mode & SHM_DEST);
	if (e && (!found || (shmctl(made->id, IPC_STAT, &ds) == 0 && !ds.shm_nattch)))
		return fill(r, made->id, e, err);
	log_info("System V segment %d is in use: its contents are left alone", made->id);
	return 0;
}

static int prepare_one(struct restore *r, uint64_t shmid, struct error *err)
{
	struct sysv_set *set = r->sysv;
	struct ns_visit visit;
	for (size_t i = 0; i < set->nr; i++)
		if (set->items[i].shmid == shmid)
			return 0;
	const struct sysv_entry *entry = entry_of(set, shmid);
	struct sysv_made *made = array_add(set);
	if (!made)
		return error_set(err, ENOMEM, "out of memory for System V segments");
	*made = (struct sysv_made){ .shmid = shmid,
				    .id = entry ? (int)entry->e->desc->id : (int)shmid,
				    .ns = entry ? entry->ns : -1 };
	int rc = ns_visit_if(made->ns, NS_IPC, &visit, err);
	if (rc < 0)
		return rc;
	rc = make_one(r, entry ? entry->e : NULL, made, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

static int load_of(struct restore *r, uint32_t ns, bool own, struct error *err)
{
	r->sysv->loading = ns_nested_fd(r, NS_IPC, ns);
	int rc = image_each(r->images, IMG_IPCNS_SHM, ns, load_entry, r->sysv, err);
	return rc == -ENOENT && (own || ns_has_nested(r)) ? 0 : rc;
}

/* The namespace is kept for the end, when the coordinator has left it. */
static int keep_root(struct restore *r, struct error *err)
{
	if (!ns_restores(r, NS_IPC))
		return 0;
	auto_fd fd = procfs_open("self/ns/ipc", O_RDONLY);
	if (fd < 0)
		return error_sys(err, "open /proc/self/ns/ipc");
	int kept = files_keep(r, fd, err);
	if (kept < 0)
		return kept;
	(void)take_fd(fd);
	r->sysv->root = kept;
	return 0;
}

static int load(struct restore *r, struct error *err)
{
	if (r->sysv)
		return 0;
	r->sysv = calloc(1, sizeof(*r->sysv));
	if (!r->sysv)
		return error_set(err, ENOMEM, "out of memory");
	r->sysv->root = -1;
	int rc = keep_root(r, err);
	if (rc == 0)
		rc = load_of(r, r->root->ids->ipc_ns_id, ns_restores(r, NS_IPC), err);
	size_t at = 0;
	uint32_t id;
	while (rc == 0 && ns_nested_next(r, NS_IPC, &at, &id))
		rc = load_of(r, id, true, err);
	return rc;
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
	bool own = ns_restores(r, NS_IPC);
	int rc = own || ns_has_nested(r) ? load(r, err) : 0;
	/* a namespace has also those that nobody has attached */
	for (size_t i = 0; rc == 0 && r->sysv && i < r->sysv->nr_entries; i++)
		if (own || r->sysv->entries[i].ns >= 0)
			rc = prepare_one(r, shmid_of(r->sysv->entries[i].e), err);
	return rc < 0 ? rc : prepare_attached(r, err);
}

/* All of it, somewhere; the part that was mapped goes to its place, the rest away again. */
static int attach(const struct vma *v, int id, struct error *err)
{
	struct sysv_info now;
	uint64_t page = v->flags & MAP_HUGETLB ? huge_size(v->flags) : PAGE;
	if (!sysv_exists((uint64_t)id, &now))
		return error_sys(err, "System V segment %d", id);
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

int sysv_attach(const struct restore *r, const struct vma *v, struct error *err)
{
	const struct sysv_entry *entry = r->sysv ? entry_of(r->sysv, v->shmid) : NULL;
	struct ns_visit visit;
	if (!entry && v->shmid > INT32_MAX)
		return error_set(err, EBADMSG, "System V segment %lu", (unsigned long)v->shmid);
	int rc = ns_visit_if(entry ? entry->ns : -1, NS_IPC, &visit, err);
	if (rc < 0)
		return rc;
	rc = attach(v, entry ? (int)entry->e->desc->id : (int)v->shmid, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}
