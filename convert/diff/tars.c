/* SPDX-License-Identifier: MIT
 * Tars are listed, with a digest of each file, and the lists merged by name. Files that differ are
 * then read side by side, once, for the place. Nothing is kept but the lists.
 */
#include "convert/diff/tars.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
	uint64_t digest; /* of a file */
	size_t place;    /* in the tar */
	size_t other;    /* in the other one, where the contents differ; NOWHERE */
};
#define NOWHERE SIZE_MAX

enum { LIST_BYTES_MAX = 256 << 20 }; /* of a list in memory: some 2 million files */

struct items {
	struct item *items;
	size_t nr, cap;
	size_t bytes;
	uint64_t point; /* of the digests */
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

static const struct stream_kind tar_kind = {
	.read = tar_member_read,
	.hole = tar_member_hole,
	.pass = tar_member_pass,
};

static int item_add(void *list_, const struct tar_member *m, struct error *err)
{
	struct items *list = list_;
	size_t len = strlen(m->name);
	list->bytes += sizeof(struct item) + len + (m->link ? strlen(m->link) : 0);
	if (list->bytes > LIST_BYTES_MAX)
		return error_set(err, EFBIG, "too many members");
	struct item *item = array_add(list);
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
	if (!S_ISREG(m->mode))
		return 0;
	return stream_digest(&tar_kind, m->tar, list->point, &item->digest, err);
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
	if (a->size == b->size && a->digest != b->digest)
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

/* Both tars once, from the front. Of a file that stands in another order in B no more is said than
 * that it differs: another time for each would have no end. */
static int contents_compare(struct tar_pair *pair, struct error *err)
{
	auto_cursor a = { 0 };
	auto_cursor b = { 0 };
	struct items *list = &pair->lists[0];
	int rc = cursor_open(pair, 0, &a, err);
	if (rc == 0)
		rc = cursor_open(pair, 1, &b, err);
	for (size_t i = 0; rc == 0 && i < list->nr; i++) {
		const struct item *item = &list->items[i];
		if (item->other == NOWHERE)
			continue;
		auto_free char *object = dup_object(pair, item->name);
		if (!object)
			return error_set(err, ENOMEM, "out of memory");
		if (item->other < b.next) {
			diff_change(pair->d, pair->section, 0, object, "contents", "", "differs");
			continue;
		}
		uint64_t offset = 0;
		rc = cursor_move(&a, item->place, pair->names[0], err);
		if (rc == 0)
			rc = cursor_move(&b, item->other, pair->names[1], err);
		if (rc == 0)
			rc = streams_compare(&tar_kind, a.tar, b.tar, &offset, err);
		rc = diff_bytes(pair->d, pair->section, object, "contents", rc, offset);
	}
	return rc;
}

bool is_tar_name(const char *name)
{
	const char *at = strstr(name, ".tar");
	return at && (!at[4] || at[4] == '.');
}

static int lists_read(struct tar_pair *pair, struct error *err)
{
	uint64_t point;
	if (getrandom(&point, sizeof(point), 0) != sizeof(point))
		return error_sys(err, "random bytes");
	int rc = 0;
	for (int side = 0; rc == 0 && side < 2; side++) {
		pair->lists[side].point = point >> 4;
		rc = list_read(pair, side, &pair->lists[side], err);
	}
	return rc;
}

int diff_tars(struct diff *d, enum diff_section section, const char *const names[2],
	      struct error *err)
{
	__attribute__((cleanup(pair_fini))) struct tar_pair pair = { d, section, names, { { 0 } } };
	struct error why;
	int rc = lists_read(&pair, &why);
	if (rc == -EBADMSG || rc == -EFBIG)
		return diff_member_bytes(d, section, names, err);
	if (rc < 0)
		return error_set(err, rc, "%s", why.text);
	rc = lists_merge(&pair, err);
	struct items *a = &pair.lists[0];
	bool any = false;
	for (size_t i = 0; rc == 0 && i < a->nr; i++)
		any |= a->items[i].other != NOWHERE;
	if (!any)
		return rc;
	qsort(a->items, a->nr, sizeof(*a->items), by_place);
	return contents_compare(&pair, err);
}
