/* SPDX-License-Identifier: MIT
 * Bytes that stand in a file of the set: all of it, or what follows entries of an image.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/describe/process.h"
#include "images/payload.h"
#include "images/source.h"
#include "viewer/app.h"
#include "viewer/bytes.h"

enum { ENTRIES_SAID = 16 }; /* in a command */

/* One part: where it is looked at, and where it stands in the file. */
struct piece {
	uint64_t at, len, offset;
	size_t entry; /* SIZE_MAX: the file as a whole */
	size_t part;  /* of what follows it */
};

struct file {
	struct bytes base;
	char *image;
	enum image_payload kind;
	struct istream *in;
	uint64_t read_to; /* of a stream that only goes forward */
	uint64_t size;    /* of the file; UINT64_MAX: not known */
	struct piece *items;
	size_t nr, cap;
};

static struct file *file_of(struct bytes *b)
{
	return (struct file *)b;
}

/* Going back in what only goes forward opens it again. @return bytes, less at the end */
static ssize_t file_read_at(struct file *f, uint64_t offset, void *buf, size_t len,
			    struct error *err)
{
	size_t done = 0;
	if (istream_seekable(f->in))
		return istream_pread(f->in, buf, len, offset, err);
	if (offset < f->read_to) {
		istream_close(f->in);
		f->in = NULL;
		int rc = source_open_member(f->base.app->src, f->image, &f->in, err);
		if (rc < 0)
			return rc;
		f->read_to = 0;
	}
	int rc = istream_skip(f->in, offset - f->read_to, err);
	if (rc < 0)
		return rc;
	while (done < len) {
		ssize_t n = istream_read(f->in, (char *)buf + done, len - done, err);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	f->read_to = offset + done;
	return (ssize_t)done;
}

/* The first piece that ends behind an address; f->nr: there is none. */
static size_t piece_find(const struct file *f, uint64_t at)
{
	size_t low = array_lower_bound(f->nr, k, f->items[k].at + f->items[k].len <= at);
	return low;
}

static int file_read(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
		     struct error *err)
{
	struct file *f = file_of(b);
	memset(buf, 0, len);
	if (known)
		memset(known, 0, len);
	for (size_t i = piece_find(f, at); i < f->nr && f->items[i].at < at + len; i++) {
		const struct piece *p = &f->items[i];
		uint64_t from = p->at > at ? p->at : at, inside = from - p->at;
		uint64_t want = p->len - inside, room = at + len - from;
		ssize_t n = file_read_at(f, p->offset + inside, (char *)buf + (from - at),
					 want < room ? (size_t)want : (size_t)room, err);
		if (n < 0)
			return (int)n;
		if (known)
			memset(known + (from - at), 1, (size_t)n);
	}
	return 0;
}

static bool file_stretch(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct file *f = file_of(b);
	size_t i = piece_find(f, at);
	if (i == f->nr)
		return false;
	*start = f->items[i].at;
	*end = f->items[i].at + f->items[i].len;
	return true;
}

static bool file_stretch_below(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct file *f = file_of(b);
	size_t i = piece_find(f, at);
	if (i == f->nr || f->items[i].at > at) {
		if (!i)
			return false;
		i--;
	}
	*start = f->items[i].at;
	*end = f->items[i].at + f->items[i].len;
	return true;
}

/* As much of a piece as the file has. */
static bool file_data(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct file *f = file_of(b);
	for (size_t i = piece_find(f, at); i < f->nr; i++) {
		const struct piece *p = &f->items[i];
		uint64_t there = p->offset < f->size ? f->size - p->offset : 0;
		*start = p->at > at ? p->at : at;
		*end = p->at + (there < p->len ? there : p->len);
		if (*start < *end)
			return true;
	}
	return false;
}

static void file_about(struct bytes *b, uint64_t at, struct strbuf *out)
{
	const struct file *f = file_of(b);
	size_t i = piece_find(f, at);
	if (i == f->nr)
		return;
	const struct piece *p = &f->items[i];
	if (f->kind == PAYLOAD_TCP)
		strbuf_str(out, p->part ? "sent, not acknowledged: " : "received, not read: ");
	else if (f->nr > 1)
		strbuf_printf(out, "part %zu of %zu: ", i + 1, f->nr);
	strbuf_printf(out, "byte %" PRIu64 " of %" PRIu64, at - p->at, p->len);
	if (p->offset + (at - p->at) >= f->size)
		strbuf_str(out, ", which the file is too short for");
}

static void file_command(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out)
{
	const struct file *f = file_of(b);
	size_t said = 0, last = SIZE_MAX;
	(void)start;
	(void)end;
	strbuf_str(out, "show -x ");
	for (size_t i = 0; i < f->nr && said < ENTRIES_SAID; i++) {
		if (f->items[i].entry == last)
			continue;
		last = f->items[i].entry;
		said++;
		strbuf_printf(out, "-e %zu ", last);
	}
	strbuf_str(out, source_is_archive(b->app->src) ? "{}:" : "{}/");
	command_word(f->image, out);
}

static const char *file_entry(struct bytes *b, uint64_t at, size_t *entry)
{
	const struct file *f = file_of(b);
	size_t i = piece_find(f, at);
	*entry = i < f->nr ? f->items[i].entry : SIZE_MAX;
	return f->image;
}

static void file_close(struct bytes *b)
{
	struct file *f = file_of(b);
	istream_close(f->in);
	free(f->items);
	free(f->image);
	free(f);
}

static const struct bytes_ops file_bytes = {
	.read = file_read,
	.stretch = file_stretch,
	.stretch_below = file_stretch_below,
	.data = file_data,
	.about = file_about,
	.command = file_command,
	.entry = file_entry,
	.close = file_close,
};

/* The size of a member, which a compressed stream does not tell. */
static uint64_t member_size(struct source *src, const char *name)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, NULL);
	for (ssize_t i = 0; i < nr; i++) {
		if (!strcmp(members[i].name, name))
			return members[i].size;
	}
	return UINT64_MAX;
}

static int file_new(struct app *app, const char *image, struct file **out, struct error *err)
{
	struct file *f = calloc(1, sizeof(*f));
	char *copy = strdup(image);
	if (!f || !copy) {
		free(f);
		free(copy);
		return error_set(err, ENOMEM, "out of memory");
	}
	f->base.ops = &file_bytes;
	f->base.app = app;
	f->image = copy;
	int rc = source_open_member(app->src, image, &f->in, err);
	if (rc < 0) {
		file_close(&f->base);
		return rc;
	}
	int64_t size = istream_size(f->in);
	f->size = size >= 0 ? (uint64_t)size : member_size(app->src, image);
	*out = f;
	return 0;
}

/* @param place  offset, entry and part are known */
static int piece_add(struct file *f, struct piece place, const struct payload_part *part,
		     struct error *err)
{
	const struct piece *before = f->nr ? &f->items[f->nr - 1] : NULL;
	place.len = part->len;
	if (part->len == UINT64_MAX)
		place.len =
		    f->size == UINT64_MAX || place.offset > f->size ? 0 : f->size - place.offset;
	if (!place.len)
		return 0;
	place.at = payload_part_address(part->msg, before ? before->at + before->len : 0);
	struct piece *p = place.at + place.len > place.at ? array_add(f) : NULL;
	if (!p)
		return error_set(err, ENOMEM, "%s: too much to show", f->image);
	*p = place;
	return 0;
}

static int pieces_add(struct file *f, struct image_reader *r, size_t entry, struct error *err)
{
	struct payload_part part;
	int rc;
	for (size_t i = 0; (rc = image_payload_next(r, &part, err)) > 0; i++) {
		const struct piece place = { .offset = image_payload_offset(r),
					     .entry = entry,
					     .part = i };
		rc = piece_add(f, place, &part, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int pieces_find(struct file *f, const struct payload_query *query, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open(f->base.app->src, query->image, &r, err);
	if (rc < 0)
		return rc;
	f->kind = image_reader_type(r)->payload;
	for (size_t i = 0; i <= query->entry; i++) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		if (query->entry == SIZE_MAX ? query->fits(query->arg, msg) : i == query->entry)
			rc = pieces_add(f, r, i, err);
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

int bytes_of_payload(struct app *app, const struct process *p, const struct payload_query *query,
		     struct bytes **out, struct error *err)
{
	struct file *f;
	struct error why;
	int rc = file_new(app, query->image, &f, err);
	if (rc < 0)
		return rc;
	rc = pieces_find(f, query, &why);
	if (!f->nr) { /* else what was found before it went wrong is shown */
		file_close(&f->base);
		return rc < 0 ? error_set(err, -rc, "%s", why.text)
			      : error_set(err, ENOENT, "nothing follows this entry");
	}
	if (rc < 0)
		bytes_trouble(&f->base, &why);
	f->base.process = p;
	if (query->title)
		snprintf(f->base.title, sizeof(f->base.title), "%s", query->title);
	else
		snprintf(f->base.title, sizeof(f->base.title), "%s, what follows entry %zu",
			 query->image, query->entry);
	*out = &f->base;
	return 0;
}

int bytes_of_member(struct app *app, const char *name, struct bytes **out, struct error *err)
{
	struct file *f;
	int rc = file_new(app, name, &f, err);
	if (rc < 0)
		return rc;
	struct piece *p = array_add(f);
	if (!p) {
		file_close(&f->base);
		return error_set(err, ENOMEM, "out of memory");
	}
	*p = (struct piece){ .len = f->size, .entry = SIZE_MAX };
	snprintf(f->base.title, sizeof(f->base.title), "%s", name);
	*out = &f->base;
	return 0;
}
