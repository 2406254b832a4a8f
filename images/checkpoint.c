/* SPDX-License-Identifier: MIT
 * A checkpoint as a whole: the process tree linked up, images of one process read when asked.
 */
#include "images/checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "images/checkpoint-files.h"
#include "images/damage.h"
#include "images/leads.h"
#include "images/message.h"
#include "images/namespace-kind.h"
#include "images/source-kind.h"

#define STATE_DEAD   2 /* task_core_entry.task_state; README of the format */
#define STATE_ZOMBIE 6

struct checkpoint {
	struct source *src;
	InventoryEntry *inventory;
	struct {
		struct process *items; /* in the order of pstree.img */
		size_t nr, cap;
	} processes;
	struct process **tree;     /* the same as printed: parents before children */
	struct process **by_pid;   /* the same sorted; of two with one pid, the first counts */
	struct file_table *files;  /* NULL: not read yet */
	struct error files_damage; /* passed over while files or memfds were read; code 0: none */
	struct {
		MemfdInodeEntry **items;
		size_t nr, cap;
		bool read;
	} memfds;
	uint32_t *looked; /* namespaces whose images were looked for last, by kind */
};

void checkpoint_close(struct checkpoint *cp)
{
	if (!cp)
		return;
	for (size_t i = 0; i < cp->processes.nr; i++)
		pstree_entry__free_unpacked((PstreeEntry *)cp->processes.items[i].entry, NULL);
	free(cp->processes.items);
	free(cp->tree);
	free(cp->by_pid);
	file_table_free(cp->files);
	for (size_t i = 0; i < cp->memfds.nr; i++)
		memfd_inode_entry__free_unpacked(cp->memfds.items[i], NULL);
	free(cp->memfds.items);
	free(cp->looked);
	if (cp->inventory)
		inventory_entry__free_unpacked(cp->inventory, NULL);
	free(cp);
}

static int no_tree(struct source *src, struct error *err)
{
	enum source_kind kind;
	int rc = source_kind(src, &kind, err);
	if (rc < 0)
		return rc;
	if (kind != SOURCE_MEMORY)
		return error_set(err, ENOENT, "%s: no pstree.img, so no checkpoint",
				 source_name(src));
	return error_set(err, ENOENT,
			 "%s: a pre-dump, so no checkpoint: it has memory alone (`crit ls`, `show` "
			 "and `verify` take it) and is the parent of the dump that came after it, "
			 "which `crit squash` makes whole",
			 source_name(src));
}

static int pstree_read(struct checkpoint *cp, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open_typed(cp->src, IMG_PSTREE, 0, &r, err);
	if (rc == -ENOENT)
		return no_tree(cp->src, err);
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		struct process *p = array_add(&cp->processes);
		if (!p)
			return error_set(err, ENOMEM, "pstree.img: out of memory");
		p->entry = (PstreeEntry *)take_ptr(msg);
		p->pid = p->entry->pid;
	}
	return rc;
}

static int pid_compare(const void *a_, const void *b_)
{
	const struct process *a = *(struct process *const *)a_, *b = *(struct process *const *)b_;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a > b) - (a < b);
}

static struct process *process_find(const struct checkpoint *cp, uint32_t pid)
{
	size_t low = array_lower_bound(cp->processes.nr, k, cp->by_pid[k]->pid < pid);
	return low < cp->processes.nr && cp->by_pid[low]->pid == pid ? cp->by_pid[low] : NULL;
}

/* A task whose parent is not in the list, or would be its own ancestor, is a root. */
static bool is_ancestor(const struct process *p, const struct process *of)
{
	for (; of; of = of->parent) {
		if (of == p)
			return true;
	}
	return false;
}

/* Backwards, so that pushing in front leaves siblings in image order. */
static void tree_link(struct checkpoint *cp)
{
	for (size_t i = cp->processes.nr; i-- > 0;) {
		struct process *p = &cp->processes.items[i];
		struct process *parent = p->entry->ppid ? process_find(cp, p->entry->ppid) : NULL;
		/* an ordinary image has parents first: then nothing below p is linked above it */
		if (!parent || (parent >= p && is_ancestor(p, parent)))
			continue;
		p->parent = parent;
		p->next = parent->first_child;
		parent->first_child = p;
	}
}

/* Children before siblings, without recursion: the depth comes from the image. */
static void tree_order(struct checkpoint *cp)
{
	size_t nr = 0;
	for (size_t i = 0; i < cp->processes.nr; i++) {
		struct process *root = &cp->processes.items[i];
		if (root->parent)
			continue;
		for (struct process *p = root; p;) {
			p->depth = p->parent ? p->parent->depth + 1 : 0;
			cp->tree[nr++] = p;
			if (p->first_child) {
				p = p->first_child;
				continue;
			}
			while (p != root && !p->next)
				p = p->parent;
			p = p == root ? NULL : p->next;
		}
	}
}

static int tree_build(struct checkpoint *cp, struct error *err)
{
	size_t nr = cp->processes.nr;
	cp->tree = calloc(nr + 1, sizeof(struct process *));
	cp->by_pid = calloc(nr + 1, sizeof(struct process *));
	if (!cp->tree || !cp->by_pid)
		return error_set(err, ENOMEM, "pstree.img: out of memory");
	for (size_t i = 0; i < nr; i++)
		cp->by_pid[i] = &cp->processes.items[i];
	qsort(cp->by_pid, nr, sizeof(struct process *), pid_compare);
	tree_link(cp);
	tree_order(cp);
	return 0;
}

/* @param images  without a tree these are enough */
static int set_open(struct source *src, bool images, struct checkpoint **out, struct error *err)
{
	auto_checkpoint cp = calloc(1, sizeof(*cp));
	if (!cp || !(cp->looked = calloc(NR_NAMESPACE_KINDS, sizeof(*cp->looked))))
		return error_set(err, ENOMEM, "out of memory");
	cp->src = src;
	ProtobufCMessage *inventory = NULL;
	enum source_kind kind = SOURCE_NO_IMAGES;
	struct error why;
	size_t mark = damage_mark(src);
	int rc = image_read_one(src, IMG_INVENTORY, 0, &inventory, &why);
	if (rc < 0 && rc != -ENOENT) /* old sets have none */
		return error_set(err, -rc, "%s", why.text);
	bool missing = rc == -ENOENT && !damage_since(src, mark);
	cp->inventory = (InventoryEntry *)inventory;
	rc = pstree_read(cp, &why);
	if (rc == 0 && missing) {
		struct error cut;
		damage_noted(src,
			     error_set(&cut, EBADMSG,
				       "inventory.img: missing: the dump did not come to its end"),
			     &cut);
	}
	if (rc == -ENOENT && images && source_kind(src, &kind, &why) == 0 &&
	    kind != SOURCE_NO_IMAGES)
		rc = -EBADMSG;
	if (rc < 0 && !damage_noted(src, rc, &why))
		return error_set(err, -rc, "%s", why.text);
	rc = tree_build(cp, err);
	if (rc < 0)
		return rc;
	*out = take_ptr(cp);
	return 0;
}

int checkpoint_open(struct source *src, struct checkpoint **out, struct error *err)
{
	return set_open(src, false, out, err);
}

int checkpoint_open_images(struct source *src, struct checkpoint **out, struct error *err)
{
	return set_open(src, true, out, err);
}

struct source *checkpoint_source(const struct checkpoint *cp)
{
	return cp->src;
}

const InventoryEntry *checkpoint_inventory(const struct checkpoint *cp)
{
	return cp->inventory;
}

size_t checkpoint_nr_processes(const struct checkpoint *cp)
{
	return cp->processes.nr;
}

const struct process *checkpoint_process(const struct checkpoint *cp, size_t i)
{
	return cp->tree[i];
}

const struct process *checkpoint_listed(const struct checkpoint *cp, size_t i)
{
	return &cp->processes.items[i];
}

size_t checkpoint_place(const struct checkpoint *cp, const struct process *p)
{
	return (size_t)(p - cp->processes.items);
}

const struct process *checkpoint_find(const struct checkpoint *cp, uint32_t pid)
{
	return process_find(cp, pid);
}

int checkpoint_pick(const struct checkpoint *cp, uint32_t pid, const struct process **out,
		    struct error *err)
{
	*out = checkpoint_find(cp, pid);
	if (*out)
		return 0;
	enum source_kind kind;
	int rc = source_kind(cp->src, &kind, err);
	if (rc < 0)
		return rc;
	if (!cp->processes.nr && kind == SOURCE_MEMORY)
		return no_tree(cp->src, err);
	auto_strbuf pids = { 0 };
	for (size_t i = 0; i < cp->processes.nr && i < 16; i++) {
		if (strbuf_printf(&pids, " %u", cp->tree[i]->pid) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	return error_set(err, ENOENT, "%s: no process %u; it has%s%s", source_name(cp->src), pid,
			 pids.len ? pids.data : " none", cp->processes.nr > 16 ? " …" : "");
}

int process_core(const struct checkpoint *cp, uint32_t tid, CoreEntry **out, struct error *err)
{
	struct error why;
	int rc = image_read_one(cp->src, IMG_CORE, tid, (ProtobufCMessage **)out, &why);
	if (rc == -ENOENT && source_damage(cp->src)) {
		/* also when it is missing: who is in pstree.img has one */
		damage_noted(cp->src, -EBADMSG, &why);
		*out = message_new(&core_entry__descriptor);
		return *out ? 0 : error_set(err, ENOMEM, "core-%u.img: out of memory", tid);
	}
	return rc < 0 ? error_set(err, rc, "%s", why.text) : 0;
}

bool core_is_zombie(const CoreEntry *core)
{
	return core->tc &&
	       (core->tc->task_state == STATE_DEAD || core->tc->task_state == STATE_ZOMBIE);
}

/* One whose core cannot be read may be dead. */
bool process_misses(const struct checkpoint *cp, const struct process *p)
{
	auto_message CoreEntry *core = NULL;
	return source_damage(cp->src) && process_find(cp, p->pid) &&
	       process_core(cp, p->pid, &core, NULL) == 0 && core->tc && !core_is_zombie(core);
}

int process_pass(const struct checkpoint *cp, const struct process *p, int rc,
		 const struct error *why, struct error *err)
{
	/* also what is broken was noted already */
	if (rc == -ENOENT && process_misses(cp, p))
		rc = -EBADMSG;
	return damage_pass(cp->src, rc, why, err);
}

static int ids_read(const struct checkpoint *cp, const struct process *p, TaskKobjIdsEntry **out,
		    struct error *err)
{
	struct error why;
	int rc = image_read_one(cp->src, IMG_IDS, p->pid, (ProtobufCMessage **)out, &why);
	if (rc != -ENOENT)
		return rc < 0 ? error_set(err, rc, "%s", why.text) : 0;
	auto_message CoreEntry *core = NULL;
	rc = process_core(cp, p->pid, &core, err);
	if (rc < 0)
		return rc;
	if (!core->ids)
		return process_pass(cp, p, -ENOENT, &why, err);
	*out = take_ptr(core->ids);
	return 0;
}

/* Most processes are in the namespaces of the one before. */
static bool looked(const struct checkpoint *cp, const TaskKobjIdsEntry *ids)
{
	bool same = true;
	for (size_t i = 0; i < NR_NAMESPACE_KINDS; i++) {
		uint32_t id = namespace_id(&namespace_kinds[i], ids);
		same = same && id == cp->looked[i];
		cp->looked[i] = id;
	}
	return same;
}

int process_ids(const struct checkpoint *cp, const struct process *p, TaskKobjIdsEntry **out,
		struct error *err)
{
	int rc = ids_read(cp, p, out, err);
	if (rc == 0 && !looked(cp, *out))
		namespaces_lead(cp->src, *out, cp->inventory ? cp->inventory->root_ids : NULL);
	return rc;
}

int process_fs(const struct checkpoint *cp, const struct process *p, FsEntry **out,
	       struct error *err)
{
	struct error why;
	int rc = image_read_one(cp->src, IMG_FS, p->pid, (ProtobufCMessage **)out, &why);
	return process_pass(cp, p, rc, &why, err);
}

void fd_list_fini(struct fd_list *fds)
{
	for (size_t i = 0; i < fds->nr; i++) {
		if (fds->items[i])
			fdinfo_entry__free_unpacked(fds->items[i], NULL);
	}
	free(fds->items);
	*fds = (struct fd_list){ 0 };
}

int process_fds(const struct checkpoint *cp, const struct process *p, struct fd_list *out,
		struct error *err)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	auto_fd_list fds = { 0 };
	auto_image_reader r = NULL;
	struct error why;
	int rc = process_ids(cp, p, &ids, err);
	if (rc < 0)
		return rc;
	rc = image_open_typed(cp->src, IMG_FDINFO, ids->files_id, &r, &why);
	if (rc == -ENOENT && source_damage(cp->src)) /* who has ids is alive */
		rc = -EBADMSG;
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, &why);
		if (rc <= 0)
			break;
		FdinfoEntry **slot = array_add(&fds);
		if (!slot)
			return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
		*slot = (FdinfoEntry *)take_ptr(msg);
	}
	/* descriptors before the damage are there */
	if (rc < 0 && source_damage(cp->src))
		error_wrap(&why, rc, "pid %u", p->pid);
	if (rc < 0 && !damage_noted(cp->src, rc, &why))
		return error_set(err, rc, "%s", why.text);
	*out = fds;
	fds = (struct fd_list){ 0 };
	return 0;
}

/* Of what was read since: which files it has is not all known then. */
static void damage_keep(struct checkpoint *cp, size_t mark)
{
	const struct error *damage = damage_since(cp->src, mark);
	if (damage)
		cp->files_damage = *damage;
}

const struct error *checkpoint_files_damage(const struct checkpoint *cp)
{
	return damage_noted(cp->src, cp->files_damage.code, &cp->files_damage) ? &cp->files_damage
									       : NULL;
}

static int files_need(struct checkpoint *cp, struct error *err)
{
	if (cp->files)
		return 0;
	size_t mark = damage_mark(cp->src);
	FileEntry *const *items;
	int rc = file_table_read(cp->src, &cp->files, err);
	damage_keep(cp, mark);
	if (rc == 0 && source_damage(cp->src) && !file_table_items(cp->files, &items)) {
		/* who asks for a file is told that there are none */
		auto_image_reader r = NULL;
		struct error why;
		if (image_open_typed(cp->src, IMG_FILES, 0, &r, &why) == -ENOENT)
			error_set(&cp->files_damage, EBADMSG, "%s", why.text);
	}
	return rc;
}

int checkpoint_file(struct checkpoint *cp, FdTypes type, uint32_t id, const FileEntry **out,
		    struct error *err)
{
	int rc = files_need(cp, err);
	if (rc < 0)
		return rc;
	const FileEntry *file = file_table_find(cp->files, type, id);
	if (file)
		*out = file;
	return file != NULL;
}

const struct file_place *checkpoint_file_place(struct checkpoint *cp, FdTypes type, uint32_t id)
{
	return files_need(cp, NULL) < 0 ? NULL : file_table_place(cp->files, type, id);
}

const char *checkpoint_path(struct checkpoint *cp, uint32_t id)
{
	const FileEntry *file = NULL;
	int rc = checkpoint_file(cp, FD_TYPES__REG, id, &file, NULL);
	return rc == 1 && file->reg ? file->reg->name : NULL;
}

ssize_t checkpoint_files(struct checkpoint *cp, FileEntry *const **out, struct error *err)
{
	int rc = files_need(cp, err);
	return rc < 0 ? rc : (ssize_t)file_table_items(cp->files, out);
}

static int memfd_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct checkpoint *cp = ctx;
	MemfdInodeEntry **slot = array_add(&cp->memfds);
	if (!slot)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*slot = (MemfdInodeEntry *)take_ptr(*msg);
	return 0;
}

static int memfds_need(struct checkpoint *cp, struct error *err)
{
	if (cp->memfds.read)
		return 0;
	cp->memfds.read = true;
	size_t mark = damage_mark(cp->src);
	int rc = image_each(cp->src, IMG_MEMFD_INODE, 0, memfd_add, cp, err);
	damage_keep(cp, mark);
	return rc;
}

int checkpoint_memfd(struct checkpoint *cp, uint32_t inode_id, const MemfdInodeEntry **out,
		     struct error *err)
{
	int rc = memfds_need(cp, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < cp->memfds.nr; i++) {
		if (cp->memfds.items[i]->inode_id != inode_id)
			continue;
		*out = cp->memfds.items[i];
		return 1;
	}
	return 0;
}
