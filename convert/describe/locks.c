/* SPDX-License-Identifier: MIT
 * Locks in words.
 */
#include "convert/describe/locks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "files.pb-c.h"
#include "images/reader.h"

/* file_lock_entry.flag and .type; what is above two bits of the type is a lease being broken. */
enum { LOCK_POSIX = 1, LOCK_FLOCK = 2, LOCK_OFD = 4, LOCK_LEASE = 8, TYPE_MASK = 3 };

static void range_text(const FileLockEntry *lock, char *out, size_t len)
{
	if (lock->len > 0)
		snprintf(out, len, " %" PRId64 "-%" PRId64, lock->start,
			 lock->start + (lock->len - 1));
	else if (lock->start)
		snprintf(out, len, " from %" PRId64, lock->start);
	else
		*out = '\0';
}

static void lock_describe(const FileLockEntry *lock, struct lock_facts *out)
{
	static const char *const types[] = { "read", "write", "no", "?" };
	const char *type = types[lock->type & TYPE_MASK];
	char range[48];
	out->pid = lock->pid;
	out->fd = lock->fd;
	range_text(lock, range, sizeof(range));
	if (lock->flag == LOCK_LEASE)
		snprintf(out->text, sizeof(out->text), "%s lease%s", type,
			 lock->type > TYPE_MASK ? ", being broken" : "");
	else
		snprintf(out->text, sizeof(out->text), "%s %s lock%s",
			 lock->flag == LOCK_FLOCK   ? "flock"
			 : lock->flag == LOCK_POSIX ? "POSIX"
			 : lock->flag == LOCK_OFD   ? "OFD"
						    : "?",
			 type, range);
}

static int lock_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct lock_list *list = ctx;
	struct lock_facts *lock = array_add(list);
	if (!lock)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	lock_describe((const FileLockEntry *)*msg, lock);
	return 0;
}

static int lock_compare(const void *a_, const void *b_)
{
	const struct lock_facts *a = a_, *b = b_;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

int lock_list_read(struct source *src, struct lock_list *out, struct error *err)
{
	int rc = image_each(src, IMG_FILE_LOCKS, 0, lock_add, out, err);
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), lock_compare);
	return rc;
}

void lock_list_fini(struct lock_list *list)
{
	free(list->items);
	*list = (struct lock_list){ 0 };
}

const struct lock_facts *lock_list_find(const struct lock_list *list, int pid, int fd)
{
	const struct lock_facts key = { .pid = pid, .fd = fd };
	size_t low = array_lower_bound(list->nr, k, lock_compare(&list->items[k], &key) < 0);
	return low < list->nr && !lock_compare(&list->items[low], &key) ? &list->items[low] : NULL;
}
