/* SPDX-License-Identifier: MIT
 * Tars are listed, the lists merged by name, and files that both have with one size read side by
 * side, in the order of the tars. Nothing is kept but the lists.
 */
#include "convert/diff/tars.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/diff/streams.h"
#include "convert/raw/tar-read.h"

struct item {
	char *name, *link; /* link: NULL, or where it leads */
	const char *kind;
	uint32_t mode;
	int64_t uid, gid;
	uint64_t size;
	size_t place; /* in the tar */
	size_t other; /* its place in the other one, whose contents are to be read too; NOWHERE */
};
#define NOWHERE SIZE_MAX

struct items {
	struct item *items;
	size_t nr, cap;
};

struct tar_pair {
	struct diff *d;
	enum diff_section section;
	const char *const *names;
	struct items lists[2];
};

static void items_fini(struct items *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->items[i].name);
		free(list->items[i].link);
	}
	free(list->items);
}

static void pair_fini(struct tar_pair *pair)
{
	items_fini(&pair->lists[0]);
	items_fini(&pair->lists[1]);
}

/* What a tar is opened with, and moves through. */
struct cursor {
	struct istream *in;
	struct tar_reader *tar;
	struct tar_member at;
	size_t next; /* place of the member after `at` */
};

static void cursor_fini(struct cursor *c)
{
	tar_reader_close(c->tar);
	istream_close(c->in);
}
#define auto_cursor __attribute__((cleanup(cursor_fini))) struct cursor

static int cursor_open(const struct tar_pair *pair, int side, struct cursor *c, struct error *err)
{
	struct source *src = checkpoint_source(pair->d->cp[side]);
	int rc = source_open_member(src, pair->names[side], &c->in, err);
	return rc < 0 ? rc : tar_reader_open_stream(c->in, pair->names[side], &c->tar, err);
}

/* Forward to a place. */
static int cursor_move(struct cursor *c, size_t place, const char *name, struct error *err)
{
	while (c->next <= place) {
		int rc = tar_next(c->tar, &c->at, err);
		if (rc <= 0)
			return rc < 0 ? rc : error_set(err, EBADMSG, "%s: ended early", name);
		c->next++;
	}
	return 0;
}

static int item_add(void *list_, const struct tar_member *m, struct error *err)
{
	struct items *list = list_;
	struct item *item = array_add(list);
	size_t len = strlen(m->name);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	while (len && m->name[len - 1] == '/') /* not everybody ends a directory so */
		len--;
	*item = (struct item){ .name = strndup(m->name, len),
			       .link = m->link ? strdup(m->link) : NULL,
			       .kind = tar_member_kind(m),
			       .mode = m->mode,
			       .uid = m->uid,
			       .gid = m->gid,
			       .size = m->size,
			       .place = list->nr - 1,
			       .other = NOWHERE };
	if (!item->name || (m->link && !item->link))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int by_name(const void *a_, const void *b_)
{
	const struct item *a = a_, *b = b_;
	int order = strcmp(a->name, b->name);
	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static int by_place(const void *a_, const void *b_)
{
	const struct item *a = a_, *b = b_;
	return (a->place > b->place) - (a->place < b->place);
}

static int list_read(const struct tar_pair *pair, int side, struct items *out, struct error *err)
{
	auto_istream in = NULL;
	int rc =
	    source_open_member(checkpoint_source(pair->d->cp[side]), pair->names[side], &in, err);
	if (rc == 0)
		rc = tar_walk(in, pair->names[side], item_add, out, err);
	if (rc == 0 && out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), by_name);
	return rc;
}

/* "devshm-checkpoint.tar[queue]" */
static char *dup_object(const struct tar_pair *pair, const char *name)
{
	char *object;
	return asprintf(&object, "%s[%s]", pair->names[0], *name ? name : ".") < 0 ? NULL : object;
}

static void number_compare(const struct tar_pair *pair, const char *object, const char *field,
			   int64_t a, int64_t b)
{
	char text_a[32], text_b[32];
	if (a == b)
		return;
	snprintf(text_a, sizeof(text_a), "%" PRId64, a);
	snprintf(text_b, sizeof(text_b), "%" PRId64, b);
	diff_change(pair->d, pair->section, 0, object, field, text_a, text_b);
}

static void mode_compare(const struct tar_pair *pair, const char *object, uint32_t a, uint32_t b)
{
	char text_a[16], text_b[16];
	if ((a & 07777) == (b & 07777))
		return;
	snprintf(text_a, sizeof(text_a), "0%" PRIo32, a & 07777);
	snprintf(text_b, sizeof(text_b), "0%" PRIo32, b & 07777);
	diff_change(pair->d, pair->section, 0, object, "mode", text_a, text_b);
}

static int both_compare(const struct tar_pair *pair, struct item *a, const struct item *b,
			struct error *err)
{
	auto_free char *object = dup_object(pair, a->name);
	if (!object)
		return error_set(err, ENOMEM, "out of memory");
	if (strcmp(a->kind, b->kind) != 0) {
		diff_change(pair->d, pair->section, 0, object, "type", a->kind, b->kind);
		return 0;
	}
	mode_compare(pair, object, a->mode, b->mode);
	number_compare(pair, object, "uid", a->uid, b->uid);
	number_compare(pair, object, "gid", a->gid, b->gid);
	number_compare(pair, object, "size", (int64_t)a->size, (int64_t)b->size);
	if (strcmp(a->link ?: "", b->link ?: "") != 0)
		diff_change(pair->d, pair->section, 0, object, "link", a->link, b->link);
	if (S_ISREG(a->mode) && a->size && a->size == b->size)
		a->other = b->place;
	return 0;
}

static int lists_merge(struct tar_pair *pair, struct error *err)
{
	struct items *a = &pair->lists[0], *b = &pair->lists[1];
	int rc = 0;
	for (size_t i = 0, k = 0; rc == 0 && (i < a->nr || k < b->nr);) {
		int order = i == a->nr   ? 1
			    : k == b->nr ? -1
					 : strcmp(a->items[i].name, b->items[k].name);
		if (order == 0) {
			rc = both_compare(pair, &a->items[i], &b->items[k], err);
		} else {
			auto_free char *object =
			    dup_object(pair, order < 0 ? a->items[i].name : b->items[k].name);
			if (!object)
				return error_set(err, ENOMEM, "out of memory");
			diff_presence(pair->d, pair->section, object, NULL, order<0, order> 0);
		}
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

static int contents_compare(const struct tar_pair *pair, const struct item *item, void *a, void *b,
			    struct error *err)
{
	auto_free char *object = dup_object(pair, item->name);
	uint64_t offset;
	if (!object)
		return error_set(err, ENOMEM, "out of memory");
	int rc = streams_compare(tar_member_read, a, b, &offset, err);
	return diff_bytes(pair->d, pair->section, object, "contents", rc, offset);
}

/* Both tars once, from the front. What stands in another order in B is left for another time.
 * @return how many are left; -errno */
static ssize_t contents_round(struct tar_pair *pair, struct error *err)
{
	auto_cursor a = { 0 };
	auto_cursor b = { 0 };
	struct items *list = &pair->lists[0];
	ssize_t left = 0;
	int rc = cursor_open(pair, 0, &a, err);
	if (rc == 0)
		rc = cursor_open(pair, 1, &b, err);
	for (size_t i = 0; rc == 0 && i < list->nr; i++) {
		struct item *item = &list->items[i];
		bool behind = item->other != NOWHERE && item->other < b.next;
		left += behind;
		if (item->other == NOWHERE || behind)
			continue;
		rc = cursor_move(&a, item->place, pair->names[0], err);
		if (rc == 0)
			rc = cursor_move(&b, item->other, pair->names[1], err);
		if (rc == 0)
			rc = contents_compare(pair, item, a.tar, b.tar, err);
		item->other = NOWHERE;
	}
	return rc < 0 ? rc : left;
}

bool is_tar_name(const char *name)
{
	const char *at = strstr(name, ".tar");
	return at && (!at[4] || at[4] == '.');
}

int diff_tars(struct diff *d, enum diff_section section, const char *const names[2],
	      struct error *err)
{
	__attribute__((cleanup(pair_fini))) struct tar_pair pair = { d, section, names, { { 0 } } };
	int rc = 0;
	for (int side = 0; rc == 0 && side < 2; side++)
		rc = list_read(&pair, side, &pair.lists[side], err);
	if (rc == 0)
		rc = lists_merge(&pair, err);
	struct items *a = &pair.lists[0];
	bool any = false;
	for (size_t i = 0; i < a->nr; i++)
		any |= a->items[i].other != NOWHERE;
	if (rc < 0 || !any)
		return rc;
	qsort(a->items, a->nr, sizeof(*a->items), by_place);
	ssize_t left;
	while ((left = contents_round(&pair, err)) > 0)
		;
	return (int)left;
}
