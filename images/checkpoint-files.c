/* SPDX-License-Identifier: MIT
 * The open files of a checkpoint by type and id: files.img, or the image per type before it.
 */
#include "images/checkpoint-files.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/reader.h"

struct file_table {
	FileEntry **items;
	size_t nr, cap;
	struct {
		struct file_place *items; /* as many, in the same order */
		size_t nr, cap;
	} places;
};

/* Images of one type each, until CRIU 3.3: what wraps their entries into a file_entry. */
static const struct old_image {
	enum image_id image;
	FdTypes type;
	size_t member; /* of FileEntry */
} old_images[] = {
	{ IMG_REG_FILES, FD_TYPES__REG, offsetof(FileEntry, reg) },
	{ IMG_EXT_FILES, FD_TYPES__EXT, offsetof(FileEntry, ext) },
	{ IMG_NS_FILES, FD_TYPES__NS, offsetof(FileEntry, nsf) },
	{ IMG_EVENTFD_FILE, FD_TYPES__EVENTFD, offsetof(FileEntry, efd) },
	{ IMG_EVENTPOLL_FILE, FD_TYPES__EVENTPOLL, offsetof(FileEntry, epfd) },
	{ IMG_SIGNALFD, FD_TYPES__SIGNALFD, offsetof(FileEntry, sgfd) },
	{ IMG_INOTIFY_FILE, FD_TYPES__INOTIFY, offsetof(FileEntry, ify) },
	{ IMG_FANOTIFY_FILE, FD_TYPES__FANOTIFY, offsetof(FileEntry, ffy) },
	{ IMG_PIPES, FD_TYPES__PIPE, offsetof(FileEntry, pipe) },
	{ IMG_FIFO, FD_TYPES__FIFO, offsetof(FileEntry, fifo) },
	{ IMG_UNIXSK, FD_TYPES__UNIXSK, offsetof(FileEntry, usk) },
	{ IMG_INETSK, FD_TYPES__INETSK, offsetof(FileEntry, isk) },
	{ IMG_PACKETSK, FD_TYPES__PACKETSK, offsetof(FileEntry, psk) },
	{ IMG_NETLINK_SK, FD_TYPES__NETLINKSK, offsetof(FileEntry, nlsk) },
	{ IMG_TTY_FILES, FD_TYPES__TTY, offsetof(FileEntry, tty) },
	{ IMG_TUNFILE, FD_TYPES__TUNF, offsetof(FileEntry, tunf) },
	{ IMG_TIMERFD, FD_TYPES__TIMERFD, offsetof(FileEntry, tfd) },
	{ IMG_BPFMAP_FILE, FD_TYPES__BPFMAP, offsetof(FileEntry, bpf) },
	{ IMG_PIDFD, FD_TYPES__PIDFD, offsetof(FileEntry, pidfd) },
};

void file_table_free(struct file_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->nr; i++) {
		if (table->items[i])
			protobuf_c_message_free_unpacked(&table->items[i]->base, NULL);
	}
	free(table->items);
	free(table->places.items);
	free(table);
}

/* Every entry starts with its id: the first field of each message a file_entry can hold. */
static FileEntry *entry_wrap(const struct old_image *old, ProtobufCMessage *msg)
{
	const ProtobufCFieldDescriptor *id =
	    protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "id");
	FileEntry *file = id ? malloc(sizeof(*file)) : NULL;
	if (!file)
		return NULL;
	file_entry__init(file);
	file->type = old->type;
	file->id = *(uint32_t *)((char *)msg + id->offset);
	*(ProtobufCMessage **)((char *)file + old->member) = msg;
	return file;
}

struct addition {
	struct file_table *table;
	const struct old_image *old; /* NULL: entries are file_entry messages */
};

static int entry_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct addition *to = ctx;
	struct file_place *place = array_add(&to->table->places);
	FileEntry **slot = place ? array_add(to->table) : NULL;
	FileEntry *file = !slot ? NULL : to->old ? entry_wrap(to->old, *msg) : (FileEntry *)*msg;
	if (!file)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*slot = file;
	*place = (struct file_place){ to->old ? to->old->image : IMG_FILES, image_reader_entry(r) };
	*msg = NULL;
	return 0;
}

struct sort_key {
	FileEntry *file;
	struct file_place place;
	size_t order;
};

static int key_compare(const void *a_, const void *b_)
{
	const struct sort_key *a = a_, *b = b_;
	if (a->file->type != b->file->type)
		return a->file->type < b->file->type ? -1 : 1;
	if (a->file->id != b->file->id)
		return a->file->id < b->file->id ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int table_sort(struct file_table *table)
{
	auto_free struct sort_key *keys = calloc(table->nr + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < table->nr; i++)
		keys[i] = (struct sort_key){ table->items[i], table->places.items[i], i };
	qsort(keys, table->nr, sizeof(*keys), key_compare);
	for (size_t i = 0; i < table->nr; i++) {
		table->items[i] = keys[i].file;
		table->places.items[i] = keys[i].place;
	}
	return 0;
}

static void table_cleanup(struct file_table **table)
{
	file_table_free(*table);
}

int file_table_read(struct source *src, struct file_table **out, struct error *err)
{
	__attribute__((cleanup(table_cleanup))) struct file_table *table =
	    calloc(1, sizeof(*table));
	if (!table)
		return error_set(err, ENOMEM, "files.img: out of memory");
	struct addition to = { table, NULL };
	int rc = image_each(src, IMG_FILES, 0, entry_add, &to, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(old_images); i++) {
		to.old = &old_images[i];
		rc = image_each(src, to.old->image, 0, entry_add, &to, err);
	}
	if (rc == 0 && table_sort(table) < 0)
		rc = error_set(err, ENOMEM, "files.img: out of memory");
	if (rc == 0)
		*out = take_ptr(table);
	return rc;
}

/* @return its index, or table->nr */
static size_t table_find(const struct file_table *table, FdTypes type, uint32_t id)
{
	FileEntry *const *items = table->items;
	size_t low = array_lower_bound(
	    table->nr, k, items[k]->type < type || (items[k]->type == type && items[k]->id < id));
	if (low < table->nr && items[low]->type == type && items[low]->id == id)
		return low;
	return table->nr;
}

const FileEntry *file_table_find(const struct file_table *table, FdTypes type, uint32_t id)
{
	size_t i = table_find(table, type, id);
	return i < table->nr ? table->items[i] : NULL;
}

const struct file_place *file_table_place(const struct file_table *table, FdTypes type, uint32_t id)
{
	size_t i = table_find(table, type, id);
	return i < table->nr ? &table->places.items[i] : NULL;
}

size_t file_table_items(const struct file_table *table, FileEntry *const **out)
{
	*out = table->items;
	return table->nr;
}
